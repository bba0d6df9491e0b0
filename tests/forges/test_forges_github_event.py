"""Events are read from the payload; a payload that cannot be GitHub's is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.errors import LlmopsError
from llmops_git.forges.event import Event, WorkflowRun
from llmops_git.forges.github_event import read_event, read_event_file
from llmops_git.forges.text import visible

PAYLOADS = Path(__file__).parent.parent / "contract" / "payloads"
RUN = {"GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_SERVER_URL": "https://ghe.example/"}
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
BASE = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
HOME = "Codertocat/Hello-World"


def payload(name: str) -> dict[str, Any]:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def facts_of_pull_request(**changes: Any) -> Event:
    facts: dict[str, Any] = {
        "kind": "pull request", "name": "pull_request", "repository": HOME, "default_branch": "master", "actor": "Codertocat",
        "run_id": "77", "attempt": 2, "run_url": f"https://ghe.example/{HOME}/actions/runs/77/attempts/2",
        "action": "synchronize", "base_oid": BASE, "base_branch": "master", "head_oid": HEAD, "number": 2,
    }  # fmt: skip
    return Event(**{**facts, **changes})


def test_a_pull_request_is_its_own_head_and_the_tip_of_its_base() -> None:
    assert facts_of_pull_request() == read_event("pull_request", payload("pull_request.synchronize"), RUN)


def test_what_the_environment_says_of_commits_and_refs_is_not_read() -> None:
    lies = {"GITHUB_SHA": "0" * 39 + "1", "GITHUB_REF": "refs/pull/9/merge", "GITHUB_HEAD_REF": "x", "GITHUB_BASE_REF": "y"}
    assert facts_of_pull_request() == read_event("pull_request", payload("pull_request.synchronize"), {**RUN, **lies})


def test_a_pull_request_target_is_a_pull_request_that_keeps_its_name() -> None:
    event = read_event("pull_request_target", payload("pull_request.synchronize"), RUN)
    assert facts_of_pull_request(name="pull_request_target") == event


@pytest.mark.parametrize("repo", [None, {"full_name": "stranger/Hello-World"}])
def test_a_head_elsewhere_or_deleted_is_a_fork_and_not_trusted(repo: object) -> None:
    given_ = payload("pull_request.synchronize")
    given_["pull_request"]["head"]["repo"] = repo
    assert facts_of_pull_request(fork=True, trusted=False) == read_event("pull_request", given_, RUN)


def test_dependabot_is_not_trusted_whether_the_payload_or_the_run_names_it() -> None:
    given_ = payload("pull_request.synchronize")
    by_run = read_event("pull_request", given_, {**RUN, "GITHUB_ACTOR": "dependabot[bot]"})
    given_["sender"]["login"] = "dependabot[bot]"
    by_payload = read_event("pull_request", given_, RUN)
    assert (False, False) == (by_run.trusted, by_payload.trusted)
    assert (False, "dependabot[bot]") == (by_payload.fork, by_payload.actor)


def test_a_merge_group_is_its_merged_result_on_its_base() -> None:
    event = read_event("merge_group", payload("merge_group.checks_requested"), RUN)
    assert ("merge group", "checks_requested", "main") == (event.kind, event.action, event.base_branch)
    assert "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d" == event.head_oid
    assert "380387fbc80638b734a49e1be1c4dfec1c01b33c" == event.base_oid
    assert event.number is None


def test_a_push_of_a_new_branch_has_no_before() -> None:
    event = read_event("push", payload("push"), RUN)
    assert ("push", "", "refs/heads/master") == (event.kind, event.base_oid, event.ref)
    assert "6113728f27ae82c7b1a177c8d03f9e96e0adf246" == event.head_oid


def test_a_push_that_deletes_a_branch_has_no_head() -> None:
    given_ = {**payload("push"), "before": "a" * 40, "after": "0" * 40, "deleted": True}
    event = read_event("push", given_, RUN)
    assert ("a" * 40, "") == (event.base_oid, event.head_oid)


def test_a_schedule_knows_little_but_its_repository_and_run() -> None:
    environ = {**RUN, "GITHUB_REPOSITORY": "octo/tools", "GITHUB_ACTOR": "octocat"}
    url = "https://ghe.example/octo/tools/actions/runs/77/attempts/2"
    expected = Event(
        kind="schedule", name="schedule", repository="octo/tools", default_branch="", actor="octocat",
        run_id="77", attempt=2, run_url=url,
    )  # fmt: skip
    assert expected == read_event("schedule", {"schedule": "17 4 * * *"}, environ)


def test_inputs_of_a_dispatch_are_strings_whatever_json_had() -> None:
    given_ = {**payload("workflow_dispatch"), "inputs": {"a": True, "b": False, "c": None, "d": 3, "e": "x y"}}
    event = read_event("workflow_dispatch", given_, RUN)
    assert {"a": "true", "b": "false", "c": "", "d": "3", "e": "x y"} == event.inputs
    assert ("dispatch", "refs/heads/main") == (event.kind, event.ref)


def test_a_dispatch_without_inputs_has_none() -> None:
    assert {} == read_event("workflow_dispatch", {**payload("workflow_dispatch"), "inputs": None}, RUN).inputs


def test_a_workflow_run_tells_the_facts_of_the_run_it_follows() -> None:
    given_ = payload("workflow_run.completed")
    given_["repository"]["full_name"] = "octo-org/octo-repo"
    event = read_event("workflow_run", given_, RUN)
    facts = WorkflowRun(
        id="1589141559", attempt=1, event="workflow_dispatch", head_oid="5779607b49aab1200488439f02372c57b4f75444",
        head_branch="main", head_repository="octo-org/octo-repo", conclusion="",
    )  # fmt: skip
    assert ("workflow run", facts, False) == (event.kind, event.workflow_run, event.fork)


def test_a_workflow_run_of_a_deleted_fork_has_no_head_repository() -> None:
    given_ = payload("workflow_run.completed")
    given_["workflow_run"]["head_repository"] = None
    event = read_event("workflow_run", given_, RUN)
    assert event.workflow_run
    assert ("", True, False) == (event.workflow_run.head_repository, event.fork, event.trusted)


def test_an_unknown_event_is_other_and_keeps_the_common_facts() -> None:
    event = read_event("issue_comment", payload("pull_request.opened"), RUN)
    assert ("other", "issue_comment", HOME, None) == (event.kind, event.name, event.repository, event.number)


def test_outside_of_a_run_there_is_no_address() -> None:
    event = read_event("push", payload("push"), {})
    assert ("", 1, "") == (event.run_id, event.attempt, event.run_url)


@pytest.mark.parametrize(
    "sha",
    ["", "main", "ec26c3e", "EC26C3E57CA3A959CA5AAD62DE7213C562F8C821", "--upload-pack=x", f"{HEAD}\n", "0" * 40, None, 7],
)
def test_an_id_that_is_not_a_full_id_is_refused(sha: object) -> None:
    given_ = payload("pull_request.synchronize")
    given_["pull_request"]["head"]["sha"] = sha
    with pytest.raises(LlmopsError, match=r"`sha` must be (a full commit id of 40 or 64 hex digits|text)"):
        read_event("pull_request", given_, RUN)


@pytest.mark.parametrize("name", ["a b", "-x", "a..b", "a\nb", "a:b", "", "a\\b", 5, None])
def test_a_branch_that_git_would_not_allow_is_refused(name: object) -> None:
    given_ = payload("pull_request.synchronize")
    given_["pull_request"]["base"]["ref"] = name
    with pytest.raises(LlmopsError, match="`ref` must be"):
        read_event("pull_request", given_, RUN)


@pytest.mark.parametrize("name", ["", "one", "a/b/c", "../x", "a/..", "a/b c", "a/b\n", "https://x/y"])
def test_a_repository_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(LlmopsError, match="must be `owner/name`"):
        read_event("push", {**payload("push"), "repository": {"full_name": name}}, RUN)


def test_a_run_id_that_is_no_number_is_refused() -> None:
    with pytest.raises(LlmopsError, match=r"GITHUB_RUN_ID is `1/\.\./2`, which is not a number"):
        read_event("push", payload("push"), {"GITHUB_RUN_ID": "1/../2"})


def test_an_input_that_is_an_object_is_refused() -> None:
    with pytest.raises(LlmopsError, match="`x` must be text, a number or a boolean"):
        read_event("workflow_dispatch", {**payload("workflow_dispatch"), "inputs": {"x": {}}}, RUN)


EVENTS = ["pull_request.synchronize", "merge_group.checks_requested", "push", "workflow_dispatch", "workflow_run.completed"]
JUNK = st.sampled_from([None, 0, -1, True, "", "x", "\x1b[2J", [], {}, {"login": 3}, 1.5, "refs/heads/\n"])


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
def test_a_damaged_payload_is_read_or_refused_but_never_a_crash(name: str, data: st.DataObject) -> None:
    damaged = copy.deepcopy(payload(name))
    node = damaged
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if not isinstance(node[key], dict) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(JUNK)
    try:
        event = read_event(name.partition(".")[0], damaged, RUN)
    except LlmopsError as error:
        assert visible(error.message) == error.message  # noqa: PT017  # most damaged payloads are refused, some are fine
    else:
        assert all(len(oid) in {0, 40, 64} for oid in (event.base_oid, event.head_oid))


def test_the_event_of_a_job_is_read_from_its_file(tmp_path: Path) -> None:
    environ = {**RUN, "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    (tmp_path / "event.json").write_bytes((PAYLOADS / "push.json").read_bytes())
    assert read_event("push", payload("push"), RUN) == read_event_file(environ)


def test_outside_of_a_job_the_hint_says_what_to_run_instead() -> None:
    with pytest.raises(LlmopsError, match="GITHUB_EVENT_NAME is not set: this is no job of GitHub Actions") as caught:
        read_event_file({})
    assert "llmops-git eval" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"\xff", "not JSON"),
    ],
)
def test_an_event_file_that_is_no_object_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "event.json").write_bytes(content)
    with pytest.raises(LlmopsError, match=message):
        read_event_file({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})


def test_a_missing_event_file_is_named() -> None:
    with pytest.raises(LlmopsError, match=r"cannot read the event file /nowhere/event\.json: No such file"):
        read_event_file({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/nowhere/event.json"})


def test_an_event_file_without_an_end_is_refused() -> None:
    with pytest.raises(LlmopsError, match="more than 33,554,432 bytes"):
        read_event_file({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/dev/zero"})
