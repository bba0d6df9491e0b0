"""Branches that propose a change: made with plumbing, moved only forward, and never over somebody's commits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.proposal import NotOurs, Proposal, make_proposal, publish_proposal
from llmops_git.repo.remote_place import remote_place
from tests.history import History, run_git

BRANCH = "llmops/upgrade/x/y"


@pytest.fixture
def place(tmp_path: Path) -> tuple[History, Git]:
    """A bare remote and a clone of it."""
    remote = History(tmp_path / "remote.git", bare=True)
    remote.commit({"a.yaml": "old\n", "b": "1"})
    run_git(tmp_path, "clone", "-q", remote.folder.as_uri(), "clone")
    return remote, open_git(tmp_path / "clone")


def files(_commit: str) -> Mapping[str, bytes]:
    return {"a.yaml": b"new\n"}


def proposal(git: Git, base: str, **options: int) -> Proposal:
    return make_proposal(git, "origin", BRANCH, base, files, message="Propose\n", **options)


def publish(git: Git, made: Proposal) -> None:
    publish_proposal(git, "origin", made, wait=lambda _attempt: None)


def test_the_time_of_the_commit_is_the_one_that_was_given(place: tuple[History, Git]) -> None:
    remote, git = place
    made = proposal(git, remote.tip("main"), when=1_700_000_000)
    assert "1700000000 1700000000" == run_git(git.folder, "log", "-1", "--format=%at %ct", made.commit)
    assert made == proposal(git, remote.tip("main"), when=1_700_000_000)
    assert "" == remote.tip(f"refs/heads/{BRANCH}")


def test_a_branch_that_moved_meanwhile_is_not_moved_again(place: tuple[History, Git]) -> None:
    remote, git = place
    made = proposal(git, remote.tip("main"))
    theirs = remote.commit({"c": "theirs"}, branch=BRANCH, onto=remote.tip("main"))
    with pytest.raises(NotMeasured, match="was moved by somebody else meanwhile"):
        publish(git, made)
    assert theirs == remote.tip(f"refs/heads/{BRANCH}")
    with pytest.raises(NotOurs):
        proposal(git, remote.tip("main"))


def test_our_own_commit_with_something_more_in_it_is_somebody_s(place: tuple[History, Git]) -> None:
    remote, git = place
    remote.commit({"a.yaml": "new\n", "more": "x"}, branch=BRANCH, onto=remote.tip("main"))
    with pytest.raises(NotOurs, match="somebody else made"):
        proposal(git, remote.tip("main"))


def test_a_branch_whose_files_cannot_be_made_again_is_somebody_s(place: tuple[History, Git]) -> None:
    remote, git = place
    base = remote.tip("main")
    publish(git, proposal(git, base))

    def refuses(commit: str) -> Mapping[str, bytes]:
        if commit == base:
            raise LlmopsError("no")
        return files(commit)

    with pytest.raises(NotOurs):
        make_proposal(git, "origin", BRANCH, remote.commit({"b": "2"}), refuses, message="x")


@pytest.mark.parametrize(
    ("address", "repository", "api"),
    [
        ("https://github.com/octo-org/prompts.git", "octo-org/prompts", "https://api.github.com"),
        ("git@github.com:octo-org/prompts.git", "octo-org/prompts", "https://api.github.com"),
        ("ssh://git@ssh.github.com:443/octo-org/prompts", "octo-org/prompts", "https://api.github.com"),
        ("https://user:secret@ghe.example.com/team/a.b/", "team/a.b", "https://ghe.example.com/api/v3"),
        ("ghe.example.com:team/a.git", "team/a", "https://ghe.example.com/api/v3"),
    ],
)
def test_an_address_says_which_repository_of_which_forge(
    place: tuple[History, Git], address: str, repository: str, api: str
) -> None:
    _, git = place
    run_git(git.folder, "remote", "set-url", "origin", address)
    assert (repository, api) == remote_place(git, "origin", {})
    assert ("o/n", "http://here") == remote_place(git, "origin", {"GITHUB_REPOSITORY": "o/n", "GITHUB_API_URL": "http://here"})


@pytest.mark.parametrize("address", ["/srv/git/prompts.git", "https://user:secret@host/only", "https://host/a/b/c"])
def test_an_address_that_names_no_repository_of_a_forge_is_refused_without_its_password(
    place: tuple[History, Git], address: str
) -> None:
    _, git = place
    run_git(git.folder, "remote", "set-url", "origin", address)
    with pytest.raises(LlmopsError, match="is no repository of a forge") as caught:
        remote_place(git, "origin", {})
    assert "secret" not in caught.value.message
