"""Environments: orphan branches `llmops/env/<environment>`, each commit one deployment. This is their reading side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.releases.records import parse_record
from llmops_git.releases.values import EnvironmentState, Running
from llmops_git.repo.objects import GitObject, ObjectReader, TreeEntry, tree_entries
from llmops_git.repo.refs import Ref, local_ref, read_refs

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

BRANCH_PREFIX = "llmops/env/"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_SUFFIX = ".conf"


def is_environment(name: str) -> bool:
    """Whether an environment can have this name."""
    return bool(_NAME.fullmatch(name))


def environment_ref(environment: str) -> str:
    """The shared ref of an environment. Raises LlmopsError for a name that could not be one."""
    if not is_environment(environment):
        raise LlmopsError(f"`{environment}` is not a name for an environment: use lower-case letters, digits and `-`")
    return f"refs/heads/{BRANCH_PREFIX}{environment}"


def running_configs(git: Git, environment: str, *, remote: str | None) -> Mapping[str, Running]:
    """What an environment runs, by config; empty when nothing was ever promoted to it.

    `remote` is the name of the remote whose branch counts; where this clone has none of its branches (or `remote` is
    None), the local branch does. Two git processes, whatever the number of configs. Raises LlmopsError when the branch
    has a record that cannot be read: guessing what runs is worse than not knowing.
    """
    shared = environment_ref(environment)
    refs = {ref.name: ref for ref in read_refs(git, shared, local_ref(shared, remote))}
    ref = refs.get(local_ref(shared, remote)) or refs.get(shared)
    if ref is None:
        return {}
    state = read_environments(git, {environment: ref})[environment]
    if state.problems:
        raise LlmopsError("\n".join(state.problems), hint="llmops-git verify")
    return state.running


def read_environments(git: Git, refs: Mapping[str, Ref]) -> dict[str, EnvironmentState]:
    """The state of several environments (name -> ref of its branch), in one `git cat-file` process or none."""
    with ObjectReader(git) as reader:
        names = list(refs)
        trees = [_entries(tree, git) for tree in reader.read([refs[name].tree for name in names])]
        records = [[entry for entry in entries if entry.name.endswith(_SUFFIX)] for entries in trees]
        blobs = iter(reader.read([entry.oid for entries in records for entry in entries]))
        return {
            name: _state(name, refs[name].oid, entries, [(entry, next(blobs)) for entry in own])
            for name, entries, own in zip(names, trees, records, strict=True)
        }


def _entries(tree: GitObject | None, git: Git) -> list[TreeEntry]:
    return tree_entries(tree.data, git.location.object_format) if tree else []


def _state(
    name: str, tip: str, entries: Sequence[TreeEntry], records: Sequence[tuple[TreeEntry, GitObject | None]]
) -> EnvironmentState:
    running: dict[str, Running] = {}
    problems = []
    for entry, blob in records:
        config = entry.name.removesuffix(_SUFFIX)
        record = parse_record(config, blob.data) if blob else None
        if record is None:
            problems.append(f"{BRANCH_PREFIX}{name}:{entry.name}: not a record of what runs")
        else:
            running[config] = record
    blobs = {entry.name: entry.oid for entry in entries}
    return EnvironmentState(name=name, tip=tip, running=running, blobs=blobs, problems=tuple(problems))
