"""Makes text of strangers (error bodies, titles, paths) fit for one line of a message or a log."""

from __future__ import annotations

import re

# controls, marks that reorder or hide text, invisible fillers, tag characters, and lone surrogates, which no stream encodes
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile(r"\s+")
ELLIPSIS = "\u2026"


def visible(text: str) -> str:
    """`text` in which every control or invisible character except newline and tab is replaced by its code."""
    return _UNSAFE.sub(lambda match: f"<{ord(match.group()):04x}>", text)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, the last of which says that something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def one_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters, with nothing in it that acts."""
    return cut(visible(_BLANKS.sub(" ", text[: 4 * limit]).strip()), limit)
