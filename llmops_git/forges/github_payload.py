"""Looks into a webhook payload: every field is asked for by name and type, and a payload that lies about one is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.forges.text import one_line

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ZEROS = re.compile(r"0{40}|0{64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^-|^$")  # git-check-ref-format, and no option
_BRANCHES = "refs/heads/"
_HINT = "run `llmops-git ci` on the file that the service itself wrote"


class Node:
    """One object of a payload, and the way that led to it."""

    __slots__ = ("_place", "_values")

    def __init__(self, place: str, values: object) -> None:
        if not isinstance(values, Mapping):
            raise LlmopsError(f"{place} is not an object", hint=_HINT)
        self._place = place
        self._values: Mapping[str, Any] = values

    def names(self) -> Iterable[str]:
        return self._values.keys()

    def has(self, name: str) -> bool:
        """Whether there is a value that is not null."""
        return self._values.get(name) is not None

    def value(self, name: str) -> object:
        return self._values.get(name)

    def node(self, name: str) -> Node:
        return Node(f"{self._place}: `{name}`", self._values.get(name))

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "text")
        return value

    def number(self, name: str) -> int:
        """A number above 0."""
        value = self._values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(name, "a number")
        return value

    def wrong(self, name: str, wanted: str) -> LlmopsError:
        """The error for a field that is not what it must be."""
        shown = one_line(repr(self._values.get(name)), 60)
        return LlmopsError(f"{self._place}: `{one_line(name, 60)}` must be {wanted}, not {shown}", hint=_HINT)


def oid(node: Node, name: str, *, zeros: bool = False) -> str:
    """A full object id in hex; all zeros are "" where `zeros` says that they mean none."""
    value = node.text(name)
    if _ZEROS.fullmatch(value) and zeros:
        return ""
    if not _OID.fullmatch(value) or _ZEROS.fullmatch(value):
        raise node.wrong(name, "a full commit id of 40 or 64 hex digits")
    return value


def ref_of(node: Node, name: str) -> str:
    """A ref or the name of a branch that git itself would allow."""
    value = node.text(name)
    if _NO_REF.search(value):
        raise node.wrong(name, "a name that git allows for a ref")
    return value


def branch_of(ref: str) -> str:
    """`main` of `refs/heads/main` and of `main`."""
    return ref.removeprefix(_BRANCHES)


def owner_name(value: str, what: str) -> str:
    """`owner/name`. Raises LlmopsError for anything else, "" included."""
    if not _REPOSITORY.fullmatch(value) or set(value.split("/")) & {".", ".."}:
        raise LlmopsError(f"{what} must be `owner/name`, not `{one_line(value, 60)}`", hint=_HINT)
    return value


def login_in(node: Node, name: str) -> str:
    """The login of a person or bot, "" where there is none."""
    return node.node(name).text("login") if node.has(name) else ""
