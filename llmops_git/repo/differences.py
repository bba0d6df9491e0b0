"""Which files differ between two trees, or between a commit and the work tree, from git's own comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from llmops_git.configs.tree import Entry
from llmops_git.errors import NotMeasured

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.work_tree import DiskFiles

Sides = tuple[Entry | None, Entry | None]
ABSENT = "000000"


def tree_differences(git: Git, pairs: Sequence[tuple[str, str]]) -> list[dict[str, Sides]]:
    """For each pair of tree ids, the paths that differ with the entry of each side; one git process, none for equal ids."""
    wanted = list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))
    found: dict[tuple[str, str], dict[str, Sides]] = {}
    if wanted:
        names = "".join(f"{old} {new}\n" for old, new in wanted).encode()
        out = git.run("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--stdin", stdin=names)
        found = dict(zip(wanted, _parse(out, len(wanted)), strict=True))
    return [found.get(pair, {}) for pair in pairs]


def _parse(out: bytes, count: int) -> list[dict[str, Sides]]:
    """Raw output: `<old> <new> NL` begins a pair, `:mode mode id id letter NUL path NUL` is a path of it."""
    sections: list[dict[str, Sides]] = []
    position = 0
    while position < len(out):
        if out[position : position + 1] != b":":
            position = out.index(b"\n", position) + 1
            sections.append({})
            continue
        end = out.index(b"\0", position)
        path_end = out.index(b"\0", end + 1)
        old_mode, new_mode, old, new, _ = out[position + 1 : end].decode().split(" ")
        path = out[end + 1 : path_end].decode(errors="surrogateescape")
        sections[-1][path] = (_entry(old_mode, old), _entry(new_mode, new))
        position = path_end + 1
    if len(sections) != count:
        raise NotMeasured("git diff-tree did not answer for every pair of trees", hint="git fsck")
    return sections


def _entry(mode: str, oid: str) -> Entry | None:
    return None if mode == ABSENT else Entry(mode, oid)


def work_differences(git: Git, disk: DiskFiles) -> tuple[dict[str, Entry | None], set[str]]:
    """What the work tree (with the index) makes of HEAD: path -> entry, None for a deleted file; and the paths to be read
    from disk, since git has not stored them. One git process."""
    arguments = ("--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all")
    changed: dict[str, Entry | None] = {}
    on_disk: set[str] = set()
    for line in git.run("status", *arguments).decode(errors="surrogateescape").split("\0"):
        kind = line[:1]
        if kind == "1":
            _, states, _, _, index_mode, work_mode, _, index, path = line.split(" ", 8)
            if work_mode == ABSENT:
                changed[path] = None
                continue
            if states[1] == ".":
                changed[path] = Entry(index_mode, index)
                continue
        elif kind == "u":
            path = line.split(" ", 10)[10]
        elif kind == "?" and not line.endswith("/"):
            path = line[2:]
        else:
            continue
        changed[path] = disk.entry(path)
        on_disk.add(path)
    return changed, on_disk


def differing(differences: Mapping[str, Sides]) -> dict[str, Sides]:
    """Only the paths whose sides are really different: a file touched twice may be what it was."""
    return {path: sides for path, sides in differences.items() if sides[0] != sides[1]}
