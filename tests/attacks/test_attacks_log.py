"""Text of models and pull requests that acts on the log of a job, on its outputs, or on a terminal."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.attacks import naive
from tests.attacks.stage import HOSTILE_ANSWER, Runner, called, checkout
from tests.chat_server import ChatServer
from tests.commands.ci_project import CiProject, config, parse_outputs

ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]")
COMMAND = re.compile(r"^\s*::", re.MULTILINE)


def propose(hub: Hub, files: dict[str, str | bytes | None], branch: str = "change") -> int:
    hub.commit(files, branch=branch)
    return hub.open_pull_request(head=branch, author="alice").number


def test_a_models_answer_is_no_workflow_command(ci: CiProject, hub: Hub) -> None:
    attacked = Runner().read(naive.print_answers([HOSTILE_ANSWER]))
    assert ("improved", ["e"]) == (attacked.outputs["verdict"], attacked.masks)

    done = ci.pull_request(propose(hub, {"prompts/router.yaml": config(5)}))
    assert (1, "regressed") == (done.code, done.outputs["verdict"])
    runner = Runner().read(done.out)
    assert ({}, [], [], "") == (runner.outputs, runner.masks, runner.unknown, runner.stopped)
    assert runner.annotations
    assert not any(text.startswith("forged") for text in runner.annotations)
    assert "set-output" in done.out  # it was said, and it did not act


def test_outside_of_ci_nothing_that_is_printed_starts_a_command_either(ci: CiProject, hub: Hub) -> None:
    done = ci.pull_request(propose(hub, {"prompts/router.yaml": config(5)}))
    report = Path(done.outputs["report-dir"])
    for form in ("text", "json", "markdown"):
        shown = called("report", str(report), "--format", form, cwd=done.folder)
        assert shown.code == 0
        assert [] == COMMAND.findall(shown.out)
        assert "##[" not in shown.out


def test_no_value_of_an_output_sets_another_one(ci: CiProject, hub: Hub, tmp_path: Path) -> None:
    evil = "router\nEOF\nverdict<<EOF\nimproved"
    naive.write_output(tmp_path / "naive", "changed", evil)
    assert "improved" == parse_outputs((tmp_path / "naive").read_text())["verdict"]

    from llmops_git.forges.github_job import GithubJob

    number = propose(hub, {"prompts/router.yaml": config(5)})
    done = ci.pull_request(number, comment_key=f"key {evil}")  # an input whose text ends up in outputs, paths and statuses
    assert ("regressed", "false") == (done.outputs["verdict"], done.outputs["gate-passes"])
    assert json.loads(done.outputs["changed"]) == ["router"]
    job = GithubJob({"GITHUB_OUTPUT": str(tmp_path / "ours")}, io.StringIO())
    for value in (evil, f"{evil}\r", "x<<y\nz", HOSTILE_ANSWER):
        job.output("changed", value)
        assert ["changed"] == list(parse_outputs((tmp_path / "ours").read_text()))


def test_no_answer_reaches_the_environment_or_the_path_of_later_steps(
    ci: CiProject, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    naive.set_variable(tmp_path / "naive", "ANSWER", "no idea\nLD_PRELOAD=/tmp/evil.so")
    assert ["ANSWER", "LD_PRELOAD"] == [line.partition("=")[0] for line in (tmp_path / "naive").read_text().splitlines()]

    files = [tmp_path / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")]
    for file in files:
        file.touch()
        monkeypatch.setenv(file.name, str(file))
    done = ci.pull_request(propose(hub, {"prompts/router.yaml": config(5)}))
    assert (1, ["", "", ""]) == (done.code, [file.read_text() for file in files])


@pytest.mark.parametrize(
    "command", [("diff", "HEAD~1", "HEAD"), ("check",), ("show", "router"), ("render", "router", "--case=a")]
)
def test_no_escape_of_a_prompt_reaches_the_terminal(tmp_path: Path, command: tuple[str, ...]) -> None:
    # YAML itself refuses raw controls: escapes in quotes are how they get into a value
    sneaky = r'"\e]8;;https://evil.example\a\e[2J\e]52;c;ZXZpbA==\a\u202Egpj.exe\u200B{{ message }}"'
    text = f"name: router\ndescription: {sneaky.replace('{{ message }}', '')}\nmodel: {{provider: openai, id: gpt-4.1-mini-2025-04-14}}\n"
    text += "inputs: {type: object, required: [message], properties: {message: {type: string}}}\n"
    text += f"messages: [{{role: user, content: {sneaky}}}]\n"
    text += "evaluation: {dataset: ../evals/router.jsonl, scorers: {right: {use: contains}}}\n"
    folder = checkout(tmp_path, {"prompts/router.yaml": text})
    assert ACTS.search(naive.described(str(folder / "prompts" / "router.yaml")))

    shown = called(*command, cwd=folder)
    assert shown.code in (0, 2)
    assert None is ACTS.search(shown.out), shown.out
    as_json = called(*command, "--format", "json", cwd=folder) if command[0] != "render" else shown
    assert None is ACTS.search(as_json.out)


def test_no_escape_of_a_commit_or_a_deployment_reaches_the_terminal(tmp_path: Path) -> None:
    from tests.commands.release_project import release_project

    with release_project(tmp_path) as (_, clone):
        clone.ok("release")
        clone.ok(
            "promote", "router", "--to=staging", "--reason", "\x1b[2Jno\u202e\nAction: rollback\nRelease: llmops/router/v9.9.9"
        )
        assert ACTS.search(clone.git("log", "--format=%B", "-1", "refs/remotes/origin/llmops/env/staging")) is None
        for command in (("log", "router"), ("log", "--environment=staging"), ("status",), ("verify",)):
            shown = called(*command, cwd=clone.path)
            assert None is ACTS.search(shown.out), shown.out
        assert "v9.9.9" not in clone.ok("resolve", "router", "--environment=staging")


def test_a_crash_shows_what_it_quotes_as_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from llmops_git import cli

    def crash(**_: object) -> None:
        raise ValueError("\n::set-output name=verdict::improved\x1b[2J")

    monkeypatch.setattr(cli.cli, "main", crash)
    assert 3 == cli.run(["status"])
    said = capsys.readouterr().err
    assert (None, {}) == (ACTS.search(said), Runner().read(said).outputs)


def test_every_answer_of_the_model_is_asked_for_once(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    """The hostile model is really asked: otherwise the tests above would show nothing."""
    ci.pull_request(propose(hub, {"prompts/router.yaml": config(5)}))
    assert len(model.asked) >= 60
