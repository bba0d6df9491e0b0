"""Shallow clones bring what they lack."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.deepen import ensure_commits, ensure_merge_base
from llmops_git.repo.git import open_git


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def grow(folder: Path, count: int, name: str) -> str:
    """Commits on the current branch, quickly; the last one's id."""
    parent = git(folder, "rev-parse", "HEAD")
    branch = git(folder, "symbolic-ref", "HEAD")
    lines = []
    for number in range(count):
        origin = f"from {parent}\n" if number == 0 else ""
        lines.append(
            f"commit {branch}\ncommitter T <t@example.com> {1_700_000_000 + number} +0000\ndata 1\nx\n{origin}"
            f"M 100644 inline {name}\ndata {len(str(number))}\n{number}\n"
        )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input="".join(lines), text=True, check=True)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(repository: Path) -> Path:
    git(repository, "commit", "-q", "--allow-empty", "-m", "root")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    return repository


def shallow(origin: Path, folder: Path) -> Path:
    git(origin.parent, "clone", "-q", "--depth=1", f"file://{origin}", str(folder))
    return folder


def test_a_shallow_clone_is_deepened_until_the_branches_meet(origin: Path, tmp_path: Path) -> None:
    fork = grow(origin, 5, "a")
    git(origin, "switch", "-q", "-c", "topic")
    topic = grow(origin, 300, "b")
    git(origin, "switch", "-q", "main")
    main = grow(origin, 100, "a")
    clone = open_git(shallow(origin, tmp_path / "clone"))
    assert ensure_merge_base(clone, "origin", main, topic) == fork


def test_a_whole_clone_fetches_no_more_than_the_commit(origin: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    git(origin.parent, "clone", "-q", f"file://{origin}", str(folder))
    new = grow(origin, 3, "a")
    clone = open_git(folder)
    ensure_commits(clone, "origin", [new])
    assert git(folder, "rev-list", "--count", new) == "4"
    assert not clone.location.shallow


def test_unrelated_histories_are_said_to_be_so(origin: Path, tmp_path: Path) -> None:
    main = grow(origin, 2, "a")
    git(origin, "switch", "-q", "--orphan", "other")
    git(origin, "commit", "-q", "--allow-empty", "-m", "other")
    other = git(origin, "rev-parse", "HEAD")
    git(origin, "switch", "-q", "main")
    clone = open_git(shallow(origin, tmp_path / "clone"))
    with pytest.raises(LlmopsError, match="have no common ancestor"):
        ensure_merge_base(clone, "origin", main, other)


def test_a_commit_that_is_nowhere_is_an_error_that_names_it(origin: Path, tmp_path: Path) -> None:
    clone = open_git(shallow(origin, tmp_path / "clone"))
    with pytest.raises(NotMeasured, match=f"commit {'a' * 40} could not be fetched"):
        ensure_commits(clone, "origin", ["a" * 40])


@pytest.mark.parametrize("oid", ["main", "--upload-pack=touch x", "HEAD", "abc", "a" * 39 + "~"])
def test_only_full_ids_are_asked_for(origin: Path, oid: str) -> None:
    with pytest.raises(LlmopsError, match="is not the id of a commit"):
        ensure_commits(open_git(origin), None, [oid])
