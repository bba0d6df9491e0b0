"""Where the policy of a checkout is, and the few of its settings that finding configs needs, without the price of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmops_git.configs.policy import DEFAULT_PATTERNS, POLICY_FILE, Policy
from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE, Tree
from llmops_git.errors import InvalidInput

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.index import Index

_SYNTAX = "policy"  # under which the index keeps these settings


def policy_root(git: Git) -> str:
    """The folder of the nearest llmops.yaml from the caller's folder upwards; "" at the top, or when there is none."""
    work_tree = git.location.work_tree
    prefix = git.location.prefix
    while work_tree is not None and prefix:
        if (work_tree / prefix / POLICY_FILE).is_file():
            return prefix
        prefix = prefix.rpartition("/")[0]
    return ""


def selecting_policy(tree: Tree, root: str, index: Index | None = None) -> Policy:
    """The policy of the folder `root` with what selects configs and names the default branch; the rest has its defaults.

    A policy in which these are not plainly right is read in full, and that raises InvalidInput.
    """
    path = f"{root}/{POLICY_FILE}" if root else POLICY_FILE
    entry = tree.entry(path)
    if entry is None:
        return Policy(root=root)
    if entry.mode in (FILE_MODE, EXECUTABLE_MODE):
        known = index.scans([entry.oid]).get((entry.oid, _SYNTAX)) if index is not None else None
        settings = known or _settings(tree.read([path])[path], path)
        if settings:
            if index is not None and not known:
                index.keep_scan(entry.oid, _SYNTAX, settings)
            return Policy(root=root, configs=tuple(settings[0]), default_branch=settings[1], remote=settings[2])
    from llmops_git.configs.policy_file import load_policy

    return load_policy(tree, root)


def _settings(data: bytes, path: str) -> list[Any]:
    """Patterns of configs, default branch and remote; nothing when one of them is not what it should be."""
    from llmops_git.configs.yaml import parse

    try:
        value = parse(data, path).value or {}
    except InvalidInput:
        return []
    if not isinstance(value, dict):
        return []
    settings = [value.get("configs", list(DEFAULT_PATTERNS)), value.get("default_branch", ""), value.get("remote", "origin")]
    patterns = settings[0]
    if not isinstance(patterns, list) or not patterns or not all(isinstance(item, str) for item in [*patterns, *settings[1:]]):
        return []
    return settings
