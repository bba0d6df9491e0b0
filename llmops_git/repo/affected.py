"""Which configs a difference touches, verified by exact closures, and the chains of files that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from llmops_git.configs.closure import Closure, Closures
from llmops_git.configs.glob import compile_glob
from llmops_git.configs.paths import config_files, config_name
from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import Tree
from llmops_git.repo.differences import Sides
from llmops_git.repo.graph import Graph
from llmops_git.repo.sides import Base, Head


class Pair(NamedTuple):
    """One config on its two sides, by path; None where it is not."""

    base: str | None
    head: str | None


def find_pairs(
    base: Base, head: Head, *, base_policy: Policy, head_policy: Policy, graph: Graph, closures: Closures
) -> list[Pair]:
    """The configs that may have changed: added, removed, moved, and those whose closure holds a changed file."""
    before, after = _config_paths(base.tree, head.tree, base.differences, base_policy, head_policy)
    reached = graph.reached(base.differences) | (after & before & base.differences.keys())
    candidates = sorted(path for path in reached - (after - before) if head.tree.entry(path) is not None)
    closures.prepare(candidates)
    touched = {path for path in candidates if path in base.differences or touches(closures.of(path), base.differences)}
    gone = before - after
    touched |= _unselected(gone, base, head, closures)
    return _paired(gone - touched, after - before, touched)


def _unselected(gone: set[str], base: Base, head: Head, closures: Closures) -> set[str]:
    """Configs that the head's policy selects no more although they are there, and whose files changed as well: a change may
    not take what it edits out of sight."""
    still = sorted(path for path in gone if head.tree.entry(path) is not None)
    closures.prepare(still)
    return {path for path in still if touches(closures.of(path), base.differences)}


def _config_paths(
    base: Tree, head: Tree, differences: Mapping[str, Sides], base_policy: Policy, head_policy: Policy
) -> tuple[set[str], set[str]]:
    """Config files among the changed paths of each side; all config files where the sides select them differently."""
    if base_policy.configs != head_policy.configs:
        return set(config_files(base.walk(), base_policy)), set(config_files(head.walk(), head_policy))
    paths = config_files(differences, head_policy)
    return {path for path in paths if differences[path][0] is not None}, {
        path for path in paths if differences[path][1] is not None
    }


def touches(closure: Closure, changed: Mapping[str, Sides]) -> bool:
    """Whether a closure holds a changed file, a name that has lost its file, or a glob that a changed path fits."""
    if any(item.path in changed for item in closure.dependencies) or any(path in changed for path, _ in closure.missing):
        return True
    return any(compile_glob(pattern).fullmatch(path) for pattern, _ in closure.patterns for path in changed)


def _paired(gone: set[str], new: set[str], touched: set[str]) -> list[Pair]:
    """A config is known by its name: one that is gone here and new there has moved."""
    names: dict[str, list[str]] = {}
    for path in sorted(gone):
        names.setdefault(config_name(path), []).append(path)
    pairs = [Pair(path, path) for path in touched]
    for path in sorted(new):
        same_name = names.get(config_name(path))
        pairs.append(Pair(same_name.pop(0) if same_name else None, path))
    pairs += [Pair(path, None) for paths in names.values() for path in paths]
    return sorted(pairs, key=lambda pair: config_name(pair.head or pair.base or ""))


def chains(pair: Pair, before: Closure | None, after: Closure | None, changed: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """For each changed file that a config reads on either side, the shortest chain from that file to the config."""
    found: dict[str, tuple[str, ...]] = {}
    for closure in (before, after):  # where both know a file, what the head says is shown
        if closure is None:
            continue
        via = dict(closure.missing)
        for item in reversed(closure.dependencies):
            via[item.path] = item.via
        for path in changed:
            if path in via:
                found[path] = _chain(path, via)
    if pair.base is None or pair.head is None:
        path = pair.head or pair.base or ""
        return ((path,),)
    return tuple(found[path] for path in sorted(found))


def _chain(path: str, via: Mapping[str, str]) -> tuple[str, ...]:
    chain = [path]
    while (naming := via.get(chain[-1], "")) and naming not in chain:
        chain.append(naming)
    return tuple(chain)
