"""GitHub and GitHub Enterprise Server as a forge, over the REST API (version 2022-11-28)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from llmops_git.errors import LlmopsError
from llmops_git.forges.archive import read_members
from llmops_git.forges.base import Comment, Denied, ForgeError, Issue, NotFound, Permission, PullRequest, Rejected, StatusState
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
from llmops_git.forges.http import Client
from llmops_git.forges.http_errors import Unclear
from llmops_git.forges.text import cut, one_line

JOBS_OWN = "github-actions[bot]"  # who a job's own token writes as; it may not ask
DESCRIPTION_LIMIT = 140
COMMENT_LIMIT = 65_536  # characters of a body; more is a 422
ARCHIVE_LIMIT = 64 * 1024 * 1024  # bytes of an artifact as it is stored, whatever is read of it
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FORBIDDEN = 403
_WRITE_PULL = "pull-requests: write"
_READ_PULL = "pull-requests: read"
_WRITE_ISSUE = "issues: write"
_READ_ISSUE = "issues: read"
_Made = TypeVar("_Made", Comment, Issue, PullRequest)


class GitHub:
    """One repository. Implements `base.Forge`. `login` says who the token writes as, where the token may not ask itself."""

    def __init__(self, *, repository: str, token: str, api_url: str, client: Client | None = None, login: str = "") -> None:
        """Raises LlmopsError where the repository, the token or the address cannot be one."""
        if not _NAME.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
            raise LlmopsError(f"`{one_line(repository, 60)}` is no repository", hint="owner/name, as in GITHUB_REPOSITORY")
        self._repository = repository
        self._client = client or Client(api_url, token)
        self._me = login

    def __repr__(self) -> str:
        return f"GitHub({self._repository!r}, {self._client!r})"

    @property
    def repository(self) -> str:
        return self._repository

    def close(self) -> None:
        self._client.close()

    def me(self) -> str:
        if not self._me:
            try:
                self._me = login_of(self._client.get("/user", needs=""))
            except Denied as error:
                if error.status != _FORBIDDEN:
                    raise
                self._me = JOBS_OWN  # an installation's token is no user
        return self._me

    def comments(self, number: int) -> Iterator[Comment]:
        return map(comment_of, self._client.pages(self._at(f"issues/{number:d}/comments"), needs=_READ_PULL))

    def create_comment(self, number: int, body: str) -> Comment:
        def write() -> Comment:
            return comment_of(self._send("POST", f"issues/{number:d}/comments", {"body": body}, needs=_WRITE_PULL))

        def look() -> Comment | None:
            found = [one for one in self.comments(number) if one.author == self.me() and _same_body(one.body, body)]
            return found[-1] if found else None

        return self._once(write, look)

    def update_comment(self, comment: int, body: str) -> Comment:
        return comment_of(self._send("PATCH", f"issues/comments/{comment:d}", {"body": body}, needs=_WRITE_PULL))

    def delete_comment(self, comment: int) -> None:
        """Fine where it is gone already: an answer may have been lost on the way."""
        try:
            self._send("DELETE", f"issues/comments/{comment:d}", None, needs=_WRITE_PULL)
        except NotFound:
            return

    def pull_request(self, number: int) -> PullRequest:
        return pull_request_of(self._client.get(self._at(f"pulls/{number:d}"), needs=_READ_PULL))

    def find_pull_requests(self, *, head_repository: str, head_branch: str, head_oid: str) -> Sequence[PullRequest]:
        if not head_repository or not head_branch:  # a fork that was deleted has no open pull request that can be named
            return ()
        found = self._pulls_from(head_repository, head_branch)
        return tuple(one for one in found if one.open and one.head_oid == head_oid)

    def open_pull_request(self, *, branch: str, into: str, title: str, body: str) -> PullRequest:
        def look() -> PullRequest | None:
            found = [one for one in self._pulls_from(self._repository, branch) if one.open and one.base_branch == into]
            return found[0] if found else None

        def write() -> PullRequest:
            said = {"head": branch, "base": into, "title": title, "body": body}
            return pull_request_of(self._send("POST", "pulls", said, needs=_WRITE_PULL))

        there = look()
        if there is None:
            try:
                return self._once(write, look)
            except Rejected:  # somebody else may have opened it a moment ago
                there = look()
                if there is None:
                    raise
        said = {"title": title, "body": body}
        return pull_request_of(self._send("PATCH", f"pulls/{there.number:d}", said, needs=_WRITE_PULL))

    def set_status(self, commit: str, state: StatusState, *, context: str, description: str, url: str = "") -> None:
        said = {"state": state, "context": context, "description": one_line(description, DESCRIPTION_LIMIT)}
        if url:
            said["target_url"] = url
        # the newest of a context counts, so the same one twice is as good as once
        path = self._at(f"statuses/{_full(commit)}")
        self._client.send("POST", path, said, needs="statuses: write", repeatable=True)

    def artifact_files(self, run: str, name: str, wanted: Sequence[str], *, most_bytes: int) -> Mapping[str, bytes]:
        needs = "actions: read"
        if not run.isdecimal() or not run.isascii():
            raise LlmopsError(f"`{one_line(run, 40)}` is no id of a workflow run")
        path = self._at(f"actions/runs/{run}/artifacts")
        listed = list(self._client.pages(path, needs=needs, query={"name": name}, key="artifacts"))
        newest = newest_artifact(listed, name=name, run=run)
        if newest is None:
            return {}
        artifact, size = newest
        most = max(most_bytes, ARCHIVE_LIMIT)
        if size > most:
            raise ForgeError(f"the artifact `{one_line(name, 100)}` of run {run} has {size:,} bytes, more than {most:,}")
        content = self._client.download(self._at(f"actions/artifacts/{artifact}/zip"), needs=needs, most_bytes=most)
        return read_members(content, wanted, most_bytes=most_bytes)

    def issues(self, label: str) -> Iterator[Issue]:
        """Raises LlmopsError for a label with a comma, which would mean two."""
        query = {"labels": _label(label), "state": "all", "sort": "created", "direction": "asc"}
        found = self._client.pages(self._at("issues"), needs=_READ_ISSUE, query=query)
        return (issue_of(one) for one in found if not is_pull_request(one))

    def create_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        def write() -> Issue:
            said = {"title": title, "body": body, "labels": [_label(label) for label in labels]}
            made = self._send("POST", "issues", said, needs=_WRITE_ISSUE)
            return _labelled(issue_of(made), labels, labels_of(made))

        def look() -> Issue | None:
            found = self.issues(labels[0]) if labels else iter(())
            mine = [one for one in found if one.title == title and one.author == self.me() and _same_body(one.body, body)]
            return mine[-1] if mine else None

        return self._once(write, look if labels else None)

    def update_issue(
        self, number: int, *, body: str | None = None, title: str | None = None, is_open: bool | None = None
    ) -> Issue:
        state = None if is_open is None else "open" if is_open else "closed"
        changes = {"body": body, "title": title, "state": state}
        said = {name: value for name, value in changes.items() if value is not None}
        return issue_of(self._send("PATCH", f"issues/{number:d}", said, needs=_WRITE_ISSUE))

    def permission_of(self, login: str) -> Permission:
        path = self._at(f"collaborators/{quote(login, safe='')}/permission")
        try:
            return permission_in(self._client.get(path, needs="metadata: read"))
        except NotFound:  # not a user of this server
            return "none"

    def _pulls_from(self, head_repository: str, branch: str) -> list[PullRequest]:
        """The open pull requests from a branch; the API filters by owner only, and one owner may have several forks."""
        query = {"state": "open", "head": f"{head_repository.partition('/')[0]}:{branch}"}
        found = map(pull_request_of, self._client.pages(self._at("pulls"), needs=_READ_PULL, query=query))
        return [one for one in found if one.head_repository == head_repository and one.head_branch == branch]

    def _once(self, write: Callable[[], _Made], look: Callable[[], _Made | None] | None) -> _Made:
        """Write what must not be there twice: after an answer that was lost, look whether it is there before a second try."""
        try:
            return write()
        except Unclear:
            there = self._look_later(look)
            if there is not None:
                return there
            if look is None:
                raise
        try:
            return write()
        except Unclear:
            there = self._look_later(look)
            if there is None:
                raise
            return there

    def _look_later(self, look: Callable[[], _Made | None] | None) -> _Made | None:
        if look is None:
            return None
        self._client.rest()
        return look()

    def _send(self, method: str, path: str, body: object, *, needs: str) -> Any:
        return self._client.send(method, self._at(path), body, needs=needs)

    def _at(self, path: str) -> str:
        return f"/repos/{self._repository}/{path}"


def _same_body(theirs: str, ours: str) -> bool:
    """Whether two bodies are one, but for what a server may do to line ends and blanks; a marker line is enough."""
    first, other = ours.strip().split("\n", 1)[0].strip(), theirs.strip().split("\n", 1)[0].strip()
    if first.startswith("<!--") and first == other:
        return True
    return [line.rstrip() for line in theirs.strip().splitlines()] == [line.rstrip() for line in ours.strip().splitlines()]


def _labelled(issue: Issue, wanted: Sequence[str], given: set[str]) -> Issue:
    """Labels are dropped without a word where the token may not set them; then the next run would not find the issue."""
    lacking = [label for label in wanted if label.casefold() not in {name.casefold() for name in given}]
    if lacking:
        raise Denied(
            f"GitHub made issue {issue.number} without its label `{one_line(cut(lacking[0], 50), 50)}`",
            status=_FORBIDDEN,
            hint="give the token `issues: write`, then close that issue",
        )
    return issue


def _label(label: str) -> str:
    if not label or "," in label:
        raise LlmopsError(f"`{one_line(label, 60)}` is no label", hint="a name without a comma")
    return label


def _full(commit: str) -> str:
    if not _OID.fullmatch(commit):
        raise LlmopsError(f"`{one_line(commit, 80)}` is no full commit id", hint="40 or 64 hex digits")
    return commit
