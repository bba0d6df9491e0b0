"""What an unquoted YAML scalar means: the core schema of YAML 1.2 (spec 10.3.2), within what JSON can carry."""

from __future__ import annotations

import math
import re

from llmops_git.configs.values import Json

MAX_INTEGER = 2**53 - 1  # beyond it a double, and so canonical JSON (RFC 8785), is not exact

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST_OF_NUMBER = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_MAX_DIGITS = 20


def plain_value(text: str) -> tuple[Json, str]:
    """The value of an unquoted scalar, and why it is refused ("" when it is not)."""
    if text in _WORDS:
        return _WORDS[text], ""
    if text[0] not in _FIRST_OF_NUMBER:
        return text, ""
    if _INTEGER.match(text):
        return _integer(text, 10)
    if _BASED.match(text):
        return _integer(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.match(text):
        number = float(text)
        return number, "" if abs(number) <= MAX_INTEGER else f"a number beyond {MAX_INTEGER} is not exact in JSON"
    if _NOT_FINITE.match(text):
        return math.nan, "infinity and not-a-number cannot be used"
    return text, ""


def _integer(digits: str, base: int) -> tuple[int, str]:
    if len(digits.lstrip("+-0")) > _MAX_DIGITS or abs(number := int(digits, base)) > MAX_INTEGER:
        return 0, f"an integer beyond {MAX_INTEGER} is not exact in JSON"
    return number, ""
