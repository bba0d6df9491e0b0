"""Loads both sides of the configs that a difference touches, and compares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.configs.closure import Closure, Closures
from llmops_git.configs.paths import config_name
from llmops_git.configs.policy import Policy
from llmops_git.configs.tree import Tree
from llmops_git.configs.values import Change, Config, Role, Status
from llmops_git.errors import InvalidInput, Problem
from llmops_git.repo.affected import Pair, chains
from llmops_git.repo.remembered import comparison_key, from_json, to_json
from llmops_git.repo.scans import ScanCache
from llmops_git.repo.shared_reads import SharedReads
from llmops_git.repo.sides import Base, Head

if TYPE_CHECKING:
    from llmops_git.configs.load import Loader
    from llmops_git.repo.index import Index

# a change of a file in one of these roles alone leaves the cases, the scorers and the gate as they are
_NOT_EVALUATING: frozenset[Role] = frozenset({"message", "include", "tool", "corpus", "guardrail", "guardrail_schema"})
BATCH = 64  # pairs whose files are in memory at once


class _Job(NamedTuple):
    pair: Pair
    before: Closure | None
    after: Closure | None
    key: bytes


class Comparer:
    """Compares configs of one head with those of its bases. What `index` remembers is not loaded again."""

    def __init__(self, head: Head, policy: Policy, scans: ScanCache, *, index: Index | None, check: bool) -> None:
        self._head = head
        self._policy = policy
        self._scans = scans
        self._index = index
        self._check = check
        self.head_closures = self._closures(head.tree, policy)

    def compare(self, base: Base | None, policy: Policy, pairs: Sequence[Pair]) -> list[Change]:
        """The changes among these pairs; `policy` is the base's. A pair that turns out to be equal is none."""
        closures = self._closures(base.tree, policy) if base is not None else None
        jobs = self._jobs(pairs, closures)
        known = self._index.comparisons([job.key for job in jobs if job.key]) if self._index is not None else {}
        changes: dict[Pair, Change | None] = {job.pair: from_json(known[job.key]) for job in jobs if job.key in known}
        unknown = [job for job in jobs if job.key not in known]
        for start in range(0, len(unknown), BATCH):
            batch = unknown[start : start + BATCH]
            for job, change in self._load(batch, base.tree if base is not None else None, policy, closures):
                changes[job.pair] = change
                if self._index is not None and job.key:
                    self._index.keep_comparison(job.key, to_json(change))
        changed = base.differences if base is not None else {}
        return [
            replace(change, because=chains(job.pair, job.before, job.after, changed))
            for job in jobs
            if (change := changes[job.pair]) is not None
        ]

    def _closures(self, tree: Tree, policy: Policy) -> Closures:
        return Closures(tree, policy.root, scan_files=lambda files: self._scans.scan_files(tree, files))

    def _jobs(self, pairs: Sequence[Pair], base_closures: Closures | None) -> list[_Job]:
        if base_closures is not None:
            base_closures.prepare(pair.base for pair in pairs if pair.base is not None)
        self.head_closures.prepare(pair.head for pair in pairs if pair.head is not None)
        jobs = []
        for pair in pairs:
            before = base_closures.of(pair.base) if base_closures is not None and pair.base is not None else None
            after = self.head_closures.of(pair.head) if pair.head is not None else None
            jobs.append(_Job(pair, before, after, comparison_key(before, after, self._policy.root)))
        return jobs

    def _head_policy(self) -> Policy:
        """The whole policy where configs are checked against it (providers), else what selects them."""
        if not self._check:
            return self._policy
        from llmops_git.configs.policy_file import load_policy

        return load_policy(self._head.tree, self._policy.root)

    def _load(
        self, jobs: Sequence[_Job], base_tree: Tree | None, policy: Policy, base_closures: Closures | None
    ) -> Iterator[tuple[_Job, Change | None]]:
        from llmops_git.configs.load import Loader

        contents: dict[str, bytes] = {}
        head = SharedReads(self._head.tree, contents)
        head.read_ahead(_files(job.after for job in jobs))
        head_loader = Loader(head, self._head_policy(), self.head_closures)
        base_loader = None
        if base_tree is not None and base_closures is not None:
            base = SharedReads(base_tree, contents)
            base.read_ahead(_files(job.before for job in jobs))
            base_loader = Loader(base, policy, base_closures)
        for job in jobs:
            change = None
            if self._index is not None and same_evaluation(job.before, job.after):
                change = _change(job.pair, base_loader, head_loader, check=False, evaluation=False)
                if change is None or not change.problems:
                    yield job, change
                    continue
            yield job, _change(job.pair, base_loader, head_loader, check=self._check, evaluation=True)


