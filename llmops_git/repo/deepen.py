"""Brings what a shallow checkout lacks: commits by their ids, and enough history to find where two of them parted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.refs import last_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.repo.git import Git

_FETCH = ("fetch", "--quiet", "--no-tags", "--refmap=", "--no-prune", "--no-write-fetch-head", "--no-auto-maintenance",
          "--no-recurse-submodules")  # fmt: skip
_FIRST_DEPTH = 64
_WHOLE = 1_000_000  # commits: as good as all of them, without the meaning that git gives to its largest depth
_IDS = frozenset({40, 64})


def ensure_commits(git: Git, remote: str | None, commits: Sequence[str]) -> None:
    """Fetch those of the commits (full ids) that are not here. Raises LlmopsError when one is not on the remote either,
    NotMeasured when the remote cannot be read."""
    missing = [oid for oid in dict.fromkeys(commits) if not _is_here(git, oid)]
    if not missing:
        return
    if remote is None:
        raise LlmopsError(f"commit {missing[0]} is not in this repository, and it has no remote")
    depth = ("--depth=1",) if git.location.shallow else ()
    result = git.try_run(*_FETCH, *depth, "--", remote, *missing)
    still = [oid for oid in missing if not _is_here(git, oid)]
    if still and result.code:
        raise NotMeasured(
            f"commit {still[0]} could not be fetched from `{remote}`: {last_lines(result.err)}",
            hint=f"git fetch {remote} {still[0]}",
        )
    if still:
        raise LlmopsError(f"commit {still[0]} is not on the remote `{remote}`")


def ensure_merge_base(git: Git, remote: str | None, first: str, second: str) -> str:
    """The best common ancestor of two commits, deepening a shallow clone by doubling until it is there.

    Raises LlmopsError when they have none.
    """
    ensure_commits(git, remote, [first, second])
    found = _merge_base(git, first, second)
    depth = _FIRST_DEPTH
    while not found and git.location.shallow and remote is not None:
        result = git.try_run(*_FETCH, f"--depth={depth}", "--", remote, first, second)
        if result.code:
            raise NotMeasured(f"history could not be fetched from `{remote}`: {last_lines(result.err)}")
        found = _merge_base(git, first, second)
        if depth >= _WHOLE:
            break
        depth = min(depth * 4, _WHOLE)
    if not found:
        raise LlmopsError(f"{first[:12]} and {second[:12]} have no common ancestor")
    return found


def _is_here(git: Git, oid: str) -> bool:
    if len(oid) not in _IDS or not oid.isalnum():
        raise LlmopsError(f"`{oid[:80]}` is not the id of a commit")
    return git.try_run("cat-file", "-e", f"{oid}^{{commit}}").code == 0


def _merge_base(git: Git, first: str, second: str) -> str:
    return git.try_run("merge-base", first, second).out.decode().split("\n", 1)[0]
