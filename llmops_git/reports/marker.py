"""The first line of a comment, by which the job that wrote it finds it again. Nothing else in a comment can form one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_PART = 120  # characters of a key, head or run, encoded
_DIGEST = 16
_HALF_CODE = re.compile(r"%.?$")
_TEXT = r"[A-Za-z0-9_.~%-]*"
_LINE = re.compile(rf"<!-- llmops-git:v1 key=({_TEXT}) head=({_TEXT}) run=([0-9]{{1,20}})\.([0-9]{{1,9}}) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What the first line says: which comment it is, for which commit, and the run that wrote it."""

    key: str
    head: str
    run_id: int
    attempt: int

    @property
    def run(self) -> tuple[int, int]:
        """Run and attempt; the greater one is the newer one."""
        return self.run_id, self.attempt


def marker(*, key: str, head: str, run: str) -> str:
    """The line: an HTML comment, its parts percent-encoded. `run` is `ID.ATTEMPT`; with anything else the comment cannot be
    found again, which is right for one that is posted by hand."""
    return f"<!-- llmops-git:v1 key={_part(key)} head={_part(head)} run={_part(run)} -->"


def parse_marker(body: str) -> Marker | None:
    """The marker of a comment: the whole first line of `body`, in the form that `marker` writes, or None.

    A marker that is quoted, indented or anywhere else in the body is none. Whoever reads it must know by the author that the
    comment is its own: anybody can write this line.
    """
    first = body.partition("\n")[0].removesuffix("\r")
    found = _LINE.fullmatch(first)
    if found is None:
        return None
    key, head, run_id, attempt = found.groups()
    return Marker(key=_text(key), head=_text(head), run_id=int(run_id), attempt=int(attempt))


def marked_key(key: str) -> str:
    """`key` as `parse_marker` gives it back: a long one is cut, and told apart by a digest."""
    return _text(_part(key))


def _part(text: str) -> str:
    encoded = quote(text, safe="", errors="replace")
    if len(encoded) <= _PART:
        return encoded
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{_HALF_CODE.sub('', encoded[: _PART - _DIGEST - 1])}~{digest}"


def _text(encoded: str) -> str:
    return unquote(encoded, errors="replace")
