from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.mainline import read_mainline, uncommitted
from tests.releases.release_helpers import run_git

Clone = Callable[..., Git]


def commit(git: Git, message: str = "more") -> None:
    run_git(git.folder, "commit", "-q", "--allow-empty", "-m", message)


def standing(git: Git, default: str = "") -> str:
    return read_mainline(open_git(git.folder), "origin", default).standing


def test_the_remotes_head_says_which_branch_is_the_default(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    run_git(bare, "branch", "trunk", "main")
    run_git(bare, "symbolic-ref", "HEAD", "refs/heads/trunk")
    assert read_mainline(git, "origin", "").default == "trunk"
    assert read_mainline(git, "origin", "main").default == "main"


def test_a_pushed_head_is_the_newest(clone: Clone) -> None:
    assert standing(clone("alice")) == "newest"


def test_a_commit_that_is_not_pushed_is_ahead(clone: Clone) -> None:
    git = clone("alice")
    commit(git)
    assert standing(git) == "ahead"


def test_a_branch_is_elsewhere_unless_it_is_the_newest_commit(clone: Clone) -> None:
    git = clone("alice")
    run_git(git.folder, "switch", "-q", "-c", "feature")
    assert standing(git) == "newest"
    commit(git)
    assert standing(git) == "elsewhere"


@pytest.mark.parametrize("options", [[], ["--depth=1"]])
def test_an_older_commit_is_behind_also_in_a_shallow_clone(clone: Clone, options: list[str]) -> None:
    bob = clone("bob", *options)
    alice = clone("alice")
    commit(alice)
    run_git(alice.folder, "push", "-q", "origin", "main")
    assert standing(bob) == "behind"
    run_git(bob.folder, "fetch", "-q", *options)
    assert standing(bob) == "behind"
    run_git(bob.folder, "checkout", "-q", "--detach")
    assert standing(bob) == "behind"


def test_a_diverged_default_branch_is_elsewhere(clone: Clone) -> None:
    alice, bob = clone("alice"), clone("bob")
    commit(alice, "one")
    run_git(alice.folder, "push", "-q", "origin", "main")
    commit(bob, "two")
    run_git(bob.folder, "fetch", "-q")
    assert standing(bob) == "elsewhere"


def test_an_empty_remote_has_no_default_branch(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    run_git(bare, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(LlmopsError, match="the remote `origin` has no default branch"):
        read_mainline(git, "origin", "")


def test_a_remote_whose_head_names_a_missing_branch_is_no_case_for_a_push(clone: Clone, bare: Path) -> None:
    git = clone("alice")
    run_git(bare, "symbolic-ref", "HEAD", "refs/heads/master")
    with pytest.raises(LlmopsError, match="its HEAD names one that it does not have") as caught:
        read_mainline(git, "origin", "")
    assert caught.value.hint.endswith("default_branch: main in llmops.yaml")
    assert read_mainline(git, "origin", "main").standing == "newest"
    with pytest.raises(LlmopsError, match="has no branch `trunk`"):
        read_mainline(git, "origin", "trunk")


def test_without_a_remote_main_or_the_branch_at_hand_is_the_default(repository: Path) -> None:
    git = open_git(repository)
    commit(git)
    assert read_mainline(git, None, "").default == "main"
    run_git(repository, "branch", "-m", "work")
    assert read_mainline(git, None, "").default == "work"


def test_untracked_files_are_not_uncommitted_changes(clone: Clone) -> None:
    git = clone("alice")
    (git.folder / "new").write_text("x")
    assert not uncommitted(git)
    (git.folder / "README.md").write_text("changed")
    assert uncommitted(git)
