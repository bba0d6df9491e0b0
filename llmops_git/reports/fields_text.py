"""One changed field for a terminal: long texts word by word with a little context, short values before and after."""

from __future__ import annotations

from functools import lru_cache

from llmops_git.configs.values import FieldChange
from llmops_git.reports import numbers
from llmops_git.reports.escape import inert, one_line
from llmops_git.reports.style import Paint
from llmops_git.reports.values_text import both_as_text, is_short
from llmops_git.reports.words import Piece, word_diff

CONTEXT = 2  # unchanged lines shown around a change
MOST_LINES = 400  # of one field
TAB = "    "
DRAWN_TAB = "\u21e5"
ABSENT = "(none)"
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}")}


def field_lines(change: FieldChange, *, paint: Paint) -> list[str]:
    """The lines of one field, without indentation: `path  before → after`, or the path and a word diff below it.

    Removed words stand in [-...-], added ones in {+...+}, with or without colours.
    """
    path = paint(one_line(change.path, 200), "cyan")
    before, after = both_as_text(change.before, change.after)
    if is_short(before) and is_short(after):
        old = ABSENT if change.before is None else one_line(before) or '""'
        new = ABSENT if change.after is None else one_line(after) or '""'
        return [f"{path}  {paint(old, 'red')} \u2192 {paint(new, 'green')}"]
    lines = word_lines(before, after, paint=paint)
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"\u2026 {len(lines) - MOST_LINES:,} more lines"]
    return [path, *(f"  {line}".rstrip() for line in lines)]


def word_lines(before: str, after: str, *, paint: Paint) -> list[str]:
    """A word diff as lines, stretches without a change cut to a little context."""
    return list(_word_lines(before, after, paint))


@lru_cache(maxsize=64)  # a shared include makes the same difference in every config that reaches it
def _word_lines(before: str, after: str, paint: Paint) -> tuple[str, ...]:
    lines: list[str] = []
    touched: list[bool] = []
    current, changed = "", False
    for piece in word_diff(before, after):
        parts = piece.text.split("\n")
        for index, part in enumerate(parts):
            if index:
                lines.append(current)
                touched.append(changed)
                current, changed = "", False
            current += _marked(piece, part, blank=index < len(parts) - 1, paint=paint)
            changed = changed or (piece.kind != "same" and bool(part or index < len(parts) - 1))
    if current:
        lines.append(current)
        touched.append(changed)
    return tuple(_near(lines, touched))


def _marked(piece: Piece, part: str, *, blank: bool, paint: Paint) -> str:
    """A part of one line. A removed or added newline alone is drawn, so that it can be seen."""
    if piece.kind == "same":
        return inert(part.replace("\t", TAB))
    shown = inert(part).replace("\t", DRAWN_TAB) or ("\u21b5" if blank else "")
    if not shown:
        return ""
    left, right = _MARKS[piece.kind]
    return paint(f"{left}{shown}{right}", "red" if piece.kind == "removed" else "green")


def _near(lines: list[str], touched: list[bool]) -> list[str]:
    near = [any(touched[max(0, index - CONTEXT) : index + CONTEXT + 1]) for index in range(len(lines))]
    shown: list[str] = []
    skipped = 0
    for line, wanted in zip(lines, near, strict=True):
        if not wanted:
            skipped += 1
            continue
        shown += _skip(skipped)
        skipped = 0
        shown.append(line)
    return shown + _skip(skipped)


def _skip(count: int) -> list[str]:
    return [f"\u2026 {numbers.count(count, 'line')} unchanged"] if count else []
