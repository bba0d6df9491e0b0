"""Guardrail packs in the jobs of a pull request: a change that concerns nothing else is a change, also one of a fork."""

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
UNMET = STRONG + "gate: {recall: {'*': 0.5}}\n"
UNCAUGHT = "".join(json.dumps({"text": f"pretend {n}", "attack": True, "family": "role"}) + "\n" for n in range(60))
EASY = "".join(json.dumps({"text": f"do anything now {n}", "attack": True}) + "\n" for n in range(60))
Files = dict[str, str | bytes | None]


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CiProject:
    """A project whose config applies a strong pack with a suite."""
    router = config(60) + "guardrails: {input: [injection]}\n"
    files: Files = {"llmops.yaml": POLICY.format(url=model.url, key=KEY), "prompts/router.yaml": router}
    hub.commit({**files, "evals/router.jsonl": rows(), PACK: STRONG, SUITE: suite()}, "first")
    return CiProject(hub, tmp_path, monkeypatch, capfd)


def propose(hub: Hub, files: Files, *, fork: bool = False) -> int:
    repository = hub.fork("octo-org/prompts", "eve").full_name if fork else ""
    hub.commit(files, branch="change", repository=repository)
    return hub.open_pull_request(head="change", head_repository=repository, author="eve" if fork else "alice").number


def head_of(hub: Hub, number: int) -> str:
    pull = hub.repository().issues[number].pull
    assert pull is not None
    return pull.head_oid


def commented(ci: CiProject, hub: Hub, number: int) -> int:
    """The job that follows the evaluation of a fork; its exit code."""
    facts = {"head_branch": "change", "head_repository": "eve/prompts", "actor": "eve"}
    run = hub.add_run(head_oid=head_of(hub, number), **facts)
    return ci.run("workflow_run", hub.event_payload("workflow_run", run_id=run.id), run_id=run.id + 1).code


def said(hub: Hub, number: int) -> tuple[str, str]:
    """The state of the status that a ruleset requires, and its words."""
    oid = head_of(hub, number)
    found = [known for known in hub.repository().statuses if (known.oid, known.context) == (oid, "llmops-git/gate")]
    return found[-1].state, found[-1].description


def test_a_change_of_suites_alone_is_no_change_of_nothing(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {PACK: UNMET, SUITE: suite() + UNCAUGHT})
    done = ci.pull_request(number)
    assert (1, "regressed", "false", "[]") == (
        done.code, done.outputs["verdict"], done.outputs["gate-passes"], done.outputs["changed"],
    )  # fmt: skip
    state, words = said(hub, number)
    assert ("failure", False) == (state, "no config changed" in words)
    (comment,) = hub.comments(number)
    assert "guardrails/injection" in comment.body
    assert [] == model.asked


@pytest.mark.parametrize("files", [{SUITE: EASY}, {PACK: UNMET}, {PACK: WEAK}])
def test_a_fork_that_changes_only_packs_or_suites_waits_for_a_maintainer(ci: CiProject, hub: Hub, files: Files) -> None:
    number = propose(hub, files, fork=True)
    assert 0 == commented(ci, hub, number)
    (comment,) = hub.comments(number)
    assert ("pending", True) == (said(hub, number)[0], "injection" in comment.body)
    assert f"-f commit={head_of(hub, number)}" in comment.body


def test_a_fork_whose_pack_is_broken_is_told_so(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {SUITE: "{no json\n"}, fork=True)
    assert 0 == commented(ci, hub, number)
    (comment,) = hub.comments(number)
    assert ("failure", True) == (said(hub, number)[0], SUITE in comment.body)
