"""`gate: {stop_early: true}` through `llmops-git eval`, on a real repository and a server that answers by script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from tests.chat_server import Asked, ChatServer, text_answer
from tests.commands.test_commands_eval import LABELS, git, project, report, write_cases, write_config

CASES = 160


def skill(asked: Asked, _number: int) -> object:
    """`skill 60 37` answers 60 of 100 cases rightly; the last number says which ones."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    number = int(message.split()[-1])
    _, share, which = system.split()
    able = (number * int(which)) % 100 < int(share)
    return text_answer(LABELS[number % 3] if able else "no idea")


def begin(repository: Path, *, must_pass: tuple[int, ...] = (), gate: str = "stop_early: true") -> None:
    """The project with many cases and the policy, on its base."""
    git(repository, "switch", "-q", "main")
    write_cases(repository, CASES)
    path = repository / "evals" / "router.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number in must_pass:
        rows[number]["must_pass"] = True
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    policy = repository / "llmops.yaml"
    policy.write_text(policy.read_text() + f"gate: {{{gate}}}\n")
    write_config(repository, "skill 90 37")
    git(repository, "commit", "-qam", "base")
    git(repository, "switch", "-qC", "change")


def notes(document: dict[str, Any]) -> list[str]:
    return [note for note in document["how"]["notes"] if "cases were asked" in note]


def asked_cases(server: ChatServer) -> set[str]:
    return {one.body["messages"][-1]["content"] for one in server.asked}


def test_a_disaster_is_stopped_before_all_cases_are_paid_for(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        begin(repository)
        write_config(repository, "skill 20 37")
        code, document = report(capsys)
        sent = len(server.asked)
        again, second = report(capsys)
        assert sent == len(server.asked)
    assert (1, "regressed", 1) == (code, document["verdict"], again)
    [note] = notes(document)
    assert "router: 40 of 160 cases were asked, the answer was clear at look 1 of 4" == note
    assert 2 * 40 == sent
    [found] = document["configs"][0]["comparisons"]
    assert (40, 40) == (found["planned"], found["cases"])
    assert 0.00026 == pytest.approx(found["scorers"][0]["alpha"], rel=0.05)
    assert second["configs"][0]["comparisons"] == document["configs"][0]["comparisons"]
    for form in ("text", "markdown", "html", "junit", "summary"):
        assert 0 == run(["report", "--format", form])
        capsys.readouterr()


def test_what_does_not_become_clear_is_asked_as_a_whole(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        begin(repository)
        write_config(repository, "skill 86 53")  # some better, some more worse
        code, document = report(capsys)
        assert 2 * CASES == len(server.asked)
    [found] = document["configs"][0]["comparisons"]
    assert (0, CASES, []) == (code, found["cases"], notes(document))
    assert 0.0415 == pytest.approx(found["scorers"][0]["alpha"], rel=0.02)


def test_it_is_off_unless_the_policy_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        begin(repository, gate="stop_early: false")
        write_config(repository, "skill 20 37")
        _, document = report(capsys)
        assert 2 * CASES == len(server.asked)
    [found] = document["configs"][0]["comparisons"]
    assert (CASES, 0.05) == (found["cases"], found["scorers"][0]["alpha"])


def test_a_change_cannot_turn_it_on_for_itself(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        begin(repository, gate="stop_early: false")
        policy = repository / "llmops.yaml"
        policy.write_text(policy.read_text().replace("stop_early: false", "stop_early: true"))
        write_config(repository, "skill 20 37")
        report(capsys)
        assert 2 * CASES == len(server.asked)


def test_no_must_pass_case_is_left_out_because_the_rest_was_clear(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    must = tuple(number for number in range(CASES) if (number * 37) % 100 < 10)
    with project(repository, monkeypatch, skill) as server:
        begin(repository, must_pass=must, gate="stop_early: true, margin: 0.2")
        write_config(repository, "skill 100 37")
        code, document = report(capsys)
        seen = asked_cases(server)
    assert {f"message {number}" for number in must} <= seen
    assert len(seen) < CASES
    assert 0 == code, document["verdict"]
    assert notes(document)


def test_the_plan_is_of_all_cases_and_told_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill):
        begin(repository)
        write_config(repository, "skill 20 37")
        run(["eval"])
        said = capsys.readouterr().err
    assert 1 == said.count("plan: ")
    assert f"plan: {2 * CASES} requests to send" in said


def test_escalation_comes_after_the_last_look_at_its_own_level(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, skill) as server:
        begin(repository)
        path = repository / "prompts" / "router.yaml"
        for skilled, commit in (("skill 90 37", True), ("skill 86 53", False)):
            write_config(repository, skilled)
            path.write_text(path.read_text().replace("evaluation:\n", "evaluation:\n  repeats: {start: 1, max: 3}\n"))
            if commit:
                git(repository, "commit", "-qam", "repeats")
                git(repository, "branch", "-f", "main")
        _, document = report(capsys)
        assert 6 * CASES == len(server.asked)
    [found] = document["configs"][0]["comparisons"]
    assert (3 * CASES, 0.025) == (found["planned"], found["scorers"][0]["alpha"])
