"""Which repository git is run in, and what its children are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from history import History, run_git

from llmops_git.errors import LlmopsError
from llmops_git.repo.git import blanked_secrets, clean_environment, open_git


def test_children_are_told_neither_keys_nor_where_to_look() -> None:
    given = {"OPENAI_API_KEY": "k", "LLMOPS_TOKEN": "t", "GIT_DIR": "/x", "PATH": "/bin", "GIT_CONFIG_COUNT": "1"}
    kept = clean_environment(given)
    assert {"PATH", "GIT_CONFIG_COUNT", "LC_ALL", "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS"} == kept.keys()
    assert {"OPENAI_API_KEY": "", "LLMOPS_TOKEN": ""} == blanked_secrets(given)


def test_a_bare_repository_inside_of_another_one_is_refused_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = History(tmp_path / "outer")
    planted = outer.folder / "planted"
    run_git(tmp_path, "init", "-q", "--bare", str(planted))
    for folder in (planted, planted / "refs"):
        with pytest.raises(LlmopsError, match="lies among the files of another repository"):
            open_git(folder)
    monkeypatch.setenv("GIT_DIR", str(planted))
    assert planted == open_git(outer.folder).location.git_dir


def test_a_bare_repository_and_a_git_folder_are_where_they_always_were(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q", "--bare", str(tmp_path / "bare.git"))
    history = History(tmp_path / "r")
    assert (tmp_path / "bare.git", None) == (
        open_git(tmp_path / "bare.git").location.git_dir,
        open_git(tmp_path / "bare.git").location.work_tree,
    )
    assert history.git_dir == open_git(history.git_dir / "refs").location.git_dir
