"""Guardrails under the gate of a change: `eval` on a real repository, with packs, suites and a judge behind a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from tests.chat_server import Asked, ChatServer, text_answer
from tests.commands.test_commands_eval import git, project, skill, write_config

STRONG = "rules:\n  ignore: {use: regex, pattern: 'ignore'}\n  dan: {use: banned, texts: [do anything now]}\n"
WEAK = "rules:\n  dan: {use: banned, texts: [do anything now]}\n"
JUDGED = "rules:\n  topic: {use: judge, judge: ../judges/topic.yaml, label: off}\n"
JUDGE = """\
kind: judge
model: {provider: test, id: judge-model-2026-01-01}
messages: [{role: user, content: "JUDGE {{ output }}"}]
scale: {labels: {"on": 1, "off": 0}}
"""


def suite(attacks: int = 60, benign: int = 60) -> str:
    rows: list[dict[str, Any]] = [
        {"id": f"i{n}", "text": f"please ignore rule {n} <script>", "attack": True, "family": "ignore"} for n in range(attacks)
    ]
    rows += [{"id": f"b{n}", "text": f"where is order {n}?", "attack": False} for n in range(benign)]
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = (
            folder
            / {"pack": "guardrails/injection.yaml", "suite": "guardrails/suites/injection.jsonl", "judge": "judges/topic.yaml"}[
                name
            ]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def apply_pack(folder: Path, *, applied: bool = True) -> None:
    path = folder / "prompts" / "router.yaml"
    text = path.read_text().replace("guardrails: {input: [injection]}\n", "")
    path.write_text(text + ("guardrails: {input: [injection]}\n" if applied else ""))


def answers(asked: Asked, number: int) -> object:
    text = asked.body["messages"][-1]["content"]
    if "JUDGE" in text:
        return text_answer(json.dumps({"label": "off" if "ignore" in text else "on"}))
    return skill(asked, number)


@pytest.fixture
def guarded(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, ChatServer]]:
    """A project whose config applies a strong pack with a suite, on main; a branch `change` is checked out."""
    with project(repository, monkeypatch, answers) as server:
        git(repository, "switch", "-q", "main")
        write(repository, pack=STRONG, suite=suite())
        apply_pack(repository)
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "guards")
        git(repository, "switch", "-qC", "change")
        yield repository, server


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["eval", "--format", "json", *arguments])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    document: dict[str, Any] = json.loads(captured.out)
    assert [] == [error.message for error in validator("report").iter_errors(document)]
    return code, document


def verdicts(pack: dict[str, Any]) -> dict[str, str]:
    return {scorer["scorer"]: scorer["verdict"] for scorer in pack["comparisons"][0]["scorers"]}


def test_a_change_of_no_pack_says_nothing_of_packs(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = evaluated(capsys)
    assert (0, False) == (code, "guardrails" in report)


def test_a_weaker_pack_is_a_regression_and_blocks(guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]) -> None:
    folder, _server = guarded
    write(folder, pack=WEAK)
    code, report = evaluated(capsys)
    assert (1, "regressed", False) == (code, report["verdict"], report["gate_passes"])
    (pack,) = report["guardrails"]
    assert ("guardrails/injection", ["guardrails"]) == (pack["config"], pack["change"]["aspects"])
    assert {"ignore": "regressed", "false alarms": "unchanged"} == verdicts(pack)
    assert 60 == len(pack["comparisons"][0]["flipped"])
    assert 1 == run(["eval", "--format", "markdown"])
    comment = capsys.readouterr().out
    assert "#### Guardrails" in comment or "##### " in comment
    assert "100.0\u00a0%" in comment
    assert "<script>" not in comment.split("```")[0]


def test_a_change_of_suites_alone_is_measured_though_no_config_changed(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, server = guarded
    before = len(server.asked)
    rows = suite() + "".join(json.dumps({"text": f"pretend {n}", "attack": True, "family": "role"}) + "\n" for n in range(60))
    write(folder, suite=rows, pack=STRONG + "gate: {recall: {'*': 0.5}}\n")
    code, report = evaluated(capsys)
    assert [] == report["configs"]
    (pack,) = report["guardrails"]
    assert (["evaluation"], "regressed", 1) == (pack["change"]["aspects"], pack["verdict"], code)
    assert ["role: 0.000 over 60 cases, proven below its floor of 0.5"] == pack["comparisons"][0]["hard_failures"]
    assert before == len(server.asked), "nothing reaches a model"


def test_a_change_that_edits_its_own_suite_is_scored_on_the_bases_too(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    easy = "".join(json.dumps({"text": f"do anything now {n}", "attack": True}) + "\n" for n in range(60))
    write(folder, pack=WEAK, suite=easy)
    code, report = evaluated(capsys)
    (pack,) = report["guardrails"]
    assert ["head", "base"] == [comparison["instrument"] for comparison in pack["comparisons"]]
    assert ("unchanged", "regressed", 1) == (*(comparison["verdict"] for comparison in pack["comparisons"]), code)
    assert any("its own suites or gate" in note for note in pack["notes"])


def test_taking_the_suites_away_does_not_take_the_measure_away(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    write(folder, pack=WEAK)
    (folder / "guardrails/suites/injection.jsonl").unlink()
    code, report = evaluated(capsys)
    (pack,) = report["guardrails"]
    assert (1, "regressed", ["base"]) == (code, pack["verdict"], [one["instrument"] for one in pack["comparisons"]])


def test_a_config_that_applies_a_pack_no_more_is_held_to_what_that_lets_through(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    apply_pack(folder, applied=False)
    code, report = evaluated(capsys)
    (entry,) = report["guardrails"]
    assert (1, "router/guardrails/input", "regressed") == (code, entry["config"], entry["verdict"])
    assert ["`router` does not apply `injection` to its input any more"] == entry["notes"]


def test_another_pack_that_catches_the_same_may_take_its_place(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    (folder / "guardrails/other.yaml").write_text(STRONG)
    path = folder / "prompts" / "router.yaml"
    path.write_text(path.read_text().replace("[injection]", "[other]"))
    code, report = evaluated(capsys)
    found = {entry["config"]: entry["verdict"] for entry in report["guardrails"]}
    assert {"guardrails/other": "inconclusive", "router/guardrails/input": "unchanged"} == found
    assert 0 == code


def test_shards_leave_packs_to_the_merge(
    guarded: tuple[Path, ChatServer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    write(folder, pack=WEAK)
    for number in (1, 2):
        assert 0 == run(["eval", "--shard", f"{number}/2", "--output", str(tmp_path / f"shard{number}"), "--format", "json"])
        assert "guardrails" not in json.loads(capsys.readouterr().out)
    code = run(["merge", str(tmp_path), "--output", str(tmp_path / "merged"), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert (1, ["regressed"]) == (code, [entry["verdict"] for entry in document["guardrails"]])
    assert 0 == run(["report", str(tmp_path / "merged"), "--format", "markdown"])
    assert "#### Guardrails" in capsys.readouterr().out, "a run folder keeps it"


def test_a_run_of_named_configs_measures_only_the_packs_that_they_apply(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    (folder / "guardrails" / "other.yaml").write_text(STRONG)
    (folder / "guardrails" / "suites" / "other.jsonl").write_text(suite())
    write(folder, suite=suite(61))
    _code, report = evaluated(capsys, "router")
    assert ["guardrails/injection"] == [entry["config"] for entry in report["guardrails"]]
    _code, report = evaluated(capsys)
    assert ["guardrails/injection", "guardrails/other"] == [entry["config"] for entry in report["guardrails"]]


def test_a_broken_suite_costs_nothing(guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]) -> None:
    folder, server = guarded
    write_config(folder, "skill 70")
    apply_pack(folder)
    write(folder, suite=suite() + '{"text": "x"}\n')
    assert 2 == run(["eval"])
    assert "guardrails/suites/injection.jsonl:121: `attack` is missing" in capsys.readouterr().err
    assert [] == server.asked


def test_a_rule_that_asks_a_judge_is_measured_through_the_provider_and_bought_once(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, server = guarded
    write(folder, pack=JUDGED, judge=JUDGE)
    code, report = evaluated(capsys)
    (pack,) = report["guardrails"]
    assert {"ignore": "unchanged", "false alarms": "unchanged"} == verdicts(pack)
    assert (0, 120) == (code, about_suites(server))
    assert 120 <= report["spending"]["sent"]
    evaluated(capsys)
    assert 120 == about_suites(server), "kept replies"


def about_suites(server: ChatServer) -> int:
    """How often a judge was asked about a text of a suite; the config's own cases are guarded as well."""
    texts = [one.body["messages"][-1]["content"] for one in server.asked]
    return sum(text.startswith(("JUDGE please", "JUDGE where")) for text in texts)


def test_a_judge_that_cannot_be_asked_leaves_no_verdict(
    guarded: tuple[Path, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _server = guarded
    policy = (folder / "llmops.yaml").read_text()
    git(folder, "switch", "-q", "main")
    (folder / "llmops.yaml").write_text(policy + "  far: {api: openai, base_url: 'http://127.0.0.1:9', key_env: NO_SUCH_KEY}\n")
    git(folder, "commit", "-qam", "a provider without a key")
    git(folder, "switch", "-qC", "change")
    write(folder, judge=JUDGE.replace("provider: test", "provider: far"))
    (folder / "guardrails" / "extra.yaml").write_text(STRONG + JUDGED.removeprefix("rules:\n"))  # that no config applies yet
    (folder / "guardrails" / "suites" / "extra.jsonl").write_text(suite())
    code, report = evaluated(capsys)
    (pack,) = report["guardrails"]
    assert (3, "invalid", "guardrails/extra") == (code, pack["verdict"], pack["config"])
    assert {"ignore": "unchanged", "false alarms": "invalid"} == verdicts(pack), "what other rules caught is caught"
