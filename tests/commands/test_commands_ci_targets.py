"""Which commits an evaluation in CI is about."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.commands.ci import chosen_job
from llmops_git.commands.jobs.session import Inputs, Session
from llmops_git.commands.jobs.targets import Targets, targets_of
from llmops_git.errors import LlmopsError
from llmops_git.forges.base import PullRequest
from llmops_git.forges.event import Event

A, B, C = "a" * 40, "b" * 40, "c" * 40


def event(**values: Any) -> Event:
    known = {"kind": "pull request", "name": "pull_request", "repository": "o/r", "default_branch": "main", "actor": "ann",
             "run_id": "7", "attempt": 1, "run_url": ""}  # fmt: skip
    return Event(**{**known, **values})


def targets_of_(of: Session) -> Targets:
    return targets_of(of, C)


def session(of: Event, forge: Any = None, **inputs: Any) -> Session:
    return Session(event=of, forge=forge, log=SimpleNamespace(), inputs=Inputs(**inputs))  # type: ignore[arg-type]


def test_a_pull_request_is_its_own_head_against_where_it_left_the_base_branch() -> None:
    found = targets_of_(session(event(base_oid=A, head_oid=B, number=3)))
    assert (A, B, "", 3, True) == (found.tip, found.head, found.base, found.number, found.trusted)


def test_a_merge_group_is_the_merged_result_against_what_it_is_merged_onto() -> None:
    found = targets_of_(session(event(kind="merge group", name="merge_group", base_oid=A, head_oid=B)))
    assert (A, B, A, None) == (found.tip, found.head, found.base, found.number)


def test_another_event_needs_a_base() -> None:
    with pytest.raises(LlmopsError, match="does not say what to compare with"):
        targets_of_(session(event(kind="schedule", name="schedule", head_oid=B)))


@pytest.mark.parametrize("base", ["main", "HEAD~1", "abc1234", "--all", f"{A}\n{B}"])
def test_a_base_is_a_full_id_and_nothing_else(base: str) -> None:
    with pytest.raises(LlmopsError, match="must be a full commit id"):
        targets_of_(session(event(kind="dispatch", name="workflow_dispatch", head_oid=B), base=base))


PULL = PullRequest(number=9, open=True, title="", author="eve", head_oid=B, head_branch="x", head_repository="eve/r",
                   base_oid=A, base_branch="main", url="")  # fmt: skip


def approved(pull: PullRequest, commit: str, kind: str = "dispatch") -> Any:
    forge = SimpleNamespace(pull_request=lambda _number: pull)
    return targets_of_(session(event(kind=kind, name=kind, head_oid=C), forge, pull_request=9, commit=commit))


def test_an_approved_commit_of_a_fork_is_evaluated_under_the_policy_of_its_base() -> None:
    found = approved(PULL, B)
    assert (A, B, 9, True) == (found.tip, found.head, found.number, found.trusted)


def test_what_was_pushed_after_the_approval_is_not_evaluated() -> None:
    with pytest.raises(LlmopsError, match=f"is at {C} now, and {B} was approved"):
        approved(replace(PULL, head_oid=C), B)


def test_a_closed_pull_request_is_not_evaluated() -> None:
    with pytest.raises(LlmopsError, match="is not open"):
        approved(replace(PULL, open=False), B)


def test_an_approval_names_a_commit_and_not_a_branch() -> None:
    with pytest.raises(LlmopsError, match="commit must be a full commit id"):
        approved(PULL, "x")


def test_a_pull_request_cannot_approve_itself() -> None:
    with pytest.raises(LlmopsError, match="approved by a dispatched workflow"):
        approved(PULL, B, kind="pull request")


@pytest.mark.parametrize(
    ("kind", "job"),
    [("pull request", "evaluate"), ("merge group", "evaluate"), ("workflow run", "comment"), ("push", "release"),
     ("schedule", "monitor"), ("other", "")],
)  # fmt: skip
def test_the_event_chooses_the_job(kind: str, job: str) -> None:
    assert job == chosen_job("auto", event(kind=kind))


def test_a_dispatched_workflow_says_what_it_is_for() -> None:
    with pytest.raises(LlmopsError, match="can be for anything"):
        chosen_job("auto", event(kind="dispatch"))
    assert chosen_job("promote", event(kind="dispatch")) == "promote"


def test_outside_of_a_job_an_error_is_said_once(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    code = run(["ci"])
    said = "".join(capfd.readouterr())
    assert (2, 1) == (code, said.count("this is no job of GitHub Actions"))
