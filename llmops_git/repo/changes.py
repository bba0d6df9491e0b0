"""Which configs differ between two trees, how, and because of which files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.configs.closure import Closure, Closures
from llmops_git.configs.diff import compare_configs, renamed
from llmops_git.configs.paths import config_files, named_files
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree, Tree
from llmops_git.configs.values import Change, Config, Status
from llmops_git.errors import InvalidInput, Problem
from llmops_git.repo.trees import commit_tree, work_tree

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.repo.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """The changed configs between two trees. `base_oid` is "" where there is no commit yet; `head_name` is a commit id,
    `index` or `worktree`; `total_configs` counts the head's."""

    base_oid: str
    head_name: str
    total_configs: int
    changes: tuple[Change, ...]


@dataclass(slots=True)
class _Side:
    """One tree with its policy, the paths of its configs, and the closures of those that were asked for."""

    tree: Tree
    policy: Policy
    paths: Mapping[str, str]  # config name -> path
    closures: Closures

    def closure(self, name: str) -> Closure | None:
        return self.closures.of(self.paths[name]) if name in self.paths else None

    def load(self, name: str) -> tuple[Config | None, tuple[Problem, ...]]:
        from llmops_git.configs.load import load_config  # noqa: PLC0415

        if name not in self.paths:
            return None, ()
        try:
            return load_config(self.tree, self.paths[name], self.policy), ()
        except InvalidInput as error:
            return None, error.problems


def compute_changes(git: Git, base: str, head: str | None, *, root: str = "") -> ChangeSet:
    """The changes from commit `base` ("" for nothing at all) to commit `head` (None: the work tree).

    Raises InvalidInput when a policy cannot be read, or when two configs have the same name.
    """
    before = commit_tree(git, base) if base else DictTree({}, name="nothing")
    after = work_tree(git) if head is None and git.location.work_tree is not None else commit_tree(git, head or "HEAD")
    return changes_between(before, after, root=root)


def changes_between(base: Tree, head: Tree, *, root: str = "") -> ChangeSet:
    """The changes between two trees."""
    old, new = _side(base, root), _side(head, root)
    touched = _touched(base, head)
    names = [name for name in sorted({*old.paths, *new.paths}) if _reached(name, old, new, touched)]
    found = [_change(name, old, new, touched) for name in names]
    changes = _pair_renames([change for change in found if change is not None])
    return ChangeSet(
        base_oid="" if base.name == "nothing" else base.name,
        head_name=head.name,
        total_configs=len(new.paths),
        changes=tuple(sorted(changes, key=lambda change: change.config)),
    )


def _side(tree: Tree, root: str) -> _Side:
    policy = load_policy(tree, root)
    named, problems = named_files(config_files(tree.walk(), policy))
    if problems:
        raise InvalidInput(problems)
    closures = Closures(tree, root)
    closures.prepare(named.values())
    return _Side(tree, policy, named, closures)


def _touched(base: Tree, head: Tree) -> frozenset[str]:
    """The paths whose entries differ."""
    before, after = base.walk(), head.walk()
    return frozenset(path for path in {*before, *after} if before.get(path) != after.get(path))


def _reached(name: str, old: _Side, new: _Side, touched: frozenset[str]) -> bool:
    """Whether a changed file is in the config's closure at the head, or the config is there on one side only.

    The base's closure needs no look: if nothing in the head's changed, the config names the same files on both sides.
    """
    if (name in old.paths) != (name in new.paths) or old.paths[name] != new.paths[name]:
        return True
    closure = new.closure(name)
    return closure is not None and any(True for _ in _touching(closure, touched))


def _touching(closure: Closure, touched: frozenset[str]) -> Iterable[str]:
    """The changed files that a closure holds, names in vain, or has a pattern for."""
    from llmops_git.configs.glob import compile_glob  # noqa: PLC0415

    for dependency in closure.dependencies:
        if dependency.path in touched:
            yield dependency.path
    for path, _ in closure.missing:
        if path in touched:
            yield path
    for pattern, _ in closure.patterns:
        fits = compile_glob(pattern).fullmatch
        yield from (path for path in touched if fits(path))


def _change(name: str, old: _Side, new: _Side, touched: frozenset[str]) -> Change | None:
    base, base_problems = old.load(name)
    head, head_problems = new.load(name)
    because = _because(name, old, new, touched)
    status = _status(name, old, new)
    if base is None and head is None:
        return Change(config=name, status=status, because=because, problems=head_problems or base_problems)
    change = compare_configs(base, head, because=because)
    if base is None or head is None:
        return replace(change, status=status, problems=head_problems)
    return change if change.aspects else None


def _status(name: str, old: _Side, new: _Side) -> Status:
    if name in old.paths:
        return "modified" if name in new.paths else "removed"
    return "added"


def _because(name: str, old: _Side, new: _Side, touched: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """For each changed file that reaches the config on either side, the chain from that file to the config."""
    chains: dict[str, tuple[str, ...]] = {}
    for side in (new, old):
        closure = side.closure(name)
        if closure is not None:
            via = {path: parent for path, parent in _parents(closure, touched) if path}
            for path in sorted(set(_touching(closure, touched))):
                chains.setdefault(path, _chain(path, via))
    return tuple(chains[path] for path in sorted(chains))


def _parents(closure: Closure, touched: frozenset[str]) -> Iterable[tuple[str, str]]:
    from llmops_git.configs.glob import compile_glob  # noqa: PLC0415

    for pattern, via in closure.patterns:
        fits = compile_glob(pattern).fullmatch
        yield from ((path, via) for path in touched if fits(path))
    yield from closure.missing
    yield from ((dependency.path, dependency.via) for dependency in closure.dependencies)


def _chain(path: str, via: Mapping[str, str]) -> tuple[str, ...]:
    chain = [path]
    while (parent := via.get(chain[-1], "")) and parent not in chain:
        chain.append(parent)
    return tuple(chain)


def _pair_renames(changes: list[Change]) -> list[Change]:
    """A removed and an added config of the same content are one that was renamed."""
    removed = {change.base.digest: change for change in changes if change.status == "removed" and change.base}
    paired: list[Change] = []
    gone = set()
    for change in changes:
        match = removed.pop(change.head.digest, None) if change.status == "added" and change.head else None
        if match is None or match.base is None or change.head is None:
            paired.append(change)
            continue
        gone.add(match.config)
        paired.append(renamed(match.base, change.head, because=(*match.because, *change.because)))
    return [change for change in paired if not (change.status == "removed" and change.config in gone)]
