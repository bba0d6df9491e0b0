"""`llmops-git eval` on a real repository and a server that answers by script."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmops_git.cli import run
from tests.chat_server import Asked, ChatServer, chat_server, error_answer, text_answer

LABELS = ("billing", "technical", "sales")
CASES = 30
CONFIG = """\
name: router
model: {{provider: test, id: test-model-2026-01-01, parameters: {{temperature: 0, max_tokens: 8}}}}
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages:
  - {{role: system, content: "{system}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
evaluation:
  dataset: ../evals/router.jsonl
  scorers:
    queue: {{use: exact}}
    speed: {{use: latency}}
"""


def skill(asked: Asked, _number: int) -> object:
    """A model whose skill is written in its system prompt: `skill 60` answers 60 % of the cases rightly."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    number = int(message.split()[-1])
    label = LABELS[number % 3]
    return text_answer(label if number * 100 // CASES < int(system.split()[-1]) else "no idea")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def write_config(folder: Path, system: str) -> None:
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / "router.yaml").write_text(CONFIG.format(system=system))


def write_cases(folder: Path, count: int = CASES) -> None:
    rows = [{"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": LABELS[n % 3]} for n in range(count)]
    (folder / "evals").mkdir(exist_ok=True)
    (folder / "evals" / "router.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@contextmanager
def project(repository: Path, monkeypatch: pytest.MonkeyPatch, script: object = skill) -> Iterator[ChatServer]:
    """A project on main with a model of skill 60, and a branch `change` checked out."""
    with chat_server(script) as server:  # type: ignore[arg-type]
        (repository / "llmops.yaml").write_text(f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}}}\n")
        write_config(repository, "skill 60")
        write_cases(repository)
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        monkeypatch.chdir(repository)
        yield server


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = run(["eval", "--format", "json", *arguments])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


def test_nothing_changed_asks_nothing_and_passes(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        code, document = report(capsys)
    assert (0, "unchanged", []) == (code, document["verdict"], document["configs"])
    assert [] == server.asked


def test_a_better_prompt_passes_the_gate(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        code, document = report(capsys)
    assert (0, "improved", True) == (code, document["verdict"], document["gate_passes"])
    assert 2 * CASES == len(server.asked)


def test_a_worse_prompt_is_stopped_with_exit_code_1(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        write_config(repository, "skill 10")
        code, document = report(capsys)
    assert (1, "regressed", False) == (code, document["verdict"], document["gate_passes"])


def test_a_second_run_asks_nothing_and_says_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        _, first = report(capsys)
        asked = len(server.asked)
        _, second = report(capsys)
    assert asked == len(server.asked)
    assert first["configs"][0]["comparisons"] == second["configs"][0]["comparisons"]  # type: ignore[index]


def test_fresh_asks_again(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        report(capsys)
        report(capsys, "--fresh")
    assert 4 * CASES == len(server.asked)


def test_a_dead_provider_is_not_a_regression_but_exit_code_3(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, lambda _asked, _number: error_answer(401)):
        write_config(repository, "skill 100")
        code, document = report(capsys)
    assert (3, "invalid", False) == (code, document["verdict"], document["gate_passes"])


def test_a_change_that_edits_its_own_eval_set_is_scored_on_the_bases_too(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        write_config(repository, "skill 20")
        write_cases(repository, 6)  # only cases that even the worse prompt answers
        code, document = report(capsys)
    comparisons = document["configs"][0]["comparisons"]  # type: ignore[index]
    assert {"head", "base"} == {comparison["instrument"] for comparison in comparisons}
    assert (1, "regressed") == (code, document["verdict"])


@pytest.mark.parametrize(("system", "code", "verdict"), [("skill 5", 1, "regressed"), ("skill 95", 0, "inconclusive")])
def test_a_change_that_takes_its_evaluation_away_is_held_to_the_bases(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    system: str,
    code: int,
    verdict: str,
) -> None:
    with project(repository, monkeypatch):
        write_config(repository, system)
        path = repository / "prompts" / "router.yaml"
        path.write_text(path.read_text().partition("evaluation:")[0])
        ended, value = report(capsys)
        assert (code, verdict) == (ended, value["verdict"])
        assert ["base"] == [one["instrument"] for one in value["configs"][0]["comparisons"]]
        assert any("no `evaluation:` section" in note for note in value["configs"][0]["notes"])
        assert code == run(["eval"])
        assert "on the eval set as it was" in capsys.readouterr().out


def test_the_plan_is_shown_before_the_first_call(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        assert 0 == run(["eval", "--plan"])
    assert [] == server.asked
    assert f"plan: {2 * CASES} requests to send" in capsys.readouterr().err


def test_a_request_limit_stops_before_it_is_passed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        code = run(["eval", "--max-requests", "10"])
    assert 3 == code
    assert len(server.asked) <= 10


def test_the_policy_of_the_base_holds(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change may not send a key to its own address."""
    with project(repository, monkeypatch) as server, chat_server(skill) as thief:  # type: ignore[arg-type]
        write_config(repository, "skill 100")
        policy = repository / "llmops.yaml"
        policy.write_text(policy.read_text().replace(server.url, thief.url))
        run(["eval"])
    assert [] == thief.asked
    assert 2 * CASES == len(server.asked)


def test_a_broken_config_is_a_usage_error_that_names_the_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        path = repository / "prompts" / "router.yaml"
        path.write_text(path.read_text().replace("dataset", "datasett"))
        assert 2 == run(["eval"])
    assert "prompts/router.yaml:8:" in capsys.readouterr().err


def test_the_run_folder_holds_report_comment_runs_and_traces(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with project(repository, monkeypatch):
        write_config(repository, "skill 100")
        run(["eval", "--output", str(tmp_path / "run")])
    assert ["comment.md", "report.json", "run.json", "traces.jsonl"] == sorted(p.name for p in (tmp_path / "run").iterdir())
    assert (tmp_path / "run" / "comment.md").read_text().startswith("<!-- llmops-git:v1 ")


def test_recorded_replies_answer_without_the_server(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        report(capsys, "--fresh", "--record", str(tmp_path / "recorded"))
        asked = len(server.asked)
        code, document = report(capsys, "--fresh", "--replay", str(tmp_path / "recorded"))
        write_config(repository, "skill 99")
        missed = run(["eval", "--fresh", "--replay", str(tmp_path / "recorded")])
    assert asked == len(server.asked)
    assert (0, "improved") == (code, document["verdict"])
    assert 3 == missed


def test_a_named_config_is_evaluated_even_when_nothing_changed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        code, document = report(capsys, "router")
    assert (0, ["router"]) == (code, [entry["config"] for entry in document["configs"]])  # type: ignore[union-attr]
    assert CASES == len(server.asked)


def test_two_files_without_a_commit_are_enough(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(repository, "skill 60")
    write_cases(repository)
    with chat_server(skill) as server:  # type: ignore[arg-type]
        (repository / "llmops.yaml").write_text(f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}}}\n")
        monkeypatch.chdir(repository)
        code, document = report(capsys, "--policy", "head")
    assert (0, ["router"]) == (code, [entry["config"] for entry in document["configs"]])  # type: ignore[union-attr]


def test_a_change_that_repairs_a_broken_base_is_evaluated(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        git(repository, "switch", "-q", "main")
        path = repository / "prompts" / "router.yaml"
        path.write_text(path.read_text().replace("messages:", "mesages:"))
        git(repository, "commit", "-qam", "break it")
        git(repository, "switch", "-qc", "repair")
        write_config(repository, "skill 80")
        code, document = report(capsys)
    assert (0, ["router"]) == (code, [entry["config"] for entry in document["configs"]])  # type: ignore[union-attr]


def test_in_a_fresh_clone_the_base_is_known_from_its_release(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        git(repository, "switch", "-q", "main")
        assert 0 == run(["release"])
        shutil.rmtree(repository / ".git" / "llmops-git" / "replies")
        git(repository, "switch", "-q", "change")
        write_config(repository, "skill 100")
        capsys.readouterr()
        before = len(server.asked)
        code, document = report(capsys)
        asked = len(server.asked) - before
        report(capsys, "--fresh")
    assert (0, "improved", CASES) == (code, document["verdict"], asked)
    assert before + 3 * CASES == len(server.asked)
    assert "measured at its release" in json.dumps(document["how"])


def test_a_removed_config_is_reported(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        (repository / "prompts" / "router.yaml").unlink()
        code, document = report(capsys)
        run(["eval"])
    assert (0, ["removed"]) == (code, [entry["change"]["status"] for entry in document["configs"]])  # type: ignore[union-attr]
    assert "router` is removed" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["-1", "nan"])
def test_a_limit_is_a_number(limit: str) -> None:
    assert 2 == run(["eval", "--max-usd", limit])


def test_a_bad_place_for_the_run_is_refused_before_anything_is_asked(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write_config(repository, "skill 100")
        codes = [run(["eval", "--output", place]) for place in ("prompts", "llmops.yaml/run")]
    assert [2, 2] == codes
    assert [] == server.asked
    assert "prompts is not empty and not a run folder" in capsys.readouterr().err


def test_two_configs_of_equal_content_each_have_a_verdict(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        twin = repository / "prompts" / "twin.yaml"
        twin.write_text((repository / "prompts" / "router.yaml").read_text().replace("name: router", "name: twin"))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "twin")
        base = git(repository, "rev-parse", "HEAD")
        write_config(repository, "skill 100")
        twin.write_text((repository / "prompts" / "router.yaml").read_text().replace("name: router", "name: twin"))
        code, document = report(capsys, "--base", base)
    assert (0, [("router", "improved"), ("twin", "improved")]) == (
        code, [(entry["config"], entry["verdict"]) for entry in document["configs"]],
    )  # fmt: skip
    assert 2 * CASES == len(server.asked)


def test_a_config_that_is_renamed_and_made_worse_is_held_to_what_it_was(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        text = (repository / "prompts" / "router.yaml").read_text()
        (repository / "prompts" / "router.yaml").unlink()
        worse = text.replace("name: router", "name: dispatcher").replace("skill 60", "skill 10")
        (repository / "prompts" / "dispatcher.yaml").write_text(worse)
        code, document = report(capsys)
    [entry] = document["configs"]  # type: ignore[misc]
    assert (1, "dispatcher", "router", "regressed") == (
        code,
        entry["config"],
        entry["change"]["renamed_from"],
        entry["verdict"],
    )


def test_a_config_that_is_named_and_unchanged_is_said_to_be(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        code, document = report(capsys, "router")
        assert 0 == run(["eval", "router"])
    [entry] = document["configs"]  # type: ignore[misc]
    assert (0, "unchanged") == (code, entry["change"]["status"])
    assert "modified" not in capsys.readouterr().out


def test_an_eval_set_that_grows_blocks_nothing_by_itself(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        git(repository, "switch", "-q", "main")
        write_cases(repository, 6)
        policy = repository / "llmops.yaml"
        policy.write_text(policy.read_text() + "gate: {on_inconclusive: block}\n")
        git(repository, "commit", "-qam", "few cases, strict gate")
        git(repository, "switch", "-qC", "change")
        write_cases(repository, 7)
        code, document = report(capsys)
    assert (0, "unchanged", True) == (code, document["verdict"], document["gate_passes"])
