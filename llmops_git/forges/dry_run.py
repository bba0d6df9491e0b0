"""A forge that writes to files: what would be sent, for people who want to see it first. Reads go to a real forge, if any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import Comment, Forge, Issue, NotFound, Permission, PullRequest, StatusState

ME = "dry-run"


class DryRun:
    """One repository. The first comment is `comment.md`, the next `comment-2.md`; every write has a JSON file beside it."""

    def __init__(self, folder: Path, repository: str, reading: Forge | None = None) -> None:
        self._folder = folder
        self._repository = repository
        self._reading = reading
        self._written: dict[str, int] = {}

    @property
    def repository(self) -> str:
        return self._repository

    def me(self) -> str:
        return self._reading.me() if self._reading else ME

    def comments(self, number: int) -> Iterator[Comment]:
        return self._reading.comments(number) if self._reading else iter(())

    def create_comment(self, number: int, body: str) -> Comment:
        place = self._write_comment(body, {"action": "create comment", "on": number})
        return Comment(id=self._written["comment"], author=self.me(), body=body, url=place)

    def update_comment(self, comment: int, body: str) -> Comment:
        place = self._write_comment(body, {"action": "update comment", "comment": comment})
        return Comment(id=comment, author=self.me(), body=body, url=place)

    def delete_comment(self, comment: int) -> None:
        self._write("delete-comment", {"action": "delete comment", "comment": comment})

    def pull_request(self, number: int) -> PullRequest:
        if self._reading is None:
            raise _unknown(f"pull request {number}")
        return self._reading.pull_request(number)

    def find_pull_requests(self, *, head_repository: str, head_branch: str, head_oid: str) -> Sequence[PullRequest]:
        if self._reading is None:
            return ()
        return self._reading.find_pull_requests(head_repository=head_repository, head_branch=head_branch, head_oid=head_oid)

    def open_pull_request(self, *, branch: str, into: str, title: str, body: str) -> PullRequest:
        said = {"action": "open or update pull request", "head": branch, "base": into, "title": title, "body": body}
        place = self._write("pull-request", said)
        return PullRequest(
            number=self._written["pull-request"],
            open=True,
            title=title,
            author=self.me(),
            head_oid="",
            head_branch=branch,
            head_repository=self._repository,
            base_oid="",
            base_branch=into,
            url=place,
        )

    def set_status(self, commit: str, state: StatusState, *, context: str, description: str, url: str = "") -> None:
        said = {"commit": commit, "state": state, "context": context, "description": description, "target_url": url}
        self._write("status", said)

    def artifact_files(self, run: str, name: str, wanted: Sequence[str], *, most_bytes: int) -> Mapping[str, bytes]:
        if self._reading is None:
            return {}
        return self._reading.artifact_files(run, name, wanted, most_bytes=most_bytes)

    def issues(self, label: str) -> Iterator[Issue]:
        return self._reading.issues(label) if self._reading else iter(())

    def create_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        said = {"action": "create issue", "title": title, "labels": list(labels), "body": body}
        place = self._write("issue-create", said)
        return Issue(number=self._written["issue-create"], open=True, title=title, author=self.me(), body=body, url=place)

    def update_issue(
        self, number: int, *, body: str | None = None, title: str | None = None, is_open: bool | None = None
    ) -> Issue:
        changes = {"body": body, "title": title, "open": is_open}
        said = {name: value for name, value in changes.items() if value is not None}
        place = self._write(f"issue-{number}", {"action": "update issue", "issue": number, **said})
        return Issue(number=number, open=is_open is not False, title=title or "", author=self.me(), body=body or "", url=place)

    def permission_of(self, login: str) -> Permission:
        return self._reading.permission_of(login) if self._reading else "none"

    def _write_comment(self, body: str, said: Mapping[str, object]) -> str:
        name = self._next("comment")
        self._put(f"{name}.json", _json(said))
        return self._put(f"{name}.md", body)

    def _write(self, name: str, said: Mapping[str, object]) -> str:
        return self._put(f"{self._next(name)}.json", _json(said))

    def _next(self, name: str) -> str:
        self._written[name] = count = self._written.get(name, 0) + 1
        return name if count == 1 else f"{name}-{count}"

    def _put(self, name: str, text: str) -> str:
        """The address of the file that was written."""
        path = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise LlmopsError(f"cannot write {path}: {error.strerror}", hint="name another folder for the dry run") from None
        return path.absolute().as_uri()


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _unknown(what: str) -> NotFound:
    return NotFound(
        f"a dry run without a token cannot look up {what}", status=404, hint="set LLMOPS_TOKEN to a token that reads"
    )
