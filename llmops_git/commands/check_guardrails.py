"""What `check` says of guardrail packs: those that configs use, and those that none uses yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from llmops_git.configs.closure import Closures
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import JsonObject


def guardrail_problems(
    tree: Tree, policy: Policy, closures: Closures, paths: Sequence[str], chosen: Iterable[str]
) -> Iterator[Problem]:
    """What is wrong with all packs, or with `paths` given, with those at or below them and those that `chosen` configs use."""
    from llmops_git.commands.guard_packs import suite_problems
    from llmops_git.configs.pack_file import load_pack, pack_files

    used = {item.path for config in chosen for item in closures.of(config).dependencies if item.role == "guardrail"}
    for path in pack_files(tree, policy.root):
        if paths and path not in used and not any(not root or path == root or path.startswith(f"{root}/") for root in paths):
            continue
        try:
            pack = load_pack(tree, path, policy, closures=closures)
        except InvalidInput as error:
            yield from error.problems
            continue
        yield from _unbuilt(tree, path, pack.resolved, policy)
        yield from suite_problems(tree, pack.measure.suites)


def unused_packs(tree: Tree, policy: Policy, closures: Closures, files: Iterable[str], paths: Iterable[str]) -> set[str]:
    """Those of the paths that are packs, or the folder of packs, and that no config reads."""
    from llmops_git.configs.pack_file import pack_files

    read = {item.path for config in files for item in closures.of(config).dependencies}
    packs = pack_files(tree, policy.root)
    folder = packs[0].rpartition("/")[0] if packs else ""
    below = {path: [pack for pack in packs if pack == path or folder in (path, path + "/")] for path in paths if packs}
    return {path for path, found in below.items() if path and found and not read.intersection(found)}


def _unbuilt(tree: Tree, path: str, resolved: JsonObject, policy: Policy) -> Iterator[Problem]:
    """Rules that could never decide: a wrong pattern, a library that is not installed, code that is not allowed."""
    from llmops_git.configs.pointers import pointer_text
    from llmops_git.configs.yaml import parse
    from llmops_git.guardrails.packs import SIDES, Unbuilt, pack_of

    file = parse(tree.read([path])[path], path)
    found: dict[str, Problem] = {}
    for side in SIDES:
        for rule in pack_of(resolved, side, policy.allowed_checks).rules:
            if isinstance(rule.check, Unbuilt):
                line, column = file.place(("rules", rule.name))
                problem = Problem(path=path, message=rule.check.reason, line=line, column=column, hint=rule.check.hint)
                found[rule.name] = replace(problem, pointer=pointer_text(("rules", rule.name)))
    yield from found.values()
