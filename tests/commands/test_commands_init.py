"""`llmops-git init`: what it writes works, and what is there stays."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.commands.init import STARTERS
from llmops_git.commands.workflows import NAMES
from llmops_git.configs.yaml import parse

WRITTEN = [
    "llmops.yaml",
    "prompts/review-sentiment.yaml",
    "prompts/review-sentiment/system.j2",
    "evals/review-sentiment.jsonl",
    *(f".github/workflows/llmops-{name}.yml" for name in NAMES),
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
    assert json.loads("{" + capsys.readouterr().out.split("\n{", 1)[1])["problems"] == []


def test_nothing_that_is_there_is_written_over(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "prompts").mkdir()
    (inside / "prompts" / "review-sentiment.yaml").write_text("mine")
    (inside / "llmops.yaml").symlink_to("nowhere")
    assert run(["init", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"dry_run": False, "written": WRITTEN[2:], "kept": WRITTEN[:2], "invalid": ["llmops.yaml"]}
    assert (inside / "prompts" / "review-sentiment.yaml").read_text() == "mine"
    assert not (inside / "nowhere").exists()
    assert run(["init"]) == 0
    assert capsys.readouterr().out.count("kept ") == len(WRITTEN)


def test_a_key_that_the_jobs_need_is_asked_for(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--provider", "openai"]) == 0
    assert "gh secret set OPENAI_API_KEY" in capsys.readouterr().err
    assert run(["init", "--provider", "openai", "--no-workflows"]) == 0
    assert "secret" not in capsys.readouterr().err


def test_a_dry_run_writes_nothing(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"would write {path}" for path in WRITTEN]
    assert files(inside) == []


def test_in_a_subfolder_the_project_is_there_and_the_workflows_at_the_top(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inside / "team").mkdir()
    monkeypatch.chdir(inside / "team")
    assert run(["init"]) == 0
    assert run(["check"]) == 0
    assert files(inside) == sorted([*WRITTEN[4:], *(f"team/{path}" for path in WRITTEN[:4])])
    assert {"team"} == {action_step(inside, name)["with"].get("working-directory") for name in NAMES}


def test_a_second_project_is_told_that_no_job_knows_it(
    inside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for name in ("team", "other", "team", "."):
        (inside / name).mkdir(exist_ok=True)
        monkeypatch.chdir(inside / name)
        capsys.readouterr()
        assert run(["init"]) == 0
        said.append(capsys.readouterr().err.partition("\n")[0])
    assert said[0] == said[2] == ""
    assert said[1] == "warning: the workflows that are there do not name other: no job evaluates or releases it"
    assert "do not name the top of the repository" in said[3]


def test_a_project_that_is_there_gets_workflows_for_its_own_provider(inside: Path) -> None:
    (inside / "llmops.yaml").write_text(
        "version: 1\nproviders:\n  ours: {api: openai, base_url: https://models.example.com/v1, key_env: OUR_KEY}\n"
    )
    assert run(["init", "--no-project", "--provider", "ours"]) == 0
    assert files(inside) == sorted(["llmops.yaml", *WRITTEN[4:]])
    assert {"OUR_KEY": "${{ secrets.OUR_KEY }}"} == action_step(inside, "release")["env"]


def test_people_choose_among_the_environments_of_a_policy_that_is_there(inside: Path) -> None:
    (inside / "llmops.yaml").write_text("version: 1\nenvironments: {dev: {}, prod: {after: dev}}\n")
    assert run(["init"]) == 0
    for name in ("promote", "rollback"):
        path = inside / f".github/workflows/llmops-{name}.yml"
        inputs = parse(path.read_bytes(), path.name).value["on"]["workflow_dispatch"]["inputs"]
        assert ["dev", "prod"] == inputs["environment"]["options"]


def test_workflows_for_a_provider_that_nobody_knows_are_refused(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--no-project", "--provider", "ours"]) == 2
    assert "there is no provider `ours`" in capsys.readouterr().err
    assert files(inside) == []


def test_workflows_can_be_left_out(inside: Path) -> None:
    assert run(["init", "--no-workflows"]) == 0
    assert files(inside) == sorted(WRITTEN[:4])


def action_step(folder: Path, name: str) -> dict[str, Any]:
    """The step of a workflow that uses the Action."""
    path = folder / f".github/workflows/llmops-{name}.yml"
    steps = parse(path.read_bytes(), path.name).value["jobs"]["llmops-git"]["steps"]
    [step] = [step for step in steps if step["uses"].startswith("llmops-git/llmops-git@")]
    return step


def test_the_action_is_pinned_to_the_commit_that_wrote_the_workflows(inside: Path) -> None:
    before = head_here()
    assert run(["init"]) == 0
    heads = {before, head_here()}  # somebody may commit while this runs
    [used] = {action_step(inside, name)["uses"] for name in NAMES}
    assert used in {f"llmops-git/llmops-git@{head}" for head in heads}


def head_here() -> str:
    here = Path(__file__).parents[2]
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "named", ["mirror/llmops-git@v1", "mirror/tools/llmops-git@0123456789abcdef0123456789abcdef01234567", "./"]
)
def test_the_action_can_be_named(inside: Path, named: str) -> None:
    assert run(["init", "--action", named]) == 0
    assert f"uses: {named}\n" in (inside / ".github/workflows/llmops-release.yml").read_text()


@pytest.mark.parametrize("named", ["llmops-git", "a/b", "a/b@v1 # x\n", "a/b@${{ github.sha }}", "../up"])
def test_an_action_that_is_none_is_refused(inside: Path, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--action", named]) == 2
    assert "names no action" in capsys.readouterr().err
    assert files(inside) == []


def test_a_tool_that_does_not_know_its_commit_asks(
    inside: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("llmops_git.repo.tool_commit.tool_commit", lambda: "")
    assert run(["init"]) == 2
    assert "hint: --action llmops-git/llmops-git@REF" in capsys.readouterr().err
    assert run(["init", "--action", "llmops-git/llmops-git@v0.1.0"]) == 0


def test_what_the_default_branch_is_called_is_read_here(inside: Path) -> None:
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/trunk"], cwd=inside, check=True)
    assert run(["init"]) == 0
    assert "branches: [trunk]" in (inside / ".github/workflows/llmops-release.yml").read_text()


def test_a_branch_that_a_workflow_cannot_name_is_refused(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/a${{github.token}}"], cwd=inside, check=True)
    assert run(["init"]) == 2
    assert "--no-workflows" in capsys.readouterr().err
    assert files(inside) == []


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


def test_a_policy_that_is_there_and_wrong_is_said_to_be(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inside / "llmops.yaml").write_text("gate: {alfa: 1}\n")
    assert run(["init", "--no-workflows"]) == 0
    said = capsys.readouterr()
    assert "kept llmops.yaml (it is there already, and it is invalid)" in said.out.splitlines()
    assert "warning: llmops.yaml:1:8: $.gate.alfa unknown key `alfa`" in said.err
    assert run(["init", "--no-workflows", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["invalid"] == ["llmops.yaml"]
