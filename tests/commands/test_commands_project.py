"""Finding the project: bare repositories, worktrees, subfolders, GIT_DIR."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llmops_git.commands.project import open_project, safe_json, terminal
from llmops_git.errors import InvalidInput, LlmopsError
from tests.history import History

CONFIG = "model: {provider: local, id: m}\nmessages: [{role: user, content: x}]\n"


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in ("prompts/a.yaml", "team/prompts/b.yaml", "team/llmops.yaml", "team/deep/x"):
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(CONFIG if path.endswith(".yaml") and "prompts" in path else "")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "start"], cwd=repository, check=True)
    monkeypatch.chdir(repository)
    return repository


def test_the_root_is_the_nearest_folder_with_a_policy(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_project().root == ""
    monkeypatch.chdir(project / "team" / "deep")
    found = open_project()
    assert found.root == "team"
    assert found.configs(found.tree(None)) == {"b": "team/prompts/b.yaml"}
    assert found.load(found.tree("HEAD"), "b").name == "b"


def test_a_worktree_and_a_git_dir_lead_to_the_same_project(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "worktree", "add", "-q", str(tmp_path / "other")], cwd=project, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path / "other" / "team")
    assert open_project().root == "team"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project))
    found = open_project()
    assert found.configs(found.tree("HEAD")) == {"a": "prompts/a.yaml"}


def test_in_a_bare_repository_the_tree_is_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(tmp_path / "bare.git", bare=True)
    commit = history.commit({"prompts/a.yaml": CONFIG})
    monkeypatch.chdir(history.folder)
    found = open_project()
    tree = found.tree(None)
    assert tree.name == commit
    assert found.tree("HEAD") is tree
    assert found.load(tree, "a").path == "prompts/a.yaml"
    with pytest.raises(LlmopsError, match="no index"):
        found.index()


def test_paths_are_typed_from_where_the_caller_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "team" / "prompts")
    found = open_project()
    tree = found.tree(None)
    assert found.find(tree, "./b.yaml") == found.find(tree, "b.yaml") == found.find(tree, "b") == "team/prompts/b.yaml"
    assert found.find(tree, "../../prompts/a.yaml") == found.find(tree, str(project / "prompts" / "a.yaml")) == "prompts/a.yaml"
    assert found.path("../..") == ""
    with pytest.raises(LlmopsError, match="leaves the repository"):
        found.path("../../../x")


def test_two_configs_with_one_name_are_a_problem(project: Path) -> None:
    (project / "prompts" / "deep").mkdir()
    (project / "prompts" / "deep" / "a.yaml").write_text(CONFIG)
    found = open_project()
    with pytest.raises(InvalidInput, match="two configs are called `a`"):
        found.configs(found.tree(None))


def test_json_for_people_has_no_character_that_acts() -> None:
    value = {"a": "é\u202e\x9b\x1b\u2028\ud800\ufeff"}
    text = safe_json(value)
    assert json.loads(text) == value
    assert not set("\u202e\x9b\x1b\u2028\ud800\ufeff") & set(text)
    assert "é" in text


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal()["color"] is True
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal()["color"] is False
