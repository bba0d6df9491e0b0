"""`llmops-git init`: what it writes works, and what is there stays."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from llmops_git.cli import run
from llmops_git.commands.init import STARTERS
from llmops_git.configs.yaml import parse

WRITTEN = [
    "llmops.yaml",
    "prompts/review-sentiment.yaml",
    "prompts/review-sentiment/system.j2",
    "evals/review-sentiment.jsonl",
    ".github/workflows/llmops.yml",
]


@pytest.fixture
def inside(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repository)
    return repository


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    )


def test_an_empty_repository_gets_a_project_that_passes_its_check(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"wrote {path}" for path in WRITTEN]
    assert files(inside) == sorted(WRITTEN)
    assert run(["check"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "1 config in the work tree: 0 errors, 0 warnings\n")
    assert run(["render", "review-sentiment", "--case", "kettle"]) == 0


@pytest.mark.parametrize("provider", STARTERS)
def test_every_starter_passes_its_check(inside: Path, provider: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--provider", provider]) == 0
    assert run(["check", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 5)[5])["problems"] == []


def test_nothing_that_is_there_is_written_over(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "prompts").mkdir()
    (inside / "prompts" / "review-sentiment.yaml").write_text("mine")
    (inside / "llmops.yaml").symlink_to("nowhere")
    assert run(["init", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"dry_run": False, "written": WRITTEN[2:], "kept": WRITTEN[:2]}
    assert (inside / "prompts" / "review-sentiment.yaml").read_text() == "mine"
    assert not (inside / "nowhere").exists()
    assert run(["init"]) == 0
    assert capsys.readouterr().out.count("kept ") == 5


def test_a_dry_run_writes_nothing(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"would write {path}" for path in WRITTEN]
    assert files(inside) == []


def test_in_a_subfolder_the_project_is_there_and_the_workflow_at_the_top(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inside / "team").mkdir()
    monkeypatch.chdir(inside / "team")
    assert run(["init"]) == 0
    assert run(["check"]) == 0
    assert files(inside) == sorted([WRITTEN[4], *(f"team/{path}" for path in WRITTEN[:4])])
    steps = workflow(inside)["jobs"]["eval"]["steps"]
    assert [step["working-directory"] for step in steps if "llmops-git" in step.get("run", "").split()[:1]] == ["team", "team"]


def workflow(folder: Path) -> dict[str, object]:
    return parse((folder / ".github/workflows/llmops.yml").read_bytes(), "llmops.yml").value  # type: ignore[no-any-return]


@pytest.mark.parametrize(("provider", "secrets"), [("local", []), ("openai", ["OPENAI_API_KEY"])])
def test_the_workflow_has_the_least_rights_and_pinned_actions(inside: Path, provider: str, secrets: list[str]) -> None:
    assert run(["init", "--provider", provider]) == 0
    text = (inside / ".github/workflows/llmops.yml").read_text()
    value = workflow(inside)
    assert (value["on"], value["permissions"]) == ({"pull_request": None}, {})
    assert value["jobs"]["eval"]["permissions"] == {"contents": "read"}  # type: ignore[index]
    assert re.findall(r"uses: \S+@(\S+)", text) == re.findall(r"uses: \S+@([0-9a-f]{40}) # v", text)
    assert re.findall(r"secrets\.(\w+)", text) == secrets
    steps = value["jobs"]["eval"]["steps"]  # type: ignore[index]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    assert steps[-1]["run"] == 'llmops-git eval --base "origin/$GITHUB_BASE_REF"'


def test_the_config_tells_editors_its_schema(inside: Path) -> None:
    assert run(["init"]) == 0
    for path, name in (("prompts/review-sentiment.yaml", "config"), ("llmops.yaml", "policy")):
        first = (inside / path).read_text().split("\n")[0]
        assert first == f"# yaml-language-server: $schema=https://llmops-git.dev/schemas/{name}.schema.json"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--provider", "opnai"], "did you mean `openai`?"),
        (["--provider", "groq"], "--model ID"),
        (["--provider", "openai", "--model", "gpt-4o"], "an alias"),
        (["--provider", "groq", "--model", "x:latest"], "moves with every release"),
    ],
)
def test_a_model_must_be_known_and_pinned(
    inside: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(["init", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert files(inside) == []


def test_a_model_can_be_named(inside: Path) -> None:
    assert run(["init", "--provider", "groq", "--model", "llama-3.1-8b-instant"]) == 0
    assert "llama-3.1-8b-instant" in (inside / "prompts/review-sentiment.yaml").read_text()
    assert run(["check"]) == 0


def test_nothing_is_written_through_a_link(inside: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (inside / "prompts").symlink_to(outside)
    assert run(["init"]) == 2
    assert "symbolic link" in capsys.readouterr().err
    assert list(outside.iterdir()) == []


def test_a_bare_repository_has_nowhere_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "bare")], check=True)
    monkeypatch.chdir(tmp_path / "bare")
    assert run(["init"]) == 2
    assert "bare repository" in capsys.readouterr().err
