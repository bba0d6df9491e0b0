"""A sample's trace for a terminal: a tree of its steps, with what each was asked, answered and took."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime

from llmops_git.reports.clean import clean
from llmops_git.reports.guard_steps import with_passes_as_one
from llmops_git.reports.step_words import Block, Told, told_of
from llmops_git.traces import attributes as names
from llmops_git.traces.tree import Node

LINES = 6  # of one text, unless all are asked for
_NARROWEST = 20
_WIDE = frozenset("WF")


def live_title(node: Node) -> str:
    """When and where a live request was served."""
    began = datetime.fromtimestamp(node.span.start_ns // 1_000_000_000, UTC)
    where = node.span.attributes.get(names.ENVIRONMENT, "")
    return f"{began:%Y-%m-%d %H:%M:%S} UTC{f'  {where}' if where else ''}"


def render_trace(node: Node, *, title: str, width: int, full: bool = False) -> str:
    """The tree under a title. Every text is cleaned, and cut to the width."""
    most = 1_000_000 if full else LINES
    lines = [fitted(clean(title), width), *_lines(node, "", "", max(width, _NARROWEST), most)]
    return "\n".join(line.rstrip() for line in lines)


def _lines(node: Node, first: str, rest: str, width: int, most: int) -> Iterator[str]:
    told = told_of(node.span)
    yield fitted(first + _headline(told), width)
    bar = rest + ("│  " if node.below else "   ")
    for block in told.blocks:
        yield from _block(block, bar, width, most)
    steps = node.below if most > LINES else with_passes_as_one(node.below)
    for number, below in enumerate(steps, start=1):
        last = number == len(steps)
        yield from _lines(below, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "), width, most)


def _headline(told: Told) -> str:
    return "  ".join(clean(part).replace("\n", " ") for part in (told.name, *told.facts) if part)


def _block(block: Block, bar: str, width: int, most: int) -> Iterator[str]:
    """A text with its label before the first line, the others under it."""
    label = f"{clean(block.label)}: " if block.label else ""
    room = max(width - len(bar) - 2, _NARROWEST // 2)
    lines = [line for text in clean(block.text).expandtabs(4).split("\n") for line in wrapped(text, room - 2)] or [""]
    for number, line in enumerate(lines[:most]):
        yield fitted(bar + (label if not number else "  ") + line, width)
    if len(lines) > most:
        yield f"{bar}  … {len(lines) - most:,} more lines (--full)"


def wrapped(text: str, width: int) -> Iterator[str]:
    """A line in pieces of at most `width` columns; wide characters take two."""
    piece, taken = "", 0
    for character in text:
        cells = _cells(character)
        if taken + cells > width:
            yield piece
            piece, taken = "", 0
        piece, taken = piece + character, taken + cells
    yield piece


def fitted(text: str, width: int) -> str:
    """A line of at most `width` columns."""
    if sum(map(_cells, text)) <= width:
        return text
    return next(wrapped(text, max(width - 1, 1))) + "…"


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in _WIDE)
