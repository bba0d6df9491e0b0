"""Turns a file's bytes into text, refusing what is not plain UTF-8 text of a sensible size."""

from __future__ import annotations

import re

from llmops_git.errors import InvalidInput, Problem

MAX_BYTES = 1 << 20

# what YAML 1.2 calls printable, plus nothing: NUL, escapes and lone surrogates are never text
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def decode(data: bytes, path: str, *, limit: int = MAX_BYTES) -> str:
    """The text of a file, without a byte order mark. Raises InvalidInput with the place of the first bad byte."""
    if len(data) > limit:
        raise InvalidInput([Problem(path=path, message=f"the file is larger than {limit:,} bytes ({len(data):,})")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8", errors="replace"))
        message = f"not UTF-8 text: byte 0x{data[error.start]:02x}"
        raise InvalidInput([Problem(path=path, message=message, line=line, column=column, hint="save as UTF-8")]) from None
    bad = _CONTROL.search(text)
    if bad:
        line, column = _place(text[: bad.start()])
        message = f"a control character is not allowed: U+{ord(bad.group()):04X}"
        raise InvalidInput([Problem(path=path, message=message, line=line, column=column)])
    return text


def _place(before: str) -> tuple[int, int]:
    line_start = before.rfind("\n") + 1
    return before.count("\n") + 1, len(before) - line_start + 1
