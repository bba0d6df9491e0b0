"""Globs over repository paths: `**` over folders, `*`, `?` and `[…]` inside one, in time that no pattern can blow up."""

from __future__ import annotations

import re
from functools import lru_cache

_MAGIC = re.compile(r"[*?\[]")
_FOLDERS = "(?:[^/]+/)"


def is_glob(text: str) -> bool:
    """Whether `text` has a character that makes it a pattern."""
    return _MAGIC.search(text) is not None


def glob_folder(pattern: str) -> str:
    """The folder that every match is below, without a trailing slash; "" for the top of the repository."""
    magic = _MAGIC.search(pattern)
    literal = pattern if magic is None else pattern[: magic.start()]
    return literal.rpartition("/")[0]


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """A regular expression whose `fullmatch` tells whether a repository-relative POSIX path fits.

    `**` as a whole component stands for any number of folders (at the end: for everything below); elsewhere it is `*`.
    `*` and `?` do not match `/`; `[…]` takes ranges and `!` or `^` to negate; a `[` without its `]` is a plain character.
    Files whose name begins with a dot are not special.
    """
    # Between two `**` (or two `*` of a component) the first match is as good as any later one, so what has matched is never
    # reconsidered (atomic groups): matching stays linear in the path, whatever the pattern.
    blocks: list[list[str]] = [[]]
    for part in pattern.split("/"):
        if part == "**":
            blocks.append([])
        else:
            blocks[-1].append(_component(part))
    *middle, last = blocks
    if not middle:
        return re.compile("/".join(last), re.DOTALL)
    expression = "".join(f"{part}/" for part in middle[0])
    for block in middle[1:]:
        if block:
            expression += f"(?>{_FOLDERS}*?{'/'.join(block)}/)"
    return re.compile(expression + _FOLDERS + "*" + ("/".join(last) if last else "[^/]+"), re.DOTALL)


def _component(part: str) -> str:
    """One path component: literals, `?` and classes, with each `*` but the last one atomic."""
    pieces = [""]
    position = 0
    while position < len(part):
        letter = part[position]
        position += 1
        if letter == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        elif letter == "?":
            pieces[-1] += "[^/]"
        elif letter == "[":
            text, position = _class(part, position)
            pieces[-1] += text
        else:
            pieces[-1] += re.escape(letter)
    if len(pieces) == 1:
        return pieces[0]
    first, *inner, last = pieces
    return first + "".join(f"(?>[^/]*?{piece})" for piece in inner) + f"[^/]*{last}"


def _class(part: str, start: int) -> tuple[str, int]:
    """The class that begins after the `[` at `start` - 1, and where it ends."""
    negated = part[start : start + 1] in ("!", "^")
    first = start + negated
    end = part.find("]", first + 1)
    if end < 0:
        return re.escape("["), start
    items = _class_items(part[first:end])
    if negated:
        return f"[^/{items}]", end + 1
    return (f"(?!/)[{items}]" if items else "(?!)"), end + 1


def _class_items(text: str) -> str:
    items = ""
    position = 0
    while position < len(text):
        if text[position + 1 : position + 2] == "-" and position + 2 < len(text):
            low, high = text[position], text[position + 2]
            if low <= high:  # a range that is the wrong way round holds nothing
                items += f"{re.escape(low)}-{re.escape(high)}"
            position += 3
        else:
            items += re.escape(text[position])
            position += 1
    return items
