"""Partial clones: what is needed is fetched in one fetch, and nothing is fetched to find out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from history import History, run_git
from small_project import FILES, edited

from llmops_git.errors import NotMeasured
from llmops_git.repo.changes import compute_changes
from llmops_git.repo.git import Git, open_git
from llmops_git.repo.partial import fetch_missing, missing_objects
from llmops_git.repo.trees import commit_tree


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A bare clone without blobs of a project with two commits."""
    history = History(tmp_path / "origin")
    history.commits([FILES, edited("prompts/shared/words.j2", "few", "many")])
    history.git("config", "uploadpack.allowFilter", "true")
    history.git("config", "uploadpack.allowAnySHA1InWant", "true")
    folder = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{history.folder}", str(folder))
    return folder


@pytest.fixture
def fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each git process that is started by us, or by git itself."""
    log = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(log))
    return log


def _fetches(log: Path) -> int:
    return sum('"event":"cmd_name"' in line and '"name":"fetch"' in line for line in log.read_text().splitlines())


def _blobs(git: Git) -> list[str]:
    return [entry.oid for entry in commit_tree(git, "main").walk().values()]


def test_all_missing_blobs_come_with_one_fetch(clone: Path, fetches: Path) -> None:
    git = open_git(clone)
    contents = commit_tree(git, "main").read(FILES)
    assert FILES["prompts/plain.yaml"].encode() == contents["prompts/plain.yaml"]
    assert 1 == _fetches(fetches)
    commit_tree(open_git(clone), "main").read(FILES)
    assert 1 == _fetches(fetches)


def test_a_diff_fetches_once_for_each_step_however_many_files_there_are(clone: Path, fetches: Path) -> None:
    changes = compute_changes(open_git(clone), "main~1", "main")
    assert ["help", "router"] == [change.config for change in changes.changes]
    assert () == tuple(problem for change in changes.changes for problem in change.problems)
    assert (
        _fetches(fetches) <= 8
    )  # a level of files at a time: configs, templates, includes, then what the changed configs read


def test_asking_what_is_missing_fetches_nothing(clone: Path, fetches: Path) -> None:
    git = open_git(clone)
    oids = _blobs(git)
    assert sorted(set(oids)) == sorted(missing_objects(git, oids))
    assert 0 == _fetches(fetches)
    assert len(set(oids)) == fetch_missing(git, oids)
    assert [] == missing_objects(git, oids)


def test_a_sha256_clone_is_asked_in_its_own_ids(tmp_path: Path) -> None:
    history = History(tmp_path / "origin", object_format="sha256")
    history.commit(FILES)
    history.git("config", "uploadpack.allowFilter", "true")
    history.git("config", "uploadpack.allowAnySHA1InWant", "true")
    run_git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{history.folder}", str(tmp_path / "clone"))
    git = open_git(tmp_path / "clone")
    assert {"corpora/one.md": FILES["corpora/one.md"].encode()} == commit_tree(git, "main").read(["corpora/one.md"])


@pytest.mark.parametrize("variable", ["", "GIT_NO_LAZY_FETCH"])
def test_a_clone_that_cannot_reach_its_remote_says_so(clone: Path, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
    run_git(clone, "config", "remote.origin.url", f"file://{clone.parent}/gone")
    with pytest.raises(NotMeasured, match=r"partial clone, and \d+ files could not be fetched from `origin`"):
        commit_tree(open_git(clone), "main").read(FILES)


def test_a_complete_clone_starts_no_process_to_find_that_out(tmp_path: Path, fetches: Path) -> None:
    history = History(tmp_path / "r")
    history.commit(FILES)
    git = open_git(history.folder)
    oids = _blobs(git)
    before = fetches.read_text().count('"event":"start"')
    assert 0 == fetch_missing(git, oids)
    assert before == fetches.read_text().count('"event":"start"')
    assert "GIT_TRACE2_EVENT" in os.environ
