"""Replies that are not what GitHub describes are errors, never crashes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import Say, scripted

from llmops_git.forges.base import Denied, ForgeError
from llmops_git.forges.github import GitHub
from llmops_git.forges.github_replies import (
    comment_of,
    is_pull_request,
    issue_of,
    labels_of,
    login_of,
    newest_artifact,
    permission_in,
    pull_request_of,
)

END = {"sha": "a" * 40, "ref": "main", "repo": {"full_name": "a/b"}}
COMMENT = {"id": 1, "user": {"login": "alice"}, "body": "x", "html_url": "https://x"}
ISSUE = {
    "number": 1,
    "state": "open",
    "title": "t",
    "user": {"login": "alice"},
    "body": "x",
    "html_url": "https://x",
    "labels": [],
}
PULL = {**ISSUE, "head": END, "base": END}
ARTIFACT = {"id": 3, "name": "n", "expired": False, "size_in_bytes": 5, "workflow_run": {"id": 7}}
JUNK = st.sampled_from([None, 0, True, "", "x", "\x1b[2J", [], {}, 1.5])


def of_artifacts(value: object) -> object:
    return newest_artifact([value], name="n", run="7")


PARSERS: list[tuple[Callable[[Any], object], Any]] = [
    (comment_of, COMMENT),
    (pull_request_of, PULL),
    (issue_of, ISSUE),
    (is_pull_request, ISSUE),
    (labels_of, ISSUE),
    (login_of, {"login": "x"}),
    (permission_in, {"permission": "read"}),
    (of_artifacts, ARTIFACT),
]


@pytest.mark.parametrize(("parse", "sample"), PARSERS)
@given(data=st.data())
def test_a_damaged_reply_is_read_or_an_error_of_the_forge(
    parse: Callable[[Any], object], sample: Any, data: st.DataObject
) -> None:
    damaged = copy.deepcopy(sample)
    node = damaged
    while isinstance(node[key := data.draw(st.sampled_from(sorted(node)))], dict) and data.draw(st.booleans()):
        node = node[key]
    if data.draw(st.booleans()):
        del node[key]
    else:
        node[key] = data.draw(JUNK)
    try:
        parse(damaged)
    except ForgeError as error:
        assert "\x1b" not in str(error)  # noqa: PT017  # some damage is none


@pytest.mark.parametrize(("parse", "sample"), PARSERS)
@pytest.mark.parametrize("reply", [None, [], "x", 3])
def test_a_reply_that_is_no_object_is_an_error_of_the_forge(parse: Callable[[Any], object], sample: Any, reply: object) -> None:
    with pytest.raises(ForgeError, match="holds no object for"):
        parse(reply)


def test_what_deleted_accounts_wrote_is_shown_as_github_does() -> None:
    assert ("ghost", "") == ((comment := comment_of({**COMMENT, "user": None, "body": None})).author, comment.body)


def test_an_unknown_permission_is_none() -> None:
    assert "none" == permission_in({"permission": "owner"})


def test_labels_are_objects_or_names() -> None:
    assert {"a", "b"} == labels_of({"labels": ["a", {"name": "b"}, {"name": None}, 3]})


def test_the_newest_artifact_that_is_not_expired_and_of_this_run_counts() -> None:
    others = [
        {**ARTIFACT, "id": 9, "expired": True},
        {**ARTIFACT, "id": 8, "workflow_run": {"id": 6}},
        {**ARTIFACT, "id": 7, "name": "nn"},
        {**ARTIFACT, "id": 2},
        {**ARTIFACT, "id": 1, "workflow_run": None},
    ]
    assert (3, 5) == newest_artifact([*others, ARTIFACT], name="n", run="7")


def test_one_owners_two_forks_with_the_same_branch_and_commit_are_told_apart() -> None:
    end = {**END, "ref": "change"}
    pulls = [
        {**PULL, "number": number, "head": {**end, "repo": {"full_name": name}}}
        for number, name in ((1, "org/one"), (2, "org/two"))
    ]
    with scripted() as server:
        server.say("GET /repos/org/home/pulls?state=open&head=org%3Achange&per_page=100", Say(body=pulls))
        github = GitHub(repository="org/home", token="t", api_url=server.url)
        found = github.find_pull_requests(head_repository="org/two", head_branch="change", head_oid="a" * 40)
        github.close()
    assert [2] == [one.number for one in found]


def test_an_issue_that_lost_its_label_is_said_to_be_there() -> None:
    with scripted() as server:
        server.say("POST /repos/org/home/issues", Say(status=201, body=ISSUE))
        github = GitHub(repository="org/home", token="t", api_url=server.url)
        with pytest.raises(Denied, match="GitHub made issue 1 without its label `alert`"):
            github.create_issue(title="t", body="x", labels=["alert"])
        github.close()
