"""Whose signatures count: which commit says so, and from which of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.releases.trust import Trust, read_trust
from llmops_git.repo.default_branch import Branch, default_branch
from llmops_git.repo.git import open_git
from tests.history import History, run_git

POLICY = "signing: {require: true, allowed_signers: keys/signers}\n"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "repository")


def trust(folder: Path) -> Trust:
    return read_trust(open_git(folder), None, ask=False)


def test_the_nearest_policy_above_the_caller_counts_and_its_paths_start_there(history: History) -> None:
    files = {
        "llmops.yaml": "version: 1\n", "services/llm/llmops.yaml": POLICY, "services/llm/keys/signers": "inner\n",
        "services/llm/prompts/x.yaml": "", "keys/signers": "outer\n",
    }  # fmt: skip
    commit = history.commit(files)
    history.check_out()
    found = trust(history.folder / "services" / "llm" / "prompts")
    assert (commit, "main", b"inner\n", True) == (found.commit, found.branch, found.allowed_signers, found.required)
    assert "`keys/signers` of `main`" == found.place
    assert not trust(history.folder).named
    (history.folder / "services" / "llm" / "llmops.yaml").unlink()  # what is checked out has no say
    assert found == trust(history.folder / "services" / "llm" / "prompts")


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_a_link_in_the_place_of_the_signers_is_refused(history: History, mode: str) -> None:
    content = "../elsewhere" if mode == "120000" else history.commit({"a": "b"})
    history.commit({"llmops.yaml": POLICY, "keys/signers": (mode, content)})
    with pytest.raises(LlmopsError, match="`main` has no file keys/signers"):
        trust(history.folder)


def test_a_policy_that_is_none_is_an_error_and_not_a_repository_without_signers(history: History) -> None:
    history.commit({"llmops.yaml": "signing: [\n"})
    with pytest.raises(InvalidInput):
        trust(history.folder)


@pytest.mark.parametrize("files", [{"README.md": "x"}, {"llmops.yaml": "version: 1\n"}, {"llmops.yaml": "{broken"}])
def test_a_policy_without_a_word_about_signing_is_not_even_parsed(history: History, files: dict[str, str]) -> None:
    commit = history.commit(files)
    assert Trust(branch="main", commit=commit) == trust(history.folder)


def test_a_repository_without_commits_knows_no_default_branch(history: History) -> None:
    assert Trust() == trust(history.folder)


def test_the_remotes_word_and_this_clones_memory_of_it(tmp_path: Path) -> None:
    remote = History(tmp_path / "remote.git", bare=True)
    first = remote.commit({"a": "1"}, branch="trunk")
    remote.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    run_git(tmp_path, "clone", "-q", str(remote.folder), "clone")
    git = open_git(tmp_path / "clone")
    second = remote.commit({"a": "2"}, branch="trunk")
    other = remote.commit({"a": "3"}, branch="other", onto=first)
    assert Branch("trunk", first) == default_branch(git, "origin", ask=False)
    assert Branch("trunk", second) == default_branch(git, "origin", ask=True)
    assert Branch("other", other) == default_branch(git, "origin", ask=True, name="other")
    assert default_branch(git, "origin", ask=True, name="nothing") is None
    remote.git("symbolic-ref", "HEAD", "refs/heads/nothing")
    assert default_branch(git, "origin", ask=True) is None
    main = remote.commit({"a": "4"}, branch="main", onto=first)
    assert Branch("main", main) == default_branch(git, "origin", ask=True)
    assert default_branch(git, "origin", ask=False, name="other") is None  # its commit came, and no ref was made
    run_git(tmp_path / "clone", "symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    assert default_branch(git, "origin", ask=False) is None  # neither main nor master
