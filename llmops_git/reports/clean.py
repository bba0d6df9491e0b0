"""Makes untrusted text safe to print on a terminal or into a log."""

from __future__ import annotations

import re

# C0 and C1 controls except newline and tab (escape sequences, bells), the marks that reorder or hide text, invisible
# fillers and selectors (text can be smuggled in them), and lone surrogates, which no output stream can encode
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)

_FIRST_WIDE = 0x100
_FIRST_ASTRAL = 0x10000


def clean(text: str) -> str:
    """`text` with every control or invisible character replaced by its visible code."""
    return _UNSAFE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < _FIRST_WIDE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _FIRST_ASTRAL else f"\\U{code:08x}"
