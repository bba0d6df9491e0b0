"""`ci upgrade`: asked for, or on a schedule for pins that are retired soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import Hub

from tests.chat_server import chat_server
from tests.commands.ci_project import CiProject, Done
from tests.commands.upgrade_project import BETTER, CONFIG, OLD, WORSE, answer, files

SOON = (datetime.now(UTC) + timedelta(days=30)).date()
LATER = (datetime.now(UTC) + timedelta(days=61)).date()
PAST = (datetime.now(UTC) - timedelta(days=1)).date()


class Place:
    """A repository on the hub whose upgrade workflow is run."""

    def __init__(self, ci: CiProject) -> None:
        self.ci = ci
        self.hub = ci.hub

    def retire(self, model: str, day: object, successor: str = "") -> None:
        after = f", successor: {successor}" if successor else ""
        self.hub.commit({"retirements.yaml": f"{model}: {{date: {day}{after}, source: our platform team}}\n"})

    def scheduled(self, **inputs: Any) -> Done:
        return self.ci.run("schedule", self.hub.event_payload("schedule"), job="upgrade", **inputs)

    def asked(self, **inputs: Any) -> Done:
        return self.ci.run("workflow_dispatch", self.hub.event_payload("workflow_dispatch"), job="upgrade", **inputs)

    def pulls(self) -> list[Any]:
        return [issue for issue in self.hub.repository().issues.values() if issue.pull]

    def branches(self) -> list[str]:
        return self.hub.store(self.hub.repository()).run("for-each-ref", "--format=%(refname:short)", "refs/heads").split()


@pytest.fixture
def place(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Place]:
    with chat_server(answer) as server:
        hub.commit(files(server.url, "router", "other"))
        yield Place(CiProject(hub, tmp_path, monkeypatch, capfd))


def test_an_upgrade_that_was_asked_for_is_measured_and_proposed(place: Place) -> None:
    done = place.asked(config="router", model=BETTER)
    assert 0 == done.code, done.out
    [issue] = place.pulls()
    assert (0, f"Upgrade router from {OLD} to {BETTER}") == (done.code, issue.title), done.out
    assert ("improved", "true", '["router"]') == tuple(done.outputs[name] for name in ("verdict", "gate-passes", "changed"))
    assert done.outputs["pull-request-url"].endswith(f"/pull/{issue.number}")
    assert "improved" == done.report["verdict"]
    assert "Improved" in issue.body
    assert "success" == place.hub.status(issue.pull.head_oid, "llmops-git/gate")
    assert "proposed" in done.summary


def test_a_worse_model_is_not_proposed_and_the_job_fails(place: Place) -> None:
    done = place.asked(config="router", model=WORSE)
    assert (1, [], ["main"], "regressed", "false") == (
        done.code, place.pulls(), place.branches(), done.outputs["verdict"], done.outputs["gate-passes"],
    )  # fmt: skip
    assert "not proposed" in done.summary
    assert 0 == place.asked(config="router", model=WORSE, fail_on="never").code


def test_a_schedule_proposes_each_pin_that_is_retired_soon_once(place: Place) -> None:
    place.retire(OLD, SOON, BETTER)
    first = place.scheduled()
    [issue] = place.pulls()
    assert (0, f"Upgrade 2 configs from {OLD} to {BETTER}") == (first.code, issue.title), first.out
    assert f"llmops/upgrade/from-test-{OLD}/{BETTER}" == issue.pull.head_branch
    assert f"`{OLD}` is retired in 30 days" in issue.body.replace("<code>", "`").replace("</code>", "`")
    before = issue.pull.head_oid
    place.hub.commit({"README.md": "more\n"})
    second = place.scheduled()
    assert (0, [before], "") == (
        second.code,
        [issue.pull.head_oid for issue in place.pulls()],
        second.outputs["pull-request-url"],
    )
    assert "proposed earlier" in second.summary


def test_a_closed_pull_request_is_a_decision_until_its_branch_is_deleted(place: Place) -> None:
    place.retire(OLD, SOON, BETTER)
    place.scheduled()
    [issue] = place.pulls()
    issue.state = "closed"
    again = place.scheduled()
    assert (0, 1) == (again.code, len(place.pulls()))
    assert "declined" in again.summary
    place.hub.store(place.hub.repository()).run("update-ref", "-d", f"refs/heads/{issue.pull.head_branch}")
    assert 0 == place.scheduled().code
    assert 2 == len(place.pulls())


def test_commits_of_others_on_the_branch_are_left_alone(place: Place) -> None:
    place.retire(OLD, SOON, BETTER)
    place.scheduled()
    [issue] = place.pulls()
    theirs = place.hub.commit(
        {"prompts/router.yaml": CONFIG.format(name="router", model=BETTER) + "# adapted\n"}, branch=issue.pull.head_branch
    )
    done = place.scheduled()
    assert (0, theirs) == (done.code, place.pulls()[0].pull.head_oid)
    assert "left alone" in done.summary


@pytest.mark.parametrize(
    ("day", "successor", "said"),
    [
        (SOON, "", "no successor is known"),
        (SOON, "x-latest", "is an alias, which is no pin"),
        (PAST, "", f"retired on {PAST}"),
        (LATER, BETTER, "no pin is retired within 60 days"),
    ],
)  # fmt: skip
def test_what_cannot_be_proposed_is_in_the_summary(place: Place, day: object, successor: str, said: str) -> None:
    place.retire(OLD, day, successor)
    done = place.scheduled()
    assert (0, [], ["main"], "no-changes") == (done.code, place.pulls(), place.branches(), done.outputs["verdict"])
    assert said in done.out


def test_one_upgrade_that_fails_does_not_stop_the_next(place: Place) -> None:
    place.hub.commit(
        {"prompts/other.yaml": CONFIG.format(name="other", model="gone-2025-01-01").replace("name: other", "name: wrong")}
    )
    place.hub.commit(
        {
            "retirements.yaml": f"{OLD}: {{date: {SOON}, successor: {BETTER}}}\ngone-2025-01-01: {{date: {PAST}, successor: {BETTER}}}\n"
        }
    )
    done = place.scheduled()
    assert (2, [f"Upgrade router from {OLD} to {BETTER}"]) == (done.code, [issue.title for issue in place.pulls()])
    assert "the name `wrong` is not that of the file" in done.out


def test_a_dry_run_pushes_and_opens_nothing(place: Place) -> None:
    done = place.asked(config="router", model=BETTER, dry_run="true")
    assert (0, [], ["main"]) == (done.code, place.pulls(), place.branches()), done.out
    assert done.outputs["pull-request-url"].startswith("file:")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [({"model": BETTER}, "which config is to be upgraded?"), ({"token": ""}, "there is no token"), ({"config": "nobody", "model": BETTER}, "there is no config `nobody`")],
)  # fmt: skip
def test_wrong_inputs_are_said(place: Place, inputs: dict[str, str], said: str) -> None:
    done = place.asked(**inputs)
    assert (2, True) == (done.code, said in done.out), done.out


def test_an_event_of_a_stranger_upgrades_nothing(place: Place) -> None:
    place.hub.commit({"README.md": "x"}, branch="change")
    number = place.hub.open_pull_request(head="change").number
    done = place.ci.pull_request(number, job="upgrade", config="router", model=BETTER)
    assert (2, 1) == (done.code, len(place.pulls()))
    assert "a `pull_request` event upgrades nothing" in done.out
