"""What to do with the one comment that a pull request has for a key: create it, bring it up to date, or leave it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.forges.base import Comment
from llmops_git.reports.marker import Marker, marked_key, parse_marker

SHORTER = (60_000, 30_000, 10_000, 3_000)  # limits to render with, in order, while the forge says that a comment is too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision. `comment` is the id of the comment that stays (None: there is none yet), `reason` says why it is kept,
    and `extras` are the ids of our own duplicates, to be deleted."""

    kind: Literal["create", "update", "keep"]
    comment: int | None = None
    reason: str = ""
    extras: tuple[int, ...] = ()
    superseded: bool = False  # kept because a newer run wrote it: what this one found is history


def decide(comments: Sequence[Comment], *, me: str, key: str, run: tuple[int, int], body: str, changed: bool) -> Decision:
    """What to do with `body`, written by `run` (run id, attempt).

    Ours is a comment whose author is `me` and whose first line is the marker of `key`; of several the oldest stays. A run that
    is older than the one that wrote last keeps its hands off. With `changed` False (no config changed) an existing comment is
    brought up to date, and none is made.
    """
    ours = _ours(comments, me, key)
    if not ours:
        return Decision(kind="create") if changed else Decision(kind="keep", reason="no config changed: nothing to say")
    (oldest, _), *others = ours
    newest, written = max(ours, key=lambda pair: pair[1].run)
    if written.run > run:
        extras = tuple(comment.id for comment, _ in others if comment.id != newest.id)
        reason = f"run {written.run_id}, attempt {written.attempt}, is newer and has commented already"
        return Decision(kind="keep", comment=newest.id, reason=reason, extras=extras, superseded=True)
    extras = tuple(comment.id for comment, _ in others)
    if _same(oldest.body, body):
        return Decision(kind="keep", comment=oldest.id, reason="the comment says this already", extras=extras)
    return Decision(kind="update", comment=oldest.id, extras=extras)


def _ours(comments: Sequence[Comment], me: str, key: str) -> list[tuple[Comment, Marker]]:
    """Our comments for the key, oldest first. An author that is not known is never us: deleted accounts have no name."""
    wanted = marked_key(key)
    own = [(comment, parse_marker(comment.body)) for comment in comments if me and comment.author == me]
    found = [(comment, seen) for comment, seen in own if seen is not None and seen.key == wanted]
    return sorted(found, key=lambda pair: pair[0].id)


def _same(one: str, other: str) -> bool:
    """Whether two bodies are one: the forge may change line ends and drop blanks at the end."""
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()
