"""Colours, widths and columns of terminal output. Text that is passed in must be clean already."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
Align = Literal["<", ">", "^"]

_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_WIDE = frozenset("WF")
MIN_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours text when `color` is true; never the only carrier of a meaning."""

    color: bool

    def __call__(self, text: str, *styles: Style) -> str:
        if not self.color or not styles or not text:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return "\n".join(f"\x1b[{codes}m{line}\x1b[0m" if line else line for line in text.split("\n"))


def display_width(text: str) -> int:
    """Terminal cells that `text` takes: wide characters take two, combining marks none."""
    return sum(_cells(character) for character in text)


def pad(text: str, width: int, align: Align = "<") -> str:
    """`text` filled with blanks to `width` cells."""
    missing = max(0, width - display_width(text))
    left = {"<": 0, ">": missing, "^": missing // 2}[align]
    return " " * left + text + " " * (missing - left)


def columns(rows: Sequence[Sequence[str]], align: Sequence[Align]) -> list[str]:
    """`rows` as lines with aligned columns, two blanks apart; empty columns vanish."""
    widths = [max((display_width(row[index]) for row in rows), default=0) for index in range(len(align))]
    kept = [index for index, width in enumerate(widths) if width]
    return ["  ".join(pad(row[index], widths[index], align[index]) for index in kept).rstrip() for row in rows]


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """`text` as lines of at most `width` cells, long words left whole; `first` and `rest` start the lines."""
    hanging = " " * len(first) if rest is None else rest
    return textwrap.wrap(
        text,
        max(width, MIN_WIDTH),
        initial_indent=first,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
