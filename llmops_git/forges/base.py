"""What a forge (GitHub, GitHub Enterprise Server; GitLab could be next) can do for us: values, errors and the protocol.

Numbers, ids and texts that come from a forge are data of strangers: bodies and titles are hostile text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from llmops_git.errors import NotMeasured

StatusState = Literal["success", "failure", "error", "pending"]
Permission = Literal["admin", "write", "read", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment on a pull request or an issue."""

    id: int
    author: str  # login
    body: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge knows it now. `head_repository` is "owner/name", "" when the fork was deleted."""

    number: int
    open: bool
    title: str
    author: str
    head_oid: str
    head_branch: str
    head_repository: str
    base_oid: str
    base_branch: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue that we keep about one alert."""

    number: int
    open: bool
    title: str
    author: str
    body: str
    url: str


class ForgeError(NotMeasured):
    """The forge did not do what was asked. `status` is the HTTP status, 0 where there was no answer."""

    def __init__(self, message: str, *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Denied(ForgeError):
    """401, 403 or a 404 that hides something: the message names the permission that is missing, as far as it is known."""


class NotFound(ForgeError):
    """404 or 410: there is no such thing, as far as this token can see."""


class Rejected(ForgeError):
    """422: what was sent is not acceptable. `too_long` says that a body was longer than the forge takes."""

    def __init__(self, message: str, *, too_long: bool = False, hint: str = "") -> None:
        super().__init__(message, status=422, hint=hint)
        self.too_long = too_long


class Forge(Protocol):
    """One repository on a forge. Every method raises ForgeError (or one of its kinds)."""

    @property
    def repository(self) -> str:
        """`owner/name`."""
        ...

    def me(self) -> str:
        """The login under which this token writes, by which our own comments are recognised."""
        ...

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of a pull request or issue, over all pages, oldest first."""
        ...

    def create_comment(self, number: int, body: str) -> Comment:
        """Not repeated blindly: after an unclear failure the comments are listed again before a second attempt."""
        ...

    def update_comment(self, comment: int, body: str) -> Comment: ...

    def delete_comment(self, comment: int) -> None: ...

    def pull_request(self, number: int) -> PullRequest: ...

    def find_pull_requests(self, *, head_repository: str, head_branch: str, head_oid: str) -> Sequence[PullRequest]:
        """The open pull requests into this repository whose head is exactly this commit of this branch."""
        ...

    def open_pull_request(self, *, branch: str, into: str, title: str, body: str) -> PullRequest:
        """Open a pull request from a branch of this repository; the one that is open for it already, with title and body
        brought up to date, where there is one."""
        ...

    def set_status(self, commit: str, state: StatusState, *, context: str, description: str, url: str = "") -> None:
        """A commit status. `description` is cut to what the forge takes (GitHub: 140 characters)."""
        ...

    def artifact_files(self, run: str, name: str, wanted: Sequence[str], *, most_bytes: int) -> Mapping[str, bytes]:
        """The files among `wanted` (exact member names) in artifact `name` of workflow run `run`; {} when there is no such
        artifact. Read in memory, never extracted to disk: at most `most_bytes` of wanted files together. Raises ForgeError
        for more than that, and for an archive that is too large to be held, broken, or holds a member twice."""
        ...

    def issues(self, label: str) -> Iterator[Issue]:
        """All issues with a label, open and closed, over all pages; pull requests are left out."""
        ...

    def create_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue: ...

    def update_issue(
        self, number: int, *, body: str | None = None, title: str | None = None, is_open: bool | None = None
    ) -> Issue: ...

    def permission_of(self, login: str) -> Permission:
        """What a person may do in this repository."""
        ...
