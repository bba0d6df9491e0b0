"""Who may read what at the head: from the index where it knows a tree nearby, else from the bytes of the head's files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from llmops_git.configs.paths import CONFIG_ENDINGS, config_files
from llmops_git.configs.policy import Policy
from llmops_git.configs.references import DATA_ENDINGS, Syntax, resolve, syntax_of
from llmops_git.configs.tree import Tree
from llmops_git.repo.differences import Sides
from llmops_git.repo.index import IndexTroubleError
from llmops_git.repo.mentions import MentionChain, Mentions, MentionTable, key_of, mentioned, reach
from llmops_git.repo.scans import ScanCache
from llmops_git.repo.sides import Head

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.index import Index

MAX_MOVED = 2_000  # files changed since the tree that the index knows: beyond that the head is scanned afresh


class Graph:
    """The mentions of a head and the number of its configs. `since` is what differs from the tree the index knows."""

    def __init__(self, git: Git, head: Head, policy: Policy, *, index: Index | None, since: Mapping[str, Sides] | None) -> None:
        self._git = git
        self._head = head
        self._policy = policy
        self._index = index
        self._since = since
        self.scans = ScanCache(index)

    @cached_property
    def total(self) -> int:
        """How many configs the head has."""
        sides = {path: (self._head.stored.entry(path), new) for path, new in self._head.changed.items()}
        return self._opened[1] + _gained(sides, self._policy)

    def reached(self, changed: Iterable[str]) -> set[str]:
        """The configs that may read one of these paths. Every one that does is among them."""
        paths = [path.encode(errors="surrogateescape") for path in changed]
        root = self._policy.root.encode(errors="surrogateescape")
        try:
            found = reach(self._opened[0], paths, root)
        except IndexTroubleError:
            found = reach(self._afresh(keep=False)[0], paths, root)
        return set(config_files((path.decode(errors="surrogateescape") for path in found), self._policy))

    @cached_property
    def _opened(self) -> tuple[Mentions, int]:
        """The mentions, and how many configs the head's commit has."""
        try:
            return self._from_index()
        except IndexTroubleError:
            return self._afresh(keep=False)

    def _from_index(self) -> tuple[Mentions, int]:
        index, since = self._index, self._since
        if index is None or since is None or len(since) > MAX_MOVED or index.selection != selection_of(self._policy):
            return self._afresh(keep=True)
        added = MentionTable()
        self._add(added, self._head.stored, since, index)
        total = index.total + _gained(since, self._policy)
        if index.tree != self._head.stored_oid:
            index.move(self._head.stored_oid, total, added)
        return self._with_work_tree(MentionChain(index, added)), total

    def _afresh(self, *, keep: bool) -> tuple[Mentions, int]:
        from llmops_git.repo.prefilter import Listing, mentions_of

        stored = self._head.stored_oid
        listing = Listing.parse(self._git.run("ls-tree", "-r", "-z", "--full-tree", stored), self._git.location.object_format)
        yaml = (path.decode(errors="surrogateescape") for path in listing.oids if path.endswith(_YAML))
        configs = [path.encode(errors="surrogateescape") for path in config_files(yaml, self._policy)]
        table = mentions_of(self._git, listing, configs, self._policy.root)
        total = len(configs) + len(
            config_files((path.decode(errors="surrogateescape") for path in listing.links), self._policy)
        )
        if keep and self._index is not None:
            self._index.rebuild(stored, selection_of(self._policy), total, table)
        return self._with_work_tree(table), total

    def _with_work_tree(self, mentions: Mentions) -> Mentions:
        if not self._head.changed:
            return mentions
        added = MentionTable()
        self._add(added, self._head.tree, self._head.changed, mentions)
        return MentionChain(mentions, added)

    def _add(self, added: MentionTable, tree: Tree, changed: Iterable[str], known: Mentions) -> None:
        """What changed files mention, exactly, and the files that they name, perhaps for the first time."""
        paths = [path for path in changed if tree.entry(path) is not None]
        configs = set(config_files(paths, self._policy))
        level: set[tuple[str, Syntax]] = {(path, "config") for path in configs}
        level |= {(path, _syntax(path)) for path in paths if path not in configs and self._may_be_read(path, known)}
        seen: set[tuple[str, Syntax]] = set()
        while level:
            seen |= level
            level = self._add_level(added, tree, sorted(level)) - seen

    def _may_be_read(self, path: str, known: Mentions) -> bool:
        return not path.endswith(DATA_ENDINGS) and mentioned(
            known, path.encode(errors="surrogateescape"), self._policy.root.encode(errors="surrogateescape")
        )

    def _add_level(self, added: MentionTable, tree: Tree, level: Iterable[tuple[str, Syntax]]) -> set[tuple[str, Syntax]]:
        files = [(path, entry, syntax) for path, syntax in level if (entry := tree.entry(path)) is not None]
        named: set[tuple[str, Syntax]] = set()
        for (path, _, _), found in zip(files, self.scans.scan_files(tree, files), strict=True):
            naming = path.encode(errors="surrogateescape")
            for item in resolve(path, found, self._policy.root).items:
                target = item.path.encode(errors="surrogateescape")
                if item.glob:
                    added.add_glob(target, naming)
                    continue
                added.add(key_of(target), naming)
                if syntax_of(item.role):
                    named.add((item.path, syntax_of(item.role)))
        return named


_YAML = tuple(ending.encode() for ending in CONFIG_ENDINGS)


def selection_of(policy: Policy) -> str:
    """What the mentions of a tree depend on besides the tree."""
    return json.dumps([policy.root, list(policy.configs)])


def _gained(sides: Mapping[str, Sides], policy: Policy) -> int:
    """How many configs there are more."""
    return sum((new is not None) - (old is not None) for old, new in (sides[path] for path in config_files(sides, policy)))


def _syntax(path: str) -> Syntax:
    return "config" if path.endswith(CONFIG_ENDINGS) else "template"