def same_evaluation(before: Closure | None, after: Closure | None) -> bool:
    """Whether the evaluations of two sides are plainly equal: nothing they are made of differs, and no judge is among it."""
    if before is None or after is None:
        return False
    old, new = ({(item.path, item.role): item.oid for item in side.dependencies} for side in (before, after))
    differing = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return all(role in _NOT_EVALUATING for _, role in differing) and not any(
        role == "judge" for _, role in old.keys() | new.keys()
    )


def _files(closures: Iterable[Closure | None]) -> dict[str, str]:
    return {item.path: item.oid for closure in closures if closure is not None for item in closure.dependencies}


def _change(pair: Pair, base_loader: Loader | None, head_loader: Loader, *, check: bool, evaluation: bool) -> Change | None:
    """The change between the two sides of a pair; without `evaluation` that part of both is left out."""
    from llmops_git.configs.diff import compare_configs

    base, base_problems = _loaded(base_loader, pair.base, check=False, evaluation=evaluation)
    head, head_problems = _loaded(head_loader, pair.head, check=check, evaluation=evaluation)
    if base_problems or head_problems:
        status: Status = "added" if pair.base is None else "removed" if pair.head is None else "modified"
        before = (replace(item, message=f"at the base: {item.message}", severity="warning") for item in base_problems)
        name = config_name(pair.head or pair.base or "")
        aspects = compare_configs(None, head).aspects if head is not None else ()  # all of it may be new
        return Change(config=name, status=status, aspects=aspects, base=base, head=head, problems=(*head_problems, *before))
    change = compare_configs(base, head)
    return change if change.aspects else None


def _loaded(
    loader: Loader | None, path: str | None, *, check: bool, evaluation: bool
) -> tuple[Config | None, tuple[Problem, ...]]:
    """A config, or why it cannot be loaded."""
    if loader is None or path is None:
        return None, ()
    try:
        return loader.load(path) if check else loader.load_unchecked(path, as_judge=not evaluation), ()
    except InvalidInput as error:
        return None, error.problems


def with_renames(changes: Sequence[Change]) -> list[Change]:
    """The same changes, where a config that went and one that came with the same digest are one that was renamed, as are two
    that share most of their content."""
    gone: dict[str, list[Change]] = {}
    for change in changes:
        if change.status == "removed" and change.base is not None:
            gone.setdefault(change.base.digest, []).append(change)
    pairs: list[tuple[Change, Change]] = []
    came: list[Change] = []
    for change in changes:
        if change.status == "added" and change.head is not None:
            if gone.get(change.head.digest):
                pairs.append((gone[change.head.digest].pop(0), change))
            else:
                came.append(change)
    pairs += _edited(list(chain.from_iterable(gone.values())), came)
    renamed = {new.config: _renamed(old, new) for old, new in pairs}
    dropped = {old.config for old, _ in pairs}
    return [
        renamed.get(change.config, change) if change.status == "added" else change
        for change in changes
        if change.status != "removed" or change.config not in dropped
    ]


def _edited(gone: Sequence[Change], came: Sequence[Change]) -> list[tuple[Change, Change]]:
    """The pairs that were renamed and edited at once."""
    if not gone or not came:
        return []
    from llmops_git.configs.similar import find_renamed

    pairs = find_renamed([each.base for each in gone if each.base], [each.head for each in came if each.head])
    return [(gone[pair.gone], came[pair.came]) for pair in pairs]


def _renamed(old: Change, new: Change) -> Change:
    from llmops_git.configs.diff import compare_configs

    return replace(compare_configs(old.base, new.head), because=new.because)
