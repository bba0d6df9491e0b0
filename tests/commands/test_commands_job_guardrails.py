"""Guardrail packs in a pull request on the fake hub: the comment, the status, the report folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows
from tests.commands.test_commands_eval import skill
from tests.commands.test_commands_guard_gate import STRONG, WEAK, suite

PACK, SUITE = "guardrails/injection.yaml", "guardrails/suites/injection.jsonl"


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CiProject:
    files = {
        "llmops.yaml": POLICY.format(url=model.url, key=KEY),
        "prompts/router.yaml": config(60),
        "evals/router.jsonl": rows(),
    }
    hub.commit({**files, PACK: STRONG, SUITE: suite()}, "first")
    return CiProject(hub, tmp_path, monkeypatch, capfd)


def test_a_weaker_pack_fails_the_job_the_status_and_says_so_in_the_comment(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    hub.commit({PACK: WEAK}, branch="change")
    number = hub.open_pull_request(head="change", author="alice").number
    done = ci.pull_request(number)
    assert (1, "regressed", "false") == (done.code, done.outputs["verdict"], done.outputs["gate-passes"])
    pull = hub.repository().issues[number].pull
    assert pull is not None
    assert "failure" == hub.status(pull.head_oid, "llmops-git/gate")
    (comment,) = hub.comments(number)
    assert "#### Guardrails" in comment.body
    assert "Regressed: do not merge" in comment.body
    assert "<script>" not in comment.body.partition("```")[0]
    assert "guardrails/injection" in done.summary.replace("&#47;", "/")
    assert "::error" in done.out
    folder = Path(done.outputs["report-dir"])
    assert 'name="guardrails/injection against the merge base' in (folder / "junit.xml").read_text()
    assert "<h2>Guardrails</h2>" in (folder / "report.html").read_text()
    assert ["guardrails/injection"] == [entry["config"] for entry in done.report["guardrails"]]
    assert [] == model.asked, "no config changed, and no rule asks"


def test_a_pack_that_is_as_good_passes_and_one_that_was_not_touched_is_not_named(ci: CiProject, hub: Hub) -> None:
    hub.commit({PACK: STRONG + "description: as good\n"}, branch="change")
    done = ci.pull_request(hub.open_pull_request(head="change", author="alice").number)
    assert (0, "no-changes", []) == (done.code, done.outputs["verdict"], json.loads(done.outputs["changed"]))
    hub.commit({PACK: STRONG.replace("pattern: 'ignore'", "pattern: '(?i)ignore'")}, branch="better")
    done = ci.pull_request(hub.open_pull_request(head="better", author="alice").number)
    assert (0, "unchanged") == (done.code, done.outputs["verdict"])


def test_a_suite_that_is_wrong_is_named_with_its_line(ci: CiProject, hub: Hub) -> None:
    hub.commit({SUITE: suite() + '{"text": "x"}\n'}, branch="change")
    number = hub.open_pull_request(head="change", author="alice").number
    done = ci.pull_request(number)
    assert 2 == done.code
    (comment,) = hub.comments(number)
    assert "injection.jsonl:121" in comment.body.replace("&#46;", ".").replace("&#47;", "/").replace("&#58;", ":")
