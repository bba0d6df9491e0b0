"""`llmops-git eval --aa` on a real repository and a server that answers by script: steady, flaky, broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from tests.chat_server import Asked, error_answer, text_answer
from tests.commands.test_commands_eval import CASES, LABELS, git, project, skill, write_cases


def flaky(asked: Asked, number: int) -> object:
    """Answers every second request for the first third of the cases wrongly."""
    case = int(asked.body["messages"][-1]["content"].split()[-1])
    return text_answer("no idea" if case < CASES // 3 and number % 2 else LABELS[case % 3])


def noise(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["eval", "--aa", "--format", "json", *arguments])
    said = capsys.readouterr()
    assert said.out, said.err
    document = json.loads(said.out)
    validator("aa").validate(document)
    return code, document


def test_a_steady_model_keeps_the_promise(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        code, document = noise(capsys)
        asked = len(server.asked)
        assert (0, document) == (noise(capsys)[0], document)
        again = len(server.asked)
        noise(capsys, "--fresh")
        fresh = len(server.asked)
    [found] = document["configs"]
    assert (0, True, "router", CASES, 1) == (code, document["holds"], found["config"], found["cases"], found["samples"])
    assert (0.0, [], 0.6) == (found["scorers"][0]["discordance"], found["scorers"][0]["flaky"], found["scorers"][0]["mean"])
    assert (2 * CASES, 2 * CASES, 4 * CASES) == (asked, again, fresh)
    assert ["queue"] == [scorer["scorer"] for scorer in found["scorers"]], "latency has no mean that gates"


def test_a_flaky_model_is_told_by_name_and_must_pass_cases_break_the_promise(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, flaky) as server:
        path = repository / "evals" / "router.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows[0]["must_pass"] = True
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        policy = repository / "llmops.yaml"
        policy.write_text(policy.read_text().replace("base_url", "concurrency: 1, base_url"))
        code, document = noise(capsys, "router", "--repeats", "3")
        asked = len(server.asked)
        assert 1 == run(["eval", "--aa", "router", "--repeats", "3"])
        text = capsys.readouterr()
        folder = max((repository / ".llmops" / "aa").iterdir())
        capsys.readouterr()
        assert 0 == run(["trace", str(folder), "c0", "--repeat", "5"])
    [found] = document["configs"]
    assert (1, False, 3) == (code, document["holds"], found["samples"])
    assert [f"c{number}" for number in range(CASES // 3)] == found["scorers"][0]["flaky"]
    assert ({"chance", "failing"}, ["c0"]) == (set(found["must_pass"]), found["must_pass"]["failing"])
    assert 6 * CASES == asked
    assert "✗ router against itself: the gate's error rates do not hold (30 cases, 3 samples a side)" in text.out
    assert "must-pass cases fail by accident" in text.out
    assert "queue is flaky in: c0, c1, c2" in text.out
    assert "run folder: " in text.err
    assert not (repository / ".llmops" / "runs").exists(), "no command takes it for a comparison"


def test_nothing_measured_is_exit_code_3(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, lambda _asked, _number: error_answer(401, "no")):
        code, document = noise(capsys)
    assert (3, False) == (code, document["holds"])
    assert any("not measured" in note for note in document["notes"])


def test_the_plan_says_what_it_asks_and_asks_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        assert 0 == run(["eval", "--aa", "--plan", "--repeats", "2"])
        said = capsys.readouterr()
        assert 0 == len(server.asked)
    assert f"plan: {4 * CASES} requests to send" in said.err


def test_a_revision_is_measured_under_its_own_policy(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        write_cases(repository, CASES + 5)
        git(repository, "commit", "-qam", "more cases")
        old, new = (noise(capsys, "--head", revision)[1] for revision in ("main", "change"))
    assert (CASES, CASES + 5) == (old["configs"][0]["cases"], new["configs"][0]["cases"])


@pytest.mark.parametrize(
    "arguments",
    [["--base", "main"], ["--environment", "x"], ["--shard", "1/2"], ["--executor", "ray"], ["--format", "markdown"]],
)
def test_options_of_two_sides_are_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with project(repository, monkeypatch) as server:
        assert 2 == run(["eval", "--aa", *arguments, "--output", "o"])
        assert [] == server.asked
    assert "--aa has one side" in capsys.readouterr().err


def test_a_config_without_an_evaluation_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        path = repository / "prompts" / "router.yaml"
        path.write_text(path.read_text().partition("evaluation:")[0])
        assert 2 == run(["eval", "--aa", "router"])
        assert "`router` has no `evaluation:` section" in capsys.readouterr().err
        assert 2 == run(["eval", "--aa"])
        assert "no config has an `evaluation:` section" in capsys.readouterr().err
