"""Turns replies of GitHub's REST API into values. A reply that lacks a field, or has another type there, is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from llmops_git.forges.base import Comment, ForgeError, Issue, Permission, PullRequest
from llmops_git.forges.text import one_line

GHOST = "ghost"  # under which GitHub shows what deleted accounts wrote
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PERMISSIONS: dict[str, Permission] = {"admin": "admin", "write": "write", "read": "read", "none": "none"}
_Value = TypeVar("_Value", str, int, bool)


def comment_of(value: object) -> Comment:
    fields = _object(value, "a comment")
    return Comment(
        id=_field(fields, "id", int), author=_author(fields), body=_text(fields, "body"), url=_field(fields, "html_url", str)
    )


def pull_request_of(value: object) -> PullRequest:
    fields = _object(value, "a pull request")
    head, base = _object(fields.get("head"), "the head"), _object(fields.get("base"), "the base")
    home = head.get("repo")
    return PullRequest(
        number=_field(fields, "number", int),
        open=_is_open(fields),
        title=_text(fields, "title"),
        author=_author(fields),
        head_oid=_oid(head),
        head_branch=_field(head, "ref", str),
        head_repository="" if home is None else _field(_object(home, "the head's repository"), "full_name", str),
        base_oid=_oid(base),
        base_branch=_field(base, "ref", str),
        url=_field(fields, "html_url", str),
    )


def issue_of(value: object) -> Issue:
    fields = _object(value, "an issue")
    return Issue(
        number=_field(fields, "number", int),
        open=_is_open(fields),
        title=_text(fields, "title"),
        author=_author(fields),
        body=_text(fields, "body"),
        url=_field(fields, "html_url", str),
    )


def is_pull_request(value: object) -> bool:
    """Whether an element of a list of issues is a pull request."""
    return _object(value, "an issue").get("pull_request") is not None


def labels_of(value: object) -> set[str]:
    """The names of an issue's labels, which are objects or plain names."""
    labels = _object(value, "an issue").get("labels")
    found = labels if isinstance(labels, list) else []
    names = [label.get("name") if isinstance(label, dict) else label for label in found]
    return {name for name in names if isinstance(name, str)}


def login_of(value: object) -> str:
    return _field(_object(value, "the user"), "login", str)


def permission_in(value: object) -> Permission:
    """Of the four old names; GitHub reports `maintain` as write and `triage` as read there. Anything else is none."""
    return _PERMISSIONS.get(_field(_object(value, "a permission"), "permission", str), "none")


def newest_artifact(values: list[object], *, name: str, run: str) -> tuple[int, int] | None:
    """(id, size in bytes) of the newest artifact with exactly this name that has not expired; None where there is none."""
    found = []
    for value in values:
        fields = _object(value, "an artifact")
        mine = _field(fields, "name", str) == name and not _field(fields, "expired", bool)
        origin = fields.get("workflow_run")
        if mine and not (isinstance(origin, Mapping) and str(origin.get("id", run)) != run):
            found.append((_field(fields, "id", int), _field(fields, "size_in_bytes", int)))
    return max(found, default=None)


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ForgeError(f"GitHub's reply holds no object for {what}")
    return value


def _field(fields: Mapping[str, Any], name: str, kind: type[_Value]) -> _Value:
    value = fields.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ForgeError(f"GitHub's reply holds no {kind.__name__} in `{name}` but {one_line(repr(value), 60)}")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A text that may be null."""
    return "" if fields.get(name) is None else _field(fields, name, str)


def _author(fields: Mapping[str, Any]) -> str:
    user = fields.get("user")
    return GHOST if user is None else login_of(user)


def _is_open(fields: Mapping[str, Any]) -> bool:
    return _field(fields, "state", str) == "open"


def _oid(fields: Mapping[str, Any]) -> str:
    value = _field(fields, "sha", str)
    if not _OID.fullmatch(value):
        raise ForgeError(f"GitHub's reply holds no full commit id but `{one_line(value, 60)}`")
    return value
