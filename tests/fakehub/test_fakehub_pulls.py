"""Pull requests, forks, merges and the merge queue."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from fakehub.hub import Hub

REPO = "/repos/octo-org/prompts"


def client(hub: Hub, login: str = "github-actions[bot]") -> httpx.Client:
    return httpx.Client(base_url=hub.api_url, headers={"authorization": f"Bearer {hub.token(login)}"})


def parents(hub: Hub, name: str) -> list[str]:
    return hub.store(hub.repository()).run("rev-parse", f"{name}^@").split()


def test_a_pull_request_has_a_head_and_a_real_merge_commit(hub: Hub) -> None:
    base = hub.commit({"a": "1"})
    head = hub.commit({"b": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    with client(hub) as api:
        shown = api.get(f"{REPO}/pulls/{issue.number}").json()
    assert (shown["head"]["sha"], shown["base"]["sha"], shown["head"]["repo"]["full_name"]) == (head, base, "octo-org/prompts")
    assert (shown["mergeable"], shown["merged"], shown["state"]) == (True, False, "open")
    assert parents(hub, f"refs/pull/{issue.number}/merge") == [base, head]


def test_a_fork_s_objects_can_be_fetched_from_the_base(hub: Hub, tmp_path: Path) -> None:
    hub.commit({"a": "1"})
    hub.fork("octo-org/prompts", "mallory")
    head = hub.commit({"a": "2"}, branch="change", repository="mallory/prompts")
    issue = hub.open_pull_request(head="change", head_repository="mallory/prompts", author="mallory")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    fetch = ["git", "-C", str(tmp_path), "fetch", "-q", hub.clone_url(), f"refs/pull/{issue.number}/head"]
    subprocess.run(fetch, check=True)
    fetched = subprocess.run(
        ["git", "-C", str(tmp_path), "rev-parse", "FETCH_HEAD"], check=True, capture_output=True, text=True
    )
    assert fetched.stdout.strip() == head
    with client(hub) as api:
        found = api.get(f"{REPO}/pulls", params={"head": "mallory:change", "state": "open"}).json()
        other = api.get(f"{REPO}/pulls", params={"head": "octo-org:change"}).json()
        by_commit = api.get(f"{REPO}/commits/{head}/pulls").json()
    assert [(item["number"], item["head"]["repo"]["full_name"], item["head"]["repo"]["fork"]) for item in found] == [
        (issue.number, "mallory/prompts", True)
    ]
    assert ([item["number"] for item in by_commit], other) == ([issue.number], [])


def test_a_pull_request_whose_fork_was_deleted_has_no_head_repository(hub: Hub) -> None:
    hub.commit({"a": "1"})
    hub.fork("octo-org/prompts", "mallory")
    hub.commit({"a": "2"}, branch="change", repository="mallory/prompts")
    issue = hub.open_pull_request(head="change", head_repository="mallory/prompts", author="mallory")
    hub.delete_repository("mallory/prompts")
    with client(hub) as api:
        assert api.get(f"{REPO}/pulls/{issue.number}").json()["head"]["repo"] is None


def test_a_pull_request_follows_what_is_pushed(hub: Hub) -> None:
    base = hub.commit({"a": "1"})
    hub.commit({"b": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    newer = hub.commit({"c": "3"})
    assert issue.pull is not None
    assert issue.pull.base_oid == base  # GitHub's base.sha stays until the head moves
    assert parents(hub, f"refs/pull/{issue.number}/merge")[0] == newer
    head = hub.commit({"b": "3"}, branch="change")
    assert (issue.pull.head_oid, issue.pull.base_oid) == (head, newer)


@pytest.mark.parametrize(("method", "count"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_a_merge_moves_the_base_and_closes_the_pull_request(hub: Hub, method: str, count: int) -> None:
    hub.commit({"a": "1"})
    head = hub.commit({"b": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    hub.commit({"c": "3"})
    with client(hub) as api:
        stale = api.put(f"{REPO}/pulls/{issue.number}/merge", json={"sha": "0" * 40})
        done = api.put(f"{REPO}/pulls/{issue.number}/merge", json={"sha": head, "merge_method": method})
        shown = api.get(f"{REPO}/pulls/{issue.number}").json()
        again = api.put(f"{REPO}/pulls/{issue.number}/merge")
    store = hub.store(hub.repository())
    assert (stale.status_code, done.status_code, again.status_code) == (409, 200, 405)
    assert (shown["merged"], shown["state"], shown["merge_commit_sha"]) == (True, "closed", done.json()["sha"])
    assert (store.branch("main"), len(parents(hub, "main"))) == (done.json()["sha"], count)
    assert store.run("ls-tree", "--name-only", "main").split() == ["a", "b", "c"]


def test_a_conflict_is_not_mergeable(hub: Hub) -> None:
    hub.commit({"a": "1"})
    hub.commit({"a": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    hub.commit({"a": "3"})
    with client(hub) as api:
        assert api.get(f"{REPO}/pulls/{issue.number}").json()["mergeable"] is False
        assert api.put(f"{REPO}/pulls/{issue.number}/merge").status_code == 405


def test_a_required_status_holds_the_merge_back(hub: Hub) -> None:
    hub.commit({"a": "1"})
    head = hub.commit({"b": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    checks = {"required_status_checks": [{"context": "llmops-git/gate"}], "strict_required_status_checks_policy": False}
    ruleset = {
        "name": "gate",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "required_status_checks", "parameters": checks}],
    }
    with client(hub, "octo-org") as api:
        assert api.post(f"{REPO}/rulesets", json=ruleset).status_code == 201
        assert [item["name"] for item in api.get(f"{REPO}/rulesets").json()][-1] == "gate"
        held = api.put(f"{REPO}/pulls/{issue.number}/merge")
        api.post(f"{REPO}/statuses/{head}", json={"state": "success", "context": "llmops-git/gate"})
        done = api.put(f"{REPO}/pulls/{issue.number}/merge")
    assert (held.status_code, "llmops-git/gate" in held.json()["message"], done.status_code) == (405, True, 200)


def test_a_ruleset_that_github_would_not_take_is_refused(hub: Hub) -> None:
    names = {"ref_name": {"include": ["llmops/**/*"], "exclude": []}}
    with client(hub, "octo-org") as api:
        bare = api.post(f"{REPO}/rulesets", json={"name": "x", "target": "tag", "enforcement": "active", "conditions": names})
        wrong = api.post(f"{REPO}/rulesets", json={"name": "x", "enforcement": "active", "rules": [{"type": "never"}]})
    assert (bare.status_code, wrong.status_code) == (422, 422)
    assert [line.partition(":")[0] for line in hub.violations] == ["repos/create-repo-ruleset"]
    hub.violations.clear()


def test_the_merge_queue_makes_a_branch_with_the_result(hub: Hub) -> None:
    base = hub.commit({"a": "1"})
    head = hub.commit({"b": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    oid = hub.queue(issue.number)
    group = hub.event_payload("merge_group", number=issue.number)["merge_group"]
    assert (group["base_sha"], group["head_sha"], parents(hub, oid)) == (base, oid, [base, head])
    assert hub.finish_queue(issue.number) == oid
    assert (hub.store(hub.repository()).branch("main"), issue.state) == (oid, "closed")


def test_pull_requests_are_opened_and_changed_over_the_api(hub: Hub) -> None:
    hub.commit({"a": "1"})
    hub.commit({"a": "2"}, branch="llmops/promote/production")
    given = {"title": "t", "body": "b", "head": "llmops/promote/production", "base": "main"}
    with client(hub) as api:
        made = api.post(f"{REPO}/pulls", json=given)
        again = api.post(f"{REPO}/pulls", json=given)
        nowhere = api.post(f"{REPO}/pulls", json={**given, "head": "nowhere"})
        nothing = api.post(f"{REPO}/pulls", json={**given, "head": "main"})
        changed = api.patch(f"{REPO}/pulls/{made.json()['number']}", json={"title": "new", "state": "closed"})
        listed = api.get(f"{REPO}/pulls", params={"state": "all"}).json()
        opened = api.get(f"{REPO}/pulls").json()
    assert made.status_code == 201
    assert again.json()["errors"][0]["message"] == "A pull request already exists for octo-org:llmops/promote/production."
    assert nowhere.json()["errors"][0] == {"resource": "PullRequest", "field": "head", "code": "invalid"}
    assert nothing.json()["errors"][0]["message"] == "No commits between octo-org:main and octo-org:main"
    assert (changed.json()["title"], changed.json()["state"]) == ("new", "closed")
    assert ([item["number"] for item in listed], opened) == ([made.json()["number"]], [])


def test_a_head_that_is_pushed_to_the_base_counts_as_merged(hub: Hub) -> None:
    hub.commit({"a": "1"})
    head = hub.commit({"a": "2"}, branch="change")
    issue = hub.open_pull_request(head="change")
    hub.store("octo-org/prompts").update("refs/heads/main", head)
    hub.follow_branches(hub.repository())
    with client(hub) as api:
        shown = api.get(f"{REPO}/pulls/{issue.number}").json()
    assert (shown["state"], shown["merged"], shown["merge_commit_sha"]) == ("closed", True, head)


def test_an_organization_may_forbid_pull_requests_of_its_workflows(hub: Hub) -> None:
    hub.repository().actions_may_open_pull_requests = False
    hub.commit({"a": "1"})
    hub.commit({"a": "2"}, branch="change")
    given = {"title": "t", "head": "change", "base": "main"}
    with client(hub) as api:
        refused = api.post(f"{REPO}/pulls", json=given)
    with client(hub, "octo-org") as api:
        assert api.post(f"{REPO}/pulls", json=given).status_code == 201
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "GitHub Actions is not permitted to create or approve pull requests.",
    )
