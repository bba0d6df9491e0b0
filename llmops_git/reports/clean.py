"""Makes untrusted text safe to print on a terminal or into a log."""

from __future__ import annotations

import re

# C0 and C1 controls except newline and tab (escape sequences, bells), and the marks that reorder or hide text
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)

_FIRST_WIDE = 0x100


def clean(text: str) -> str:
    """`text` with every control or invisible character replaced by its visible code."""
    return _UNSAFE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < _FIRST_WIDE else f"\\u{code:04x}"
