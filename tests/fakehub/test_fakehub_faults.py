"""Misfortunes on order, artifacts on another origin, and the hub as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fakehub.faults import primary_limit, secondary_limit
from fakehub.hub import Hub

REPO = "/repos/octo-org/prompts"


@pytest.fixture
def api(hub: Hub) -> Iterator[httpx.Client]:
    hub.add_issue(title="alert")
    with httpx.Client(base_url=hub.api_url, headers={"authorization": f"Bearer {hub.token()}"}) as client:
        yield client


def comment(api: httpx.Client, body: str = "x") -> httpx.Response:
    return api.post(f"{REPO}/issues/1/comments", json={"body": body})


def test_a_bad_status_comes_as_often_as_it_was_ordered(hub: Hub, api: httpx.Client) -> None:
    hub.fail("POST", "/comments$", times=2, status=502)
    assert [comment(api).status_code for _ in range(3)] == [502, 502, 201]
    assert len(hub.comments(1)) == 1
    assert [entry.status for entry in hub.log] == [502, 502, 201]


def test_a_fault_concerns_the_requests_that_match_and_is_remembered_until_then(hub: Hub, api: httpx.Client) -> None:
    hub.fail("DELETE", "/comments$", status=500)
    hub.fail("*", "/labels$", status=500)
    assert comment(api).status_code == 201
    assert len(hub.faults.left) == 2


def test_the_limits_look_as_on_github(hub: Hub, api: httpx.Client) -> None:
    hub.fail("POST", "/comments$", **secondary_limit(retry_after=3))
    hub.fail("POST", "/comments$", **primary_limit(seconds=60))
    second, first = comment(api), comment(api)
    assert (second.status_code, second.headers["retry-after"], "secondary rate limit" in second.text) == (403, "3", True)
    assert (first.status_code, first.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 0 <= int(first.headers["x-ratelimit-reset"]) - time.time() <= 60
    assert hub.comments(1) == []


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1), ("partial", 1)])
def test_a_connection_is_cut_before_or_after_the_work(hub: Hub, api: httpx.Client, drop, made: int) -> None:
    hub.fail("POST", "/comments$", drop=drop)
    with pytest.raises(httpx.RemoteProtocolError):
        comment(api)
    assert len(hub.comments(1)) == made


def test_a_bad_gateway_may_hide_that_the_work_was_done(hub: Hub, api: httpx.Client) -> None:
    hub.fail("POST", "/comments$", status=502, after=True)
    assert comment(api).status_code == 502
    assert len(hub.comments(1)) == 1


def test_a_request_may_be_delivered_twice(hub: Hub, api: httpx.Client) -> None:
    hub.twice("POST", "/comments$")
    assert comment(api).status_code == 201
    assert len(hub.comments(1)) == 2


def test_somebody_else_may_come_first(hub: Hub, api: httpx.Client) -> None:
    hub.meanwhile("POST", "/comments$", lambda: hub.add_comment("", 1, "theirs"))
    comment(api, "ours")
    assert [known.body for known in hub.comments(1)] == ["theirs", "ours"]


def test_an_answer_may_be_held_back_until_the_client_gives_up(hub: Hub, api: httpx.Client) -> None:
    release = threading.Event()
    hub.hold("POST", "/comments$", release)
    with pytest.raises(httpx.ReadTimeout):
        api.post(f"{REPO}/issues/1/comments", json={"body": "x"}, timeout=0.1)
    release.set()


def test_a_fault_without_a_misfortune_is_refused(hub: Hub) -> None:
    with pytest.raises(ValueError, match="say what goes wrong"):
        hub.fail("GET", "/")


def test_an_error_of_the_hub_itself_is_a_violation(hub: Hub, api: httpx.Client) -> None:
    hub.repository().issues[1].author = "nobody-we-know"
    assert api.get(f"{REPO}/issues/1").status_code == 500
    assert ("KeyError: 'nobody-we-know'" in hub.violations[0], len(hub.violations)) == (True, 1)
    hub.violations.clear()


@pytest.fixture
def run(hub: Hub, api: httpx.Client) -> int:
    oid = hub.commit({"a": "1"})
    known = hub.add_run(head_oid=oid, head_branch="main")
    hub.add_artifact(known.id, "llmops-git-default-1", {"report.json": "{}"})
    hub.add_artifact(known.id, "other", raw_zip=b"no zip at all")
    return known.id


def test_artifacts_are_listed_by_name_and_downloaded_elsewhere_without_the_token(hub: Hub, api: httpx.Client, run: int) -> None:
    listed = api.get(f"{REPO}/actions/runs/{run}/artifacts", params={"name": "llmops-git-default-1"}).json()
    redirect = api.get(f"{REPO}/actions/artifacts/{listed['artifacts'][0]['id']}/zip")
    content = api.get(f"{REPO}/actions/artifacts/{listed['artifacts'][0]['id']}/zip", follow_redirects=True).content
    assert (listed["total_count"], redirect.status_code) == (1, 302)
    assert httpx.URL(redirect.headers["location"]).port != httpx.URL(hub.api_url).port
    assert content.startswith(b"PK")
    assert [(item.authorization, item.status) for item in hub.storage.downloads] == [(None, 200)]
    assert api.get(f"{REPO}/actions/runs/{run}").json()["id"] == run


def test_a_token_that_goes_along_to_the_storage_is_a_violation(hub: Hub, api: httpx.Client, run: int) -> None:
    artifact = max(hub.repository().artifacts)
    location = api.get(f"{REPO}/actions/artifacts/{artifact}/zip").headers["location"]
    assert api.get(location).status_code == 400
    assert [line.rpartition(": ")[2] for line in hub.violations] == ["an Authorization header was sent to another origin"]
    hub.violations.clear()
    assert httpx.get(location).content == b"no zip at all"
    assert httpx.get(location.partition("?")[0]).status_code == 403


def test_an_expired_artifact_is_gone_and_a_stranger_gets_none(hub: Hub, api: httpx.Client, run: int) -> None:
    artifact = hub.repository().artifacts[max(hub.repository().artifacts)]
    artifact.expired = True
    assert api.get(f"{REPO}/actions/artifacts/{artifact.id}/zip").status_code == 410
    assert httpx.get(f"{hub.api_url}{REPO}/actions/artifacts/{artifact.id}/zip").status_code == 401


def test_the_hub_runs_as_a_process_that_others_may_ask(tmp_path: Path) -> None:
    tests = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-m", "fakehub.serve", str(tmp_path / "hub")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": tests}
    ) as process:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())

        def ask(method: str, **arguments: object) -> object:
            return httpx.post(f"{started['server_url']}/_hub/{method}", json=arguments).json()

        ask("create_repository")
        oid = ask("commit", files={"a": "1"})
        token = ask("token")
        headers = {"authorization": f"Bearer {token}"}
        found = httpx.get(f"{started['api_url']}{REPO}/git/ref/heads/main", headers=headers).json()
        httpx.get(f"{started['api_url']}/nowhere", headers=headers)
        wrong = ask("merge", number=7)
        out, _ = process.communicate()
    assert found["object"]["sha"] == oid
    assert wrong == {"error": "KeyError: 7"}
    assert json.loads(out) == {"violations": ["GET /nowhere: no such operation in the contract's slice"]}
    assert process.returncode == 1
