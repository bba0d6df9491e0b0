"""The default base, and what to fetch when a commit is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from history import History, run_git

from llmops_git.errors import LlmopsError
from llmops_git.repo.commits import default_base, find_commit, head_commit
from llmops_git.repo.git import open_git


@pytest.fixture
def origin(tmp_path: Path) -> History:
    made = History(tmp_path / "origin")
    made.commits([{"a": str(number)} for number in range(4)])
    return made


def _clone(origin: History, *options: str) -> Path:
    folder = origin.folder.parent / "clone"
    run_git(origin.folder.parent, "clone", "-q", *options, f"file://{origin.folder}", str(folder))
    return folder


def _on_a_branch(folder: Path) -> None:
    run_git(folder, "checkout", "-q", "-b", "topic")
    run_git(folder, "commit", "-q", "--allow-empty", "-m", "x")


def test_the_base_is_where_the_branch_left_what_the_remote_calls_its_head(origin: History) -> None:
    origin.git("branch", "-m", "main", "trunk")
    folder = _clone(origin)
    _on_a_branch(folder)
    fork = origin.tip("trunk")
    origin.commit({"a": "later"}, branch="trunk")
    run_git(folder, "fetch", "-q")
    assert fork == default_base(open_git(folder))
    assert fork == default_base(open_git(folder), "topic")


def test_the_policy_names_the_default_branch_first(origin: History) -> None:
    origin.git("branch", "release", "main~2")
    folder = _clone(origin)
    assert origin.tip("release") == default_base(open_git(folder), default_branch="release")
    with pytest.raises(LlmopsError, match="`gone` is neither here nor at `origin`"):
        default_base(open_git(folder), default_branch="gone")


@pytest.mark.parametrize("branch", ["main", "master"])
def test_without_a_remote_the_local_branch_counts(tmp_path: Path, branch: str) -> None:
    history = History(tmp_path / "r")
    history.git("symbolic-ref", "HEAD", "refs/heads/topic")
    first = history.commit({"a": "1"}, branch=branch)
    history.commit({"a": "2"}, branch="topic", onto=first)
    assert first == default_base(open_git(history.folder))


def test_with_no_branch_to_compare_with_there_is_a_hint(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.git("symbolic-ref", "HEAD", "refs/heads/topic")
    history.commit({"a": "1"}, branch="topic")
    with pytest.raises(LlmopsError, match="no default branch is known") as caught:
        default_base(open_git(history.folder))
    assert "git remote set-head origin --auto" in caught.value.hint


def test_before_the_first_commit_the_base_is_nothing(tmp_path: Path) -> None:
    git = open_git(History(tmp_path / "r").folder)
    assert ("", None) == (default_base(git), head_commit(git))


def test_unrelated_histories_have_no_base(tmp_path: Path) -> None:
    history = History(tmp_path / "r")
    history.commit({"a": "1"})
    history.commit({"a": "2"}, branch="other")
    with pytest.raises(LlmopsError, match=r"no common ancestor$"):
        default_base(open_git(history.folder), "other")


def test_a_shallow_clone_says_what_to_fetch_and_the_command_helps(origin: History) -> None:
    folder = _clone(origin, "--depth=1")
    wanted = origin.tip("main~2")
    for revision in (wanted, "HEAD~2"):
        with pytest.raises(LlmopsError, match="is not a commit in this shallow clone") as caught:
            find_commit(open_git(folder), revision)
        command, _, rest = caught.value.hint.partition("  (or all of it: ")
        assert "git fetch --unshallow origin)" == rest
        run_git(folder, *command.split()[1:])
        assert wanted == find_commit(open_git(folder), revision).oid


def test_a_shallow_clone_without_the_branch_says_how_to_get_it(origin: History) -> None:
    origin.git("branch", "release", "main~2")
    folder = _clone(origin, "--depth=1", "--single-branch")
    with pytest.raises(LlmopsError) as caught:
        find_commit(open_git(folder), "origin/release")
    run_git(folder, *caught.value.hint.partition("  (")[0].split()[1:])
    assert origin.tip("release") == find_commit(open_git(folder), "origin/release").oid


def test_a_shallow_clone_without_the_merge_base_says_how_far_to_go(origin: History) -> None:
    origin.commit({"b": "topic"}, branch="topic", onto=origin.tip("main~2"))
    folder = _clone(origin, "--depth=1", "--no-single-branch")
    with pytest.raises(LlmopsError, match="no common ancestor in this shallow clone") as caught:
        default_base(open_git(folder), "origin/topic")
    run_git(folder, *caught.value.hint.partition("  (")[0].split()[1:])
    run_git(folder, "fetch", "--deepen=100", "origin", "topic")
    assert origin.tip("main~2") == default_base(open_git(folder), "origin/topic")


@pytest.mark.parametrize("revision", ["nope", "a" * 40, "a\nb", "--all", "", "HEAD:a"])
def test_what_names_no_commit_is_an_error_with_a_hint(origin: History, revision: str) -> None:
    with pytest.raises(LlmopsError, match="is not a commit in this repository") as caught:
        find_commit(open_git(origin.folder), revision)
    assert "git log --oneline --all shows what is here" == caught.value.hint
    folder = _clone(origin)
    for ask in (lambda: find_commit(open_git(folder), revision), lambda: open_git(folder).resolve(revision)):
        with pytest.raises(LlmopsError, match="is not a commit in this repository") as caught:
            ask()
        assert caught.value.hint.startswith("git fetch origin")


def test_the_remote_that_is_there_is_the_one_to_fetch_from(origin: History) -> None:
    folder = _clone(origin)
    run_git(folder, "remote", "rename", "origin", "upstream")
    with pytest.raises(LlmopsError) as caught:
        open_git(folder).resolve("nope")
    assert "git fetch upstream" == caught.value.hint


def test_before_the_first_commit_no_fetch_is_advised(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "-b", "main")
    git = open_git(tmp_path)
    for ask in (lambda: find_commit(git, "HEAD"), lambda: git.resolve("HEAD")):
        with pytest.raises(LlmopsError, match="nothing is committed on its branch yet") as caught:
            ask()
        assert caught.value.hint.startswith("git commit")
