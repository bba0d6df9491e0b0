"""The two sides of a comparison, opened so that what they share is read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.configs.tree import Entry, Tree
from llmops_git.repo.commits import Commit, find_commit, head_commit
from llmops_git.repo.differences import Sides, differing, tree_differences, work_differences
from llmops_git.repo.patched import PatchedTree
from llmops_git.repo.trees import CommitTree

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

EMPTY_TREE = {  # git knows this tree whether or not a repository has it
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


class Head(NamedTuple):
    """The newer side. `stored` is the tree of the commit that is its foundation (by id and to read), `changed` what the
    work tree makes of it: nothing, where the head is a commit."""

    name: str
    tree: Tree
    stored_oid: str
    stored: CommitTree
    changed: Mapping[str, Entry | None] = MappingProxyType({})


class Base(NamedTuple):
    """An older side, and the paths in which the head differs from it. `oid` is the commit, "" before the first one."""

    oid: str
    tree: Tree
    differences: Mapping[str, Sides]


def open_head(git: Git, head: str | None) -> Head:
    """The head: a revision, or None for the work tree (in a bare repository: HEAD). Raises LlmopsError."""
    work_tree = git.location.work_tree
    if head is not None or work_tree is None:
        commit = find_commit(git, head or "HEAD")
        tree = CommitTree(git, commit.tree, name=commit.oid)
        return Head(name=commit.oid, tree=tree, stored_oid=commit.tree, stored=tree)
    from llmops_git.repo.work_tree import DiskFiles

    oid = _tree_oid(git, head_commit(git))
    stored = CommitTree(git, oid)
    disk = DiskFiles(work_tree, git.location.object_format)
    changed, on_disk = work_differences(git, disk)
    patched = PatchedTree(git, stored, changed, name="worktree", disk=disk, on_disk=on_disk)
    return Head(name="worktree", tree=patched, stored_oid=oid, stored=stored, changed=changed)


def open_bases(git: Git, head: Head, bases: Sequence[str], *, known: str = "") -> tuple[list[Base], dict[str, Sides] | None]:
    """The bases (revisions; "" is the time before the first commit), and what changed in the head's commit since the tree
    `known`: None when that is not known. One git process for all of them. Raises LlmopsError."""
    commits = [find_commit(git, base) if base else None for base in bases]
    pairs = [(_tree_oid(git, commit), head.stored_oid) for commit in commits]
    if known and (known == head.stored_oid or git.objects.read([known])[0] is not None):
        pairs.append((known, head.stored_oid))
    found = tree_differences(git, pairs)
    opened = [_open_base(git, head, commit, changed) for commit, changed in zip(commits, found, strict=False)]
    return opened, found[-1] if len(found) > len(bases) else None


def _open_base(git: Git, head: Head, commit: Commit | None, changed: Mapping[str, Sides]) -> Base:
    oid = commit.oid if commit else ""
    tree = PatchedTree(git, head.stored, {path: old for path, (old, _) in changed.items()}, name=oid)
    both = dict(changed)
    for path, entry in head.changed.items():
        both[path] = (tree.entry(path), entry)
    return Base(oid=oid, tree=tree, differences=differing(both) if head.changed else both)


def _tree_oid(git: Git, commit: Commit | None) -> str:
    return commit.tree if commit else EMPTY_TREE[git.location.object_format]
