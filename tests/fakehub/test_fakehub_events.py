"""Event payloads are GitHub's: the real examples, ours made from them, and what a job finds in its environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakehub.contract import FOLDER, payload_faults
from fakehub.hub import Hub

# keys that today's description requires and that are younger than the examples
YOUNGER = {
    "pull_request.opened": ["auto_merge"],
    "pull_request.synchronize": ["has_discussions", "has_discussions"],
    "push": ["has_discussions"],
    "workflow_run.completed": ["actor", "path", "triggering_actor"],
}
OTHERWISE = {"merge_group.checks_requested": ["$.repository.homepage: '' is not a 'uri'"]}  # GitHub's word for "none"


@pytest.mark.parametrize("name", sorted(path.stem for path in (FOLDER / "payloads").glob("*.json")))
def test_a_real_example_is_valid_but_for_younger_keys(name: str) -> None:
    faults = payload_faults(name, json.loads((FOLDER / "payloads" / f"{name}.json").read_bytes()))
    assert sorted(fault.split("'")[1] for fault in faults if "required" in fault) == YOUNGER.get(name, [])
    assert [fault for fault in faults if "required" not in fault] == OTHERWISE.get(name, [])


@pytest.fixture
def events(hub: Hub) -> dict[str, Any]:
    """One payload of each kind, by the name of its example."""
    base = hub.commit({"a": "1"})
    hub.fork("octo-org/prompts", "mallory")
    head = hub.commit({"a": "2"}, branch="change", repository="mallory/prompts")
    number = hub.open_pull_request(head="change", head_repository="mallory/prompts", author="mallory").number
    run = hub.add_run(head_oid=head, head_branch="change", head_repository="mallory/prompts", actor="mallory")
    hub.queue(number)
    return {
        "pull_request.opened": hub.event_payload("pull_request", number=number),
        "pull_request.synchronize": hub.event_payload("pull_request", number=number, action="synchronize", before=base),
        "push": hub.event_payload("push", before=base, after=head, ref="refs/pull/1/head"),
        "merge_group.checks_requested": hub.event_payload("merge_group", number=number),
        "workflow_run.completed": hub.event_payload("workflow_run", run_id=run.id),
        "workflow_dispatch": hub.event_payload("workflow_dispatch", inputs={"version": "1.0.0"}),
    }


def test_our_payloads_are_valid(events: dict[str, Any]) -> None:
    assert {name: payload_faults(name, payload) for name, payload in events.items()} == {name: [] for name in events}


def test_our_payloads_have_the_keys_of_the_real_ones(events: dict[str, Any]) -> None:
    for name, payload in events.items():
        real = json.loads((FOLDER / "payloads" / f"{name}.json").read_bytes())
        assert set(real) - {"installation"} >= set(payload) - {"organization"} >= {"repository", "sender"}, name


def test_no_name_of_the_examples_is_left(events: dict[str, Any]) -> None:
    for name, payload in events.items():
        text = json.dumps(payload)
        assert [
            word for word in ("Hello-World", "octo-repo", "https://api.github.com", "https://github.com") if word in text
        ] == [], name


def test_a_pull_request_of_a_fork_says_whose_it_is(hub: Hub, events: dict[str, Any]) -> None:
    payload = events["pull_request.synchronize"]
    head, base = payload["pull_request"]["head"], payload["pull_request"]["base"]
    assert (head["repo"]["full_name"], head["repo"]["fork"], head["user"]["login"]) == ("mallory/prompts", True, "mallory")
    assert (base["repo"]["full_name"], base["sha"]) == ("octo-org/prompts", hub.store("octo-org/prompts").branch("main"))
    assert (payload["after"], payload["sender"]["login"]) == (head["sha"], "mallory")


def test_a_deleted_fork_is_null_in_the_payload(hub: Hub, events: dict[str, Any]) -> None:
    hub.delete_repository("mallory/prompts")
    payload = hub.event_payload("pull_request", number=1, action="synchronize")
    assert payload["pull_request"]["head"]["repo"] is None


def test_a_run_of_a_fork_names_no_pull_request(events: dict[str, Any]) -> None:
    run = events["workflow_run.completed"]["workflow_run"]
    assert (run["head_repository"]["full_name"], run["pull_requests"], run["conclusion"]) == ("mallory/prompts", [], "success")


def test_a_push_knows_new_moved_and_forced_branches(hub: Hub) -> None:
    first = hub.commit({"a": "1"})
    second = hub.commit({"a": "2"})
    flags = [
        tuple(payload[key] for key in ("before", "after", "created", "forced"))
        for payload in (
            hub.event_payload("push"),
            hub.event_payload("push", before=first),
            hub.event_payload("push", before=second, after=first),
        )
    ]
    zeros = "0" * 40
    assert flags == [(zeros, second, True, False), (first, second, False, False), (second, first, False, True)]


def test_a_schedule_has_no_sender(hub: Hub) -> None:
    payload = hub.event_payload("schedule", cron="1 2 * * *")
    assert (payload["schedule"], "sender" in payload, payload["repository"]["default_branch"]) == ("1 2 * * *", False, "main")


def test_a_job_finds_its_payload_and_the_merge_commit(hub: Hub, events: dict[str, Any], tmp_path: Path) -> None:
    environ = hub.job_environ(tmp_path / "job", "pull_request", events["pull_request.opened"])
    assert json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text()) == events["pull_request.opened"]
    assert environ["GITHUB_SHA"] == hub.store("octo-org/prompts").oid("refs/pull/1/merge")
    assert (environ["GITHUB_REF"], environ["GITHUB_API_URL"]) == ("refs/pull/1/merge", hub.api_url)
