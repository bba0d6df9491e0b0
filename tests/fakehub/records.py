"""What the hub remembers: users, tokens, repositories and what is in them. Plain mutable values, all in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["admin", "write", "read", "none"]
RANK = {"none": 0, "read": 1, "write": 2, "admin": 3}


@dataclass(slots=True, kw_only=True)
class User:
    id: int
    login: str
    type: str = "User"  # User, Bot, Organization


@dataclass(slots=True, kw_only=True)
class Token:
    """`permissions` None is a person's token without scopes: it may do what the person may."""

    value: str
    login: str
    permissions: Mapping[str, str] | None
    installation: bool
    repositories: frozenset[str] | None  # full names; None: all


@dataclass(slots=True, kw_only=True)
class Comment:
    id: int
    number: int
    author: str
    body: str
    created: str
    updated: str


@dataclass(slots=True, kw_only=True)
class Pull:
    """What makes an issue a pull request. Object ids are full hex."""

    head_repository: str | None  # "owner/name"; None: the fork was deleted
    head_branch: str
    head_oid: str
    head_owner: str
    base_branch: str
    base_oid: str
    draft: bool = False
    merged_oid: str = ""
    merged_by: str = ""


@dataclass(slots=True, kw_only=True)
class Issue:
    id: int
    number: int
    title: str
    body: str
    author: str
    created: str
    updated: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    pull: Pull | None = None


@dataclass(slots=True, kw_only=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True, kw_only=True)
class Status:
    id: int
    oid: str
    state: str
    context: str
    description: str | None
    url: str | None
    creator: str
    created: str


@dataclass(slots=True, kw_only=True)
class Artifact:
    id: int
    run: int
    name: str
    content: bytes
    created: str
    expired: bool = False


@dataclass(slots=True, kw_only=True)
class Run:
    """A workflow run."""

    id: int
    attempt: int
    name: str
    path: str  # .github/workflows/….yml
    event: str
    head_oid: str
    head_branch: str
    head_repository: str | None
    conclusion: str | None
    actor: str
    created: str


@dataclass(slots=True, kw_only=True)
class Dispatch:
    workflow: str
    ref: str
    inputs: Mapping[str, Any]
    login: str


@dataclass(slots=True, kw_only=True)
class Repository:
    id: int
    owner: str
    name: str
    folder: Path  # the bare repository
    private: bool
    default_branch: str
    parent: str | None = None  # full name, of a fork
    actions_may_open_pull_requests: bool = True  # a setting that is off in new organizations
    roles: dict[str, Role] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)  # by name in lower case
    statuses: list[Status] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    rulesets: list[dict[str, Any]] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    def role(self, login: str) -> Role:
        """What a person may do here; everybody may read what is public."""
        if login == self.owner:
            return "admin"
        return self.roles.get(login, "none" if self.private else "read")


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as the hub saw it, for assertions of tests."""

    method: str
    path: str  # with /api/v3, without query
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: Any
    operation: str  # operationId, "git" or ""
    login: str  # "" without a token
    status: int = 0  # 0: cut off without an answer
