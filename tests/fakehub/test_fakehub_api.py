"""The hub's REST side: every operation works, and both sides of every conversation keep to GitHub's description."""

from __future__ import annotations

import httpx
import pytest
from fakehub import api
from fakehub.hub import FORK, Hub, running

REPO = "/repos/octo-org/prompts"


def client(hub: Hub, token: str | None = None) -> httpx.Client:
    token = hub.token() if token is None else token
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=hub.api_url, headers=headers)


@pytest.fixture
def pull(hub: Hub) -> int:
    hub.commit({"a.txt": "a"})
    hub.commit({"a.txt": "b"}, branch="change")
    return hub.open_pull_request(head="change", author="alice").number


def test_every_operation_of_the_slice_has_a_handler(hub: Hub) -> None:
    api._load_handlers()
    described = {operation["operationId"] for path in hub.contract.document["paths"].values() for operation in path.values()}
    assert described == set(api.OPERATIONS)


def test_a_comment_is_created_changed_listed_and_deleted(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        made = api.post(f"{REPO}/issues/{pull}/comments", json={"body": "one"})
        changed = api.patch(f"{REPO}/issues/comments/{made.json()['id']}", json={"body": "two"})
        listed = api.get(f"{REPO}/issues/{pull}/comments")
        got = api.get(f"{REPO}/issues/comments/{made.json()['id']}")
        gone = api.delete(f"{REPO}/issues/comments/{made.json()['id']}")
        after = api.get(f"{REPO}/issues/{pull}/comments")
    assert [reply.status_code for reply in (made, changed, listed, got, gone)] == [201, 200, 200, 200, 204]
    assert [(item["body"], item["user"]["login"]) for item in listed.json()] == [("two", "github-actions[bot]")]
    assert after.json() == []


def test_lists_are_paged_with_links(hub: Hub, pull: int) -> None:
    for number in range(65):
        hub.add_comment("", pull, f"comment {number}")
    bodies, sizes, url = [], [], f"{hub.api_url}{REPO}/issues/{pull}/comments"
    with client(hub) as api:
        while url:
            page = api.get(url)
            sizes.append(len(page.json()))
            bodies += [item["body"] for item in page.json()]
            url = page.links.get("next", {}).get("url", "")
        large = api.get(f"{REPO}/issues/{pull}/comments", params={"per_page": 100})
    assert sizes == [30, 30, 5]
    assert bodies == [f"comment {number}" for number in range(65)]
    assert (len(large.json()), large.links) == (65, {})


def test_a_query_key_that_github_ignores_silently_is_a_violation(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        reply = api.get(f"{REPO}/issues/{pull}/comments", params={"sort": "created", "per_page": 101, "page": "x"})
    assert reply.status_code == 200
    assert hub.violations == [
        "issues/list-comments: query `sort`: GitHub ignores it silently: this operation has no such parameter",
        "issues/list-comments: query `per_page`: 101 is silently cut to 100",
        "issues/list-comments: query `page`: x: $: 'x' is not of type 'integer'",
    ]
    hub.violations.clear()


def test_a_body_key_that_github_does_not_know_is_a_violation(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        reply = api.post(f"{REPO}/issues/{pull}/comments", json={"body": "x", "draft": True})
    assert reply.status_code == 201
    assert hub.violations == [
        "issues/create-comment: request body: $: Additional properties are not allowed ('draft' was unexpected)"
    ]
    hub.violations.clear()


def test_a_body_of_the_wrong_type_is_refused_and_a_violation(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        reply = api.post(f"{REPO}/issues/{pull}/comments", json={"body": 3})
        missing = api.post(f"{REPO}/issues/{pull}/comments")
    assert (reply.status_code, missing.status_code) == (422, 422)
    assert hub.violations == [
        "issues/create-comment: request body: $.body: 3 is not of type 'string'",
        "issues/create-comment: a body is required",
    ]
    hub.violations.clear()


def test_an_address_outside_the_slice_is_a_violation(hub: Hub) -> None:
    with client(hub) as api:
        assert api.get(f"{REPO}/actions/secrets").status_code == 404
    assert hub.violations == [f"GET {REPO}/actions/secrets: no such operation in the contract's slice"]
    hub.violations.clear()


def test_a_reply_of_the_hub_that_breaks_the_description_is_noticed(hub: Hub, pull: int) -> None:
    hub.add_comment("", pull, "x").created = None  # type: ignore[assignment]
    with client(hub) as api:
        api.get(f"{REPO}/issues/{pull}/comments")
    assert hub.violations == ["issues/list-comments: 200 reply: $[0].created_at: None is not of type 'string'"]
    hub.violations.clear()


def test_a_body_may_have_as_many_characters_as_on_github_and_no_more(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        fits = api.post(f"{REPO}/issues/{pull}/comments", json={"body": "é" * 65_536})
        long = api.post(f"{REPO}/issues/{pull}/comments", json={"body": "é" * 65_537})
        update = api.patch(f"{REPO}/issues/comments/{fits.json()['id']}", json={"body": "é" * 65_537})
    assert fits.status_code == 201
    for reply in (long, update):
        assert reply.status_code == 422
        assert reply.json()["errors"] == [
            {
                "resource": "IssueComment",
                "code": "unprocessable",
                "field": "data",
                "message": "Body is too long (maximum is 65536 characters)",
            }
        ]


def test_statuses_are_set_listed_and_combined(hub: Hub, pull: int) -> None:
    oid = hub.store(hub.repository()).branch("change")
    with client(hub) as api:
        for state in ("pending", "success"):
            made = api.post(f"{REPO}/statuses/{oid}", json={"state": state, "context": "llmops-git/gate", "description": "d"})
        combined = api.get(f"{REPO}/commits/change/status").json()
        listed = api.get(f"{REPO}/commits/{oid}/statuses").json()
        long = api.post(f"{REPO}/statuses/{oid}", json={"state": "success", "description": "x" * 141})
        unknown = api.post(f"{REPO}/statuses/{'0' * 40}", json={"state": "success"})
    assert made.status_code == 201
    assert (combined["state"], [item["state"] for item in combined["statuses"]]) == ("success", ["success"])
    assert [item["state"] for item in listed] == ["success", "pending"]
    assert (long.status_code, long.json()["errors"][0]["field"]) == (422, "description")
    assert (unknown.status_code, unknown.json()["message"]) == (422, f"No commit found for SHA: {'0' * 40}")
    assert hub.status(oid, "llmops-git/gate") == "success"


def test_a_branch_name_with_slashes_finds_its_commit(hub: Hub) -> None:
    oid = hub.commit({"a": "1"}, branch="feature/a/b")
    with client(hub) as api:
        assert api.get(f"{REPO}/commits/feature/a/b/status").json()["sha"] == oid
        assert api.get(f"{REPO}/commits/feature%2Fa%2Fb/status").json()["sha"] == oid


def test_a_missing_permission_is_403_and_names_what_is_accepted(hub: Hub, pull: int) -> None:
    oid = hub.repository().issues[pull].pull.head_oid  # type: ignore[union-attr]
    with client(hub, hub.token(permissions=FORK)) as api:
        replies = [
            api.post(f"{REPO}/issues/{pull}/comments", json={"body": "x"}),
            api.post(f"{REPO}/statuses/{oid}", json={"state": "success"}),
            api.post(f"{REPO}/issues", json={"title": "x"}),
            api.put(f"{REPO}/pulls/{pull}/merge"),
        ]
    assert {reply.status_code for reply in replies} == {403}
    assert {reply.json()["message"] for reply in replies} == {"Resource not accessible by integration"}
    assert [reply.headers["x-accepted-github-permissions"] for reply in replies] == [
        "issues=write; pull_requests=write",
        "statuses=write",
        "issues=write",
        "contents=write",
    ]


def test_permission_for_pull_requests_does_not_reach_plain_issues(hub: Hub, pull: int) -> None:
    issue = hub.add_issue(title="x").number
    with client(hub, hub.token(permissions={"pull_requests": "write"})) as api:
        assert api.post(f"{REPO}/issues/{pull}/comments", json={"body": "x"}).status_code == 201
        assert api.post(f"{REPO}/issues/{issue}/comments", json={"body": "x"}).status_code == 403


def test_bad_missing_and_foreign_tokens(hub: Hub, pull: int) -> None:
    hub.create_repository("octo-org/secret", private=True)
    comments = f"{REPO}/issues/{pull}/comments"
    with client(hub, "ghs_wrong") as api:
        assert api.get(comments).json()["message"] == "Bad credentials"
    with client(hub, "") as api:
        assert api.get(comments).status_code == 200
        assert api.post(comments, json={"body": "x"}).status_code == 401
        assert api.get("/repos/octo-org/secret").status_code == 404
    with client(hub, hub.token(repositories=["octo-org/prompts"])) as api:
        assert api.get("/repos/octo-org/secret").status_code == 404
    with client(hub, hub.token()) as api:
        assert api.get("/repos/octo-org/secret").json()["private"] is True


def test_who_am_i_is_refused_to_an_installation(hub: Hub) -> None:
    with client(hub) as api:
        assert api.get("/user").status_code == 403
    with client(hub, hub.token("alice")) as api:
        assert api.get("/user").json()["login"] == "alice"


def test_a_person_may_do_what_the_role_allows(hub: Hub, pull: int) -> None:
    hub.repository().roles["bob"] = "write"
    comments = f"{REPO}/issues/{pull}/comments"
    theirs = hub.add_comment("", pull, "of the bot").id
    with client(hub, hub.token("mallory")) as api:
        assert api.post(comments, json={"body": "llmops-git:v1"}).status_code == 201
        assert api.patch(f"{REPO}/issues/comments/{theirs}", json={"body": "x"}).status_code == 403
        assert api.put(f"{REPO}/pulls/{pull}/merge").status_code == 403
    with client(hub, hub.token("bob")) as api:
        assert api.get(f"{REPO}/collaborators/bob/permission").json()["permission"] == "write"
        assert api.get(f"{REPO}/collaborators/mallory/permission").json()["permission"] == "read"
        assert api.get(f"{REPO}/collaborators/nobody/permission").status_code == 404


def test_issues_are_made_found_by_label_and_closed(hub: Hub, pull: int) -> None:
    with client(hub) as api:
        made = api.post(f"{REPO}/issues", json={"title": "t", "body": "b", "labels": ["llmops", "Alert"]}).json()
        api.patch(f"{REPO}/issues/{made['number']}", json={"state": "closed", "body": "c"})
        found = api.get(f"{REPO}/issues", params={"labels": "llmops,alert", "state": "all"}).json()
        opened = api.get(f"{REPO}/issues").json()
        labels = api.get(f"{REPO}/labels").json()
        again = api.post(f"{REPO}/labels", json={"name": "LLMOPS"})
        new = api.post(f"{REPO}/labels", json={"name": "new", "color": "ff0000"})
        added = api.post(f"{REPO}/issues/{made['number']}/labels", json={"labels": ["new"]})
    assert [(item["number"], item["state"], item["body"]) for item in found] == [(made["number"], "closed", "c")]
    assert [("pull_request" in item) for item in opened] == [True]
    assert [item["name"] for item in labels] == ["llmops", "Alert"]
    assert (again.status_code, new.status_code) == (422, 201)
    assert [item["name"] for item in added.json()] == ["llmops", "Alert", "new"]


def test_the_repository_its_refs_and_the_rate_limit(hub: Hub) -> None:
    oid = hub.commit({"a": "1"})
    store = hub.store(hub.repository())
    store.run("tag", "-a", "llmops/router/v1.0.0", "-m", "release", oid)
    with client(hub) as api:
        repo = api.get(REPO)
        ref = api.get(f"{REPO}/git/ref/tags/llmops/router/v1.0.0").json()
        matching = api.get(f"{REPO}/git/matching-refs/tags/llmops/").json()
        tag = api.get(f"{REPO}/git/tags/{ref['object']['sha']}").json()
        rate = api.get("/rate_limit").json()["rate"]
    assert (repo.json()["full_name"], repo.json()["default_branch"]) == ("octo-org/prompts", "main")
    assert (ref["object"]["type"], [item["ref"] for item in matching]) == ("tag", ["refs/tags/llmops/router/v1.0.0"])
    assert (tag["object"]["sha"], tag["message"]) == (oid, "release\n")
    assert int(repo.headers["x-ratelimit-remaining"]) == 999
    assert (rate["limit"], rate["used"]) == (1000, 4)


def test_a_workflow_is_dispatched_on_a_branch_that_is_there(hub: Hub) -> None:
    hub.commit({"a": "1"})
    address = f"{REPO}/actions/workflows/llmops-promote.yml/dispatches"
    with client(hub) as api:
        done = api.post(address, json={"ref": "main", "inputs": {"version": "1.0.0"}})
        missing = api.post(address, json={"ref": "nowhere"})
    assert (done.status_code, missing.status_code) == (204, 422)
    assert [(item.workflow, item.ref, item.inputs) for item in hub.repository().dispatches] == [
        ("llmops-promote.yml", "main", {"version": "1.0.0"})
    ]


def test_an_enterprise_server_has_its_own_description_and_no_rate_limit(tmp_path) -> None:
    with running(tmp_path, enterprise=True) as hub:
        hub.create_repository()
        with client(hub) as api:
            assert api.get("/rate_limit").status_code == 404
            assert "x-ratelimit-limit" not in api.get(REPO).headers
        assert hub.violations == []


def test_a_request_without_a_user_agent_or_with_an_unknown_version_is_refused(hub: Hub) -> None:
    with client(hub) as api:
        assert api.get(REPO, headers={"user-agent": ""}).status_code == 403
        assert api.get(REPO, headers={"x-github-api-version": "2020-01-01"}).status_code == 400
        assert api.get(REPO, headers={"x-github-api-version": "2022-11-28"}).status_code == 200
