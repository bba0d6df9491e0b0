"""The client against a GitHub that keeps state, checks every request by GitHub's own description, and fails on order."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakehub.faults import primary_limit, secondary_limit
from fakehub.hub import FORK, Hub, running
from forge_waits import Waits

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import Denied, Forge, ForgeError, NotFound, Rejected
from llmops_git.forges.github import ARCHIVE_LIMIT, COMMENT_LIMIT, GitHub

COMMENTS = r"/issues/\d+/comments"


def bodies(hub: Hub, number: int) -> list[str]:
    return [comment.body for comment in hub.comments(number)]


# comments


def test_a_comment_is_made_found_changed_and_deleted(hub: Hub, github: GitHub, pull: int) -> None:
    made = github.create_comment(pull, "one\n\n| a | b |")
    assert [made] == list(github.comments(pull))
    assert ("github-actions[bot]", f"{hub.server_url}/octo-org/prompts/pull/{pull}#issuecomment-{made.id}") == (
        made.author,
        made.url,
    )
    changed = github.update_comment(made.id, "two")
    assert (made.id, "two") == (changed.id, changed.body)
    github.delete_comment(made.id)
    assert [] == bodies(hub, pull)


def test_every_comment_is_found_over_all_pages_in_order(hub: Hub, github: GitHub, pull: int) -> None:
    for number in range(2345):
        hub.add_comment("", pull, f"comment {number}")
    assert [f"comment {number}" for number in range(2345)] == [comment.body for comment in github.comments(pull)]
    assert 24 == len(hub.calls("issues/list-comments"))


def test_comments_are_read_only_as_far_as_somebody_looks(hub: Hub, github: GitHub, pull: int) -> None:
    for number in range(250):
        hub.add_comment("", pull, f"comment {number}")
    assert "comment 0" == next(github.comments(pull)).body
    assert 1 == len(hub.calls("issues/list-comments"))


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "partial"}, {"status": 502, "after": True}])
def test_a_comment_whose_answer_was_lost_is_not_written_again(
    hub: Hub, github: GitHub, pull: int, fault: dict[str, Any]
) -> None:
    hub.fail("POST", COMMENTS, **fault)
    made = github.create_comment(pull, "<!-- marker run=7.1 -->\nbody")
    assert ["<!-- marker run=7.1 -->\nbody"] == bodies(hub, pull)
    assert hub.comments(pull)[0].id == made.id
    assert 1 == len(hub.calls("issues/create-comment"))


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"status": 502}, {"status": 200, "body": b"<html>"}])
def test_a_comment_that_did_not_arrive_is_written_again(
    hub: Hub, github: GitHub, pull: int, waits: Waits, fault: dict[str, Any]
) -> None:
    hub.fail("POST", COMMENTS, **fault)
    github.create_comment(pull, "body")
    assert ["body"] == bodies(hub, pull)
    assert [3.0] == waits.slept


def test_the_same_body_by_somebody_else_is_not_taken_for_ours(hub: Hub, github: GitHub, pull: int) -> None:
    hub.add_comment("", pull, "body", author="mallory")
    hub.fail("POST", COMMENTS, drop="before")
    made = github.create_comment(pull, "body")
    assert ("github-actions[bot]", 2) == (made.author, len(hub.comments(pull)))


def test_a_comment_that_gets_no_answer_twice_is_an_error(hub: Hub, github: GitHub, pull: int) -> None:
    hub.fail("POST", COMMENTS, times=2, drop="before")
    with pytest.raises(ForgeError, match=r"no answer from .* to POST /repos/octo-org/prompts/issues/1/comments"):
        github.create_comment(pull, "body")
    assert [] == bodies(hub, pull)


def test_a_limit_refuses_a_comment_before_it_is_made_so_it_is_sent_again(
    hub: Hub, github: GitHub, pull: int, waits: Waits
) -> None:
    hub.fail("POST", COMMENTS, **secondary_limit(17))
    hub.fail("POST", COMMENTS, **secondary_limit(23, 429))
    github.create_comment(pull, "body")
    assert (["body"], [17.0, 23.0]) == (bodies(hub, pull), waits.slept)


def test_a_body_that_is_too_long_says_so(github: GitHub, pull: int) -> None:
    with pytest.raises(Rejected, match=r"Body is too long \(maximum is 65536 characters\)") as caught:
        github.create_comment(pull, "x" * (COMMENT_LIMIT + 1))
    assert (True, 422) == (caught.value.too_long, caught.value.status)
    made = github.create_comment(pull, "é" * COMMENT_LIMIT)
    with pytest.raises(Rejected) as caught:
        github.update_comment(made.id, "x" * (COMMENT_LIMIT + 1))
    assert caught.value.too_long


def test_a_blank_body_is_rejected_but_not_too_long(github: GitHub, pull: int) -> None:
    with pytest.raises(Rejected, match="Body cannot be blank") as caught:
        github.create_comment(pull, " ")
    assert not caught.value.too_long


def test_deleting_twice_is_fine(hub: Hub, github: GitHub, pull: int) -> None:
    made = github.create_comment(pull, "x")
    hub.fail("DELETE", "comments", drop="after")
    github.delete_comment(made.id)
    github.delete_comment(made.id)
    assert [] == bodies(hub, pull)


def test_a_comment_on_nothing_names_what_is_missing(github: GitHub) -> None:
    with pytest.raises(
        NotFound, match=r"POST /repos/octo-org/prompts/issues/99/comments is about does not exist.*404: Not Found"
    ) as caught:
        github.create_comment(99, "x")
    assert 404 == caught.value.status


# who, and with which permission


def test_a_jobs_own_token_may_not_ask_who_it_is(hub: Hub, github: GitHub) -> None:
    assert ("github-actions[bot]", "github-actions[bot]") == (github.me(), github.me())
    assert 1 == len(hub.calls("users/get-authenticated"))


def test_a_persons_token_says_who_it_is(hub: Hub, open_github: Callable[..., GitHub]) -> None:
    assert "alice" == open_github(hub.token("alice")).me()


def test_the_login_of_an_apps_token_can_be_told(hub: Hub) -> None:
    github = GitHub(repository="octo-org/prompts", token=hub.token("my-app[bot]"), api_url=hub.api_url, login="my-app[bot]")
    assert "my-app[bot]" == github.me()
    github.close()


@pytest.mark.parametrize(
    ("call", "needs"),
    [
        (lambda github, pull: github.create_comment(pull, "x"), "`issues: write` or `pull-requests: write`"),
        (lambda github, _: github.set_status("a" * 40, "success", context="c", description="d"), "`statuses: write`"),
        (lambda github, _: github.create_issue(title="t", body="b", labels=["l"]), "`issues: write`"),
        (
            lambda github, _: github.open_pull_request(branch="change", into="main", title="t", body="b"),
            "`pull-requests: write`",
        ),
    ],
)
def test_the_read_only_token_of_a_fork_is_told_which_permission_is_missing(
    hub: Hub, open_github: Callable[..., GitHub], pull: int, call: Callable[[GitHub, int], object], needs: str
) -> None:
    github = open_github(hub.token(permissions=FORK))
    with pytest.raises(Denied, match=f"403: Resource not accessible by integration.: it needs {needs}") as caught:
        call(github, pull)
    assert "fork" in caught.value.hint
    assert f"add {needs} to `permissions:` of the job" in caught.value.hint


def test_a_token_that_is_not_accepted_is_denied_at_once(open_github: Callable[..., GitHub], pull: int, waits: Waits) -> None:
    with pytest.raises(Denied, match=r"GitHub does not accept the token for GET .*401: Bad credentials") as caught:
        open_github("ghs_wrong").pull_request(pull)
    assert (401, []) == (caught.value.status, waits.slept)


def test_a_private_repository_out_of_reach_is_not_found(hub: Hub, open_github: Callable[..., GitHub]) -> None:
    hub.create_repository("octo-org/secret", private=True)
    github = open_github(hub.token(repositories=["octo-org/prompts"]), repository="octo-org/secret")
    with pytest.raises(NotFound, match="or this token may not see it") as caught:
        github.pull_request(1)
    assert "in a private repository the token needs `pull-requests: read`" == caught.value.hint


def test_what_a_person_may_do(hub: Hub, github: GitHub) -> None:
    hub.repository().roles["bob"] = "write"
    hub.add_user("bob")
    hub.add_user("carol")
    said = [github.permission_of(login) for login in ("octo-org", "bob", "carol", "nobody", "../../../user")]
    assert ["admin", "write", "read", "none", "none"] == said


# pull requests


def test_a_pull_request_is_read(hub: Hub, github: GitHub, pull: int) -> None:
    facts = hub.repository().issues[pull].pull
    assert facts
    read = github.pull_request(pull)
    assert (pull, True, "Change a prompt", "alice") == (read.number, read.open, read.title, read.author)
    assert (facts.head_oid, "change", "octo-org/prompts") == (read.head_oid, read.head_branch, read.head_repository)
    assert (facts.base_oid, "main") == (read.base_oid, read.base_branch)


def test_a_pull_request_is_found_by_exactly_its_head(hub: Hub, github: GitHub, pull: int) -> None:
    fork = hub.fork("octo-org/prompts", "mallory").full_name
    oid = hub.commit({"a.txt": "evil"}, branch="change", repository=fork)
    theirs = hub.open_pull_request(head="change", head_repository=fork, author="mallory").number
    own = hub.repository().issues[pull].pull
    assert own

    def found(repository: str, branch: str, oid: str) -> list[int]:
        return [one.number for one in github.find_pull_requests(head_repository=repository, head_branch=branch, head_oid=oid)]

    assert [theirs] == found(fork, "change", oid)
    assert [pull] == found("octo-org/prompts", "change", own.head_oid)
    assert [] == found(fork, "change", own.head_oid)
    assert [] == found("octo-org/prompts", "change", oid)
    assert [] == found("", "change", oid)
    hub.repository().issues[theirs].state = "closed"
    assert [] == found(fork, "change", oid)


def test_the_pull_request_of_a_deleted_fork_has_no_head_repository(hub: Hub, github: GitHub, pull: int) -> None:
    fork = hub.fork("octo-org/prompts", "mallory").full_name
    hub.commit({"a.txt": "evil"}, branch="change", repository=fork)
    theirs = hub.open_pull_request(head="change", head_repository=fork, author="mallory").number
    hub.delete_repository(fork)
    assert "" == github.pull_request(theirs).head_repository


def test_a_pull_request_is_opened_once_and_then_brought_up_to_date(hub: Hub, github: GitHub) -> None:
    hub.commit({"a.txt": "a"})
    hub.commit({"a.txt": "b"}, branch="llmops/upgrade")
    first = github.open_pull_request(branch="llmops/upgrade", into="main", title="Upgrade", body="one")
    second = github.open_pull_request(branch="llmops/upgrade", into="main", title="Upgrade again", body="two")
    issue = hub.repository().issues[first.number]
    assert (first.number, "Upgrade again", "two") == (second.number, issue.title, issue.body)
    assert 1 == len(hub.calls("pulls/create"))


def test_a_pull_request_from_the_same_branch_into_another_one_is_left_alone(hub: Hub, github: GitHub) -> None:
    hub.commit({"a.txt": "a"})
    hub.commit({"b.txt": "b"}, branch="other")
    hub.commit({"a.txt": "b"}, branch="up")
    first = github.open_pull_request(branch="up", into="other", title="one", body="")
    second = github.open_pull_request(branch="up", into="main", title="two", body="")
    assert [("one", first.number), ("two", second.number)] == [
        (one.title, one.number) for one in hub.repository().issues.values()
    ]


@pytest.mark.parametrize("drop", ["after", "before"])
def test_a_pull_request_whose_answer_was_lost_is_opened_once(hub: Hub, github: GitHub, drop: Any) -> None:
    hub.commit({"a.txt": "a"})
    hub.commit({"a.txt": "b"}, branch="up")
    hub.fail("POST", "/pulls$", drop=drop)
    made = github.open_pull_request(branch="up", into="main", title="Upgrade", body="one")
    assert [made.number] == list(hub.repository().issues)


def test_a_pull_request_that_somebody_opened_a_moment_ago_is_taken(hub: Hub, github: GitHub) -> None:
    hub.commit({"a.txt": "a"})
    hub.commit({"a.txt": "b"}, branch="up")
    hub.meanwhile("POST", "/pulls$", lambda: hub.open_pull_request(head="up", title="Theirs"))
    made = github.open_pull_request(branch="up", into="main", title="Ours", body="one")
    assert [("Ours", made.number)] == [(issue.title, issue.number) for issue in hub.repository().issues.values()]


def test_a_branch_with_nothing_new_is_rejected(hub: Hub, github: GitHub) -> None:
    hub.commit({"a.txt": "a"})
    hub.store("octo-org/prompts").update("refs/heads/up", hub.store("octo-org/prompts").branch("main"))
    with pytest.raises(Rejected, match="No commits between octo-org:main and octo-org:up"):
        github.open_pull_request(branch="up", into="main", title="x", body="")


# statuses


def test_a_status_is_set_and_its_description_cut(hub: Hub, github: GitHub, pull: int) -> None:
    oid = github.pull_request(pull).head_oid
    github.set_status(
        oid, "failure", context="llmops-git/gate", description="a\nb" + "x" * 300, url="https://example.org/run/1"
    )
    [status] = hub.repository().statuses
    assert ("failure", "llmops-git/gate", "https://example.org/run/1") == (status.state, status.context, status.url)
    assert ("a bx", 140) == ((status.description or "")[:4], len(status.description or ""))


def test_a_status_whose_answer_was_lost_is_set_again(hub: Hub, github: GitHub, pull: int) -> None:
    oid = github.pull_request(pull).head_oid
    hub.fail("POST", "/statuses/", drop="after")
    github.set_status(oid, "success", context="llmops-git/gate", description="")
    assert "success" == hub.status(oid, "llmops-git/gate")


def test_a_status_of_a_commit_that_is_not_there_is_rejected(github: GitHub, pull: int) -> None:
    with pytest.raises(Rejected, match="No commit found for SHA"):
        github.set_status("a" * 40, "success", context="c", description="d")


@pytest.mark.parametrize("commit", ["main", "abc", "", "../../issues", "A" * 40])
def test_a_status_wants_a_full_commit_id(hub: Hub, github: GitHub, commit: str) -> None:
    with pytest.raises(LlmopsError, match="is no full commit id"):
        github.set_status(commit, "success", context="c", description="d")
    assert [] == hub.log


# issues


def test_an_issue_is_made_found_by_its_label_changed_and_closed(hub: Hub, github: GitHub, pull: int) -> None:
    hub.repository().issues[pull].labels.append("llmops-alert")
    made = github.create_issue(title="latency rose", body="<!-- key -->", labels=["llmops-alert"])
    github.create_issue(title="other", body="x", labels=["other"])
    assert [made] == list(github.issues("llmops-alert"))
    closed = github.update_issue(made.number, body="over", is_open=False)
    assert (False, "over", "latency rose") == (closed.open, closed.body, closed.title)
    assert [closed] == list(github.issues("llmops-alert"))
    assert (True, "again") == ((opened := github.update_issue(made.number, title="again", is_open=True)).open, opened.title)


@pytest.mark.parametrize("drop", ["after", "before", "partial"])
def test_an_issue_whose_answer_was_lost_is_made_once(hub: Hub, github: GitHub, drop: Any) -> None:
    hub.fail("POST", "/issues$", drop=drop)
    made = github.create_issue(title="latency rose", body="body", labels=["llmops-alert"])
    assert [made.number] == list(hub.repository().issues)


def test_issues_are_found_over_all_pages(hub: Hub, github: GitHub) -> None:
    for number in range(230):
        hub.add_issue(title=f"alert {number}", labels=("llmops-alert",))
    assert [f"alert {number}" for number in range(230)] == [issue.title for issue in github.issues("llmops-alert")]


@pytest.mark.parametrize("label", ["", "a,b"])
def test_a_label_that_would_mean_two_is_refused(github: GitHub, label: str) -> None:
    with pytest.raises(LlmopsError, match="is no label"):
        github.issues(label)


# artifacts


@pytest.fixture
def run(hub: Hub, pull: int) -> int:
    facts = hub.repository().issues[pull].pull
    assert facts
    return hub.add_run(head_oid=facts.head_oid, head_branch="change").id


def test_files_of_the_newest_artifact_are_read_without_the_token_leaving_the_api(hub: Hub, github: GitHub, run: int) -> None:
    hub.add_artifact(run, "llmops-git-default-1", {"report.json": "old"})
    hub.add_artifact(run, "llmops-git-default-1", {"report.json": "new", "a/run.json": "{}", "big.bin": "x" * 5000})
    hub.add_artifact(run, "llmops-git-default-12", {"report.json": "other"})
    found = github.artifact_files(str(run), "llmops-git-default-1", ["report.json", "a/run.json", "run.json"], most_bytes=1000)
    assert {"report.json": b"new", "a/run.json": b"{}"} == found
    assert [(None, 200)] == [(download.authorization, download.status) for download in hub.storage.downloads]


def test_an_artifact_that_is_not_there_or_expired_is_nothing(hub: Hub, github: GitHub, run: int) -> None:
    hub.add_artifact(run, "old", {"report.json": "x"}).expired = True
    assert {} == github.artifact_files(str(run), "old", ["report.json"], most_bytes=1000)
    assert {} == github.artifact_files(str(run), "never", ["report.json"], most_bytes=1000)


def test_an_artifact_is_found_among_many(hub: Hub, github: GitHub, run: int) -> None:
    for number in range(130):
        hub.add_artifact(run, "same", {"n": str(number)})
    assert {"n": b"129"} == github.artifact_files(str(run), "same", ["n"], most_bytes=1000)


def test_a_zip_bomb_is_refused_while_it_is_read(hub: Hub, github: GitHub, run: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", b"\0" * 50_000_000)
    hub.add_artifact(run, "bomb", raw_zip=buffer.getvalue())
    with pytest.raises(ForgeError, match="holds more than 60,000 bytes in the files that are read"):
        github.artifact_files(str(run), "bomb", ["report.json"], most_bytes=60_000)


def test_an_archive_that_is_larger_than_allowed_is_not_even_fetched(hub: Hub, github: GitHub, run: int) -> None:
    hub.add_artifact(run, "large", raw_zip=b"x" * (ARCHIVE_LIMIT + 1))
    with pytest.raises(ForgeError, match="has 67,108,865 bytes, more than 67,108,864"):
        github.artifact_files(str(run), "large", ["report.json"], most_bytes=1000)
    assert [] == hub.storage.downloads


def test_a_storage_that_fails_is_asked_again_from_the_start(hub: Hub, github: GitHub, run: int, waits: Waits) -> None:
    hub.add_artifact(run, "a", {"n": "1"})
    hub.fail("GET", "/zip$", times=2, status=503)
    assert {"n": b"1"} == github.artifact_files(str(run), "a", ["n"], most_bytes=1000)
    assert [1.0, 2.0] == waits.slept


@pytest.mark.parametrize("run_id", ["", "x", "1/../2", "٣"])
def test_a_run_id_that_is_no_number_is_refused(github: GitHub, run_id: str) -> None:
    with pytest.raises(LlmopsError, match="is no id of a workflow run"):
        github.artifact_files(run_id, "a", ["n"], most_bytes=10)


# waiting


def test_a_server_that_fails_is_asked_again(hub: Hub, github: GitHub, pull: int, waits: Waits) -> None:
    hub.fail("GET", "/pulls/", times=2, status=502)
    hub.fail("GET", "/pulls/", drop="before")
    assert pull == github.pull_request(pull).number
    assert [1.0, 2.0, 4.0] == waits.slept


def test_a_server_that_keeps_failing_is_given_up(hub: Hub, github: GitHub, pull: int) -> None:
    hub.fail("PATCH", "/comments/", times=9, status=500)
    with pytest.raises(
        ForgeError, match=r"GitHub failed at PATCH /repos/octo-org/prompts/issues/comments/1 .500: Server Error."
    ) as caught:
        github.update_comment(1, "x")
    assert (500, 4) == (caught.value.status, len(hub.log))


def test_a_primary_limit_is_waited_for_until_its_reset_by_the_servers_clock(
    hub: Hub, github: GitHub, pull: int, waits: Waits
) -> None:
    hub.fail("GET", "/pulls/", **primary_limit(30))
    assert pull == github.pull_request(pull).number
    [waited] = waits.slept
    assert 29 <= waited <= 32


def test_a_limit_that_lasts_too_long_is_an_error_at_once(hub: Hub, github: GitHub, pull: int, waits: Waits) -> None:
    hub.fail("GET", "/pulls/", **primary_limit(2040))
    with pytest.raises(
        ForgeError, match="GitHub's rate limit refuses GET /repos/octo-org/prompts/pulls/1 for 34 minutes"
    ) as caught:
        github.pull_request(pull)
    assert ([], 403, False) == (waits.slept, caught.value.status, isinstance(caught.value, Denied))


def test_a_secondary_limit_without_a_time_is_waited_for_a_minute(hub: Hub, github: GitHub, pull: int, waits: Waits) -> None:
    hub.fail("GET", "/pulls/", **secondary_limit(None))
    assert pull == github.pull_request(pull).number
    assert [60.0] == waits.slept


def test_all_waits_of_a_client_together_are_bounded(
    hub: Hub, open_github: Callable[..., GitHub], pull: int, waits: Waits
) -> None:
    github = open_github(most_wait=100)
    hub.fail("GET", "/pulls/", **secondary_limit(70))
    github.pull_request(pull)
    hub.fail("GET", "/pulls/", **secondary_limit(70))
    with pytest.raises(ForgeError, match="for 70 seconds"):
        github.pull_request(pull)
    assert [70.0] == waits.slept


# GitHub Enterprise Server


def test_every_call_keeps_to_the_description_of_an_enterprise_server(tmp_path: Path) -> None:
    with running(tmp_path, enterprise=True) as hub:
        hub.create_repository("octo-org/prompts")
        hub.commit({"a.txt": "a"})
        oid = hub.commit({"a.txt": "b"}, branch="up")
        run = hub.add_run(head_oid=oid, head_branch="up").id
        hub.add_artifact(run, "report", {"report.json": "{}"})
        github = GitHub(repository="octo-org/prompts", token=hub.token(), api_url=hub.api_url)
        pull = github.open_pull_request(branch="up", into="main", title="t", body="b")
        assert pull == github.pull_request(pull.number)
        assert (pull,) == github.find_pull_requests(head_repository="octo-org/prompts", head_branch="up", head_oid=oid)
        made = github.create_comment(pull.number, "x")
        github.update_comment(made.id, "y")
        assert ["y"] == [comment.body for comment in github.comments(pull.number)]
        github.delete_comment(made.id)
        github.set_status(oid, "pending", context="c", description="d")
        issue = github.create_issue(title="t", body="b", labels=["l"])
        github.update_issue(issue.number, is_open=False)
        assert [(issue.number, False)] == [(one.number, one.open) for one in github.issues("l")]
        assert {"report.json": b"{}"} == github.artifact_files(str(run), "report", ["report.json"], most_bytes=10)
        assert ("admin", "github-actions[bot]") == (github.permission_of("octo-org"), github.me())
        github.close()
        assert [] == hub.violations


# small things


def test_every_request_says_who_asks_and_in_which_version(hub: Hub, github: GitHub, pull: int) -> None:
    github.pull_request(pull)
    headers = hub.log[-1].headers
    assert ("application/vnd.github+json", "2022-11-28") == (headers["accept"], headers["x-github-api-version"])
    assert headers["user-agent"].startswith("llmops-git/")
    assert "/api/v3/repos/octo-org/prompts/pulls/1" == hub.log[-1].path


def test_a_slash_at_the_end_of_the_apis_address_is_fine(hub: Hub, open_github: Callable[..., GitHub], pull: int) -> None:
    assert pull == open_github(api_url=f"{hub.api_url}/").pull_request(pull).number


def test_an_address_without_the_path_of_an_enterprise_server_is_explained(
    hub: Hub, open_github: Callable[..., GitHub], pull: int
) -> None:
    with pytest.raises(NotFound) as caught:
        open_github(api_url=hub.server_url).pull_request(pull)
    assert "https://HOST/api/v3" in caught.value.hint


@pytest.mark.parametrize("repository", ["", "prompts", "a/b/c", "../x", "a/..", "a b/c", "a/b?x"])
def test_a_repository_that_is_none_is_refused(repository: str) -> None:
    with pytest.raises(LlmopsError, match="is no repository"):
        GitHub(repository=repository, token="t", api_url="https://api.example")


def test_it_is_a_forge(github: GitHub) -> None:
    forge: Forge = github
    assert "octo-org/prompts" == forge.repository
