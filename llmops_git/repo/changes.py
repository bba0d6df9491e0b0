"""Which configs changed between two trees, how, and why.

Let P be the paths that differ. The closure of a config differs only if a file of its closure *at the head* is in P: as long
as no such file differs, the config's own file does not, so it names the same files, and so on. So only the head's
references are followed, backwards from P, and what may be reached is then verified by its exact closure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.configs.paths import config_files, config_name
from llmops_git.configs.policy import Policy
from llmops_git.configs.values import Change
from llmops_git.errors import InvalidInput
from llmops_git.repo.affected import Pair, find_pairs
from llmops_git.repo.bases import trusted_base
from llmops_git.repo.compare import Comparer, with_renames
from llmops_git.repo.differences import Sides
from llmops_git.repo.graph import Graph
from llmops_git.repo.project_policy import selecting_policy
from llmops_git.repo.sides import Base, Head, open_bases, open_head

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.index import Index


class ChangeSet(NamedTuple):
    """The changes between two trees, by config name. `head_name` is a commit id or `worktree`; `total_configs` counts the
    configs of the head; `base_oid` is "" where there was no commit yet."""

    base_oid: str
    head_name: str
    total_configs: int
    changes: tuple[Change, ...]


def compute_changes(
    git: Git,
    base: str | None,
    head: str | None,
    *,
    root: str = "",
    index: Index | None = None,
    check: bool = True,
    load: bool = True,
) -> ChangeSet:
    """What changed from the revision `base` to `head` (None: the work tree) for the policy in `root`.

    `base` is the merge base with the default branch (`repo.bases`) when it is None, and the time before the first commit when
    it is "". With `check` a head that does not validate in full is a change with problems. Without `load` a comparison that
    the index remembers is taken from there, and has no loaded configs. Raises LlmopsError for revisions that are not there and
    InvalidInput for a policy that cannot be read; a config that cannot be loaded is a change with problems.
    """
    opened = open_head(git, head)
    policy = selecting_policy(opened.tree, root, index)
    if base is None:
        base = trusted_base(git, head, policy, index)
    (side,), since = open_bases(git, opened, [base], known=index.tree if index is not None else "")
    session = _Session(git, opened, policy, since=since, index=index, check=check, load=load)
    changes = session.changes(side) if side.differences else []
    return ChangeSet(
        base_oid=side.oid, head_name=opened.name, total_configs=session.graph.total, changes=tuple(with_renames(changes))
    )


def running_changes(
    git: Git,
    running: Mapping[str, str],
    head: str | None,
    *,
    root: str = "",
    index: Index | None = None,
    check: bool = True,
    load: bool = True,
) -> ChangeSet:
    """What changed from what runs to `head`: each config against the commit it runs from (config name -> commit).

    A config that does not run is added, one that runs and is not at the head is removed; otherwise as `compute_changes`.
    """
    opened = open_head(git, head)
    policy = selecting_policy(opened.tree, root, index)
    commits = list(dict.fromkeys(running.values()))
    sides, since = open_bases(git, opened, commits, known=index.tree if index is not None else "")
    session = _Session(git, opened, policy, since=since, index=index, check=check, load=load)
    found: list[Change] = []
    for side in sides:
        found += session.changes(side, {name for name, commit in running.items() if commit == side.oid})
    new = [path for path in config_files(opened.tree.walk(), policy) if config_name(path) not in running]
    found += session.comparer.compare(None, policy, [Pair(None, path) for path in new])
    ordered = sorted(found, key=lambda change: change.config)
    return ChangeSet(base_oid="", head_name=opened.name, total_configs=session.graph.total, changes=tuple(ordered))


class _Session:
    """One head, compared with any number of bases."""

    def __init__(
        self,
        git: Git,
        head: Head,
        policy: Policy,
        *,
        since: Mapping[str, Sides] | None,
        index: Index | None,
        check: bool,
        load: bool,
    ) -> None:
        self.policy = policy
        self.graph = Graph(git, head, self.policy, index=index, since=since)
        self.comparer = Comparer(head, self.policy, self.graph.scans, index=None if load else index, check=check)
        self._head = head
        self._index = index

    def changes(self, base: Base, names: set[str] | None = None) -> list[Change]:
        """The changes from one base; only of the configs in `names`, where that is given."""
        policy = self._base_policy(base)
        pairs = find_pairs(
            base,
            self._head,
            base_policy=policy,
            head_policy=self.policy,
            graph=self.graph,
            closures=self.comparer.head_closures,
        )
        wanted = [pair for pair in pairs if names is None or config_name(pair.head or pair.base or "") in names]
        return self.comparer.compare(base, policy, wanted)

    def _base_policy(self, base: Base) -> Policy:
        """The base's own policy; the head's, where that of the base cannot be read any more."""
        try:
            return selecting_policy(base.tree, self.policy.root, self._index)
        except InvalidInput:
            return self.policy
