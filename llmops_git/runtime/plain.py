"""Any value as one that a span can hold: JSON's own kinds, of bounded size. Nothing that a value does can raise from here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from llmops_git.runtime.steps import AsJson
from llmops_git.traces.content import MOST

MOST_DEPTH = 8
MOST_ITEMS = 200  # of one list or mapping
MOST_VALUES = 5_000  # in one span
MOST_CHARACTERS = 1_000_000  # in one span
_MOST_NAME = 200
_SHORT = 1_000  # characters
_NUMBERS = (int, float, bool)
_BEYOND = 1_000  # characters beyond a cut that are cleaned too, so that a cut does not hide half of what should go
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_INT64 = 1 << 63
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Clean = Callable[[str], str]


class Writer:
    """Makes the values of one span plain, until there is no more room in it."""

    __slots__ = ("_characters", "_clean", "_cleaning", "_in_json", "_values")

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._values = MOST_VALUES
        self._characters = MOST_CHARACTERS
        self._in_json = False
        self._cleaning = True

    def attributes(self, attributes: Mapping[str, Any], as_they_are: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Attributes that can be written. Texts are cleaned and cut; values that are None are left out. Short ones come
        first, so that no long one takes their room. Those whose names are in `as_they_are` are not cleaned."""
        found = {}
        items = list(islice(attributes.items(), MOST_ITEMS))
        items.sort(key=lambda item: not (type(item[1]) in _NUMBERS or (type(item[1]) is str and len(item[1]) < _SHORT)))
        for key, value in items:
            self._cleaning = key not in as_they_are
            written = self._json(value.value) if type(value) is AsJson else self.value(value)
            if written is not None:
                found[safe_text(key)[:_MOST_NAME]] = written
        self._cleaning = True
        return found

    def value(self, value: Any, depth: int = MOST_DEPTH) -> Any:
        """A value of JSON's kinds; `…` where there is no more room for it."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is bool or value is None:
            return value
        if kind is int:
            return value if -_INT64 <= value < _INT64 else _long(value)
        if kind is float:
            return value if math.isfinite(value) or not self._in_json else str(value)
        self._values -= 1
        if self._values < 0 or depth <= 0:
            return "…"
        try:
            if isinstance(value, Mapping):
                items = islice(value.items(), MOST_ITEMS)
                return {self.text(key)[:_MOST_NAME]: self.value(item, depth - 1) for key, item in items}
            if isinstance(value, list | tuple | set | frozenset):
                return tuple(self.value(item, depth - 1) for item in islice(value, MOST_ITEMS))
        except Exception:  # noqa: BLE001  # a collection that changes meanwhile, or does what it likes
            return f"<{kind.__name__}>"
        number = _number(value)
        return self.text(value) if number is None else self.value(number)

    def text(self, value: Any) -> str:
        """The text of anything, cleaned and cut."""
        text = safe_text(value)
        said = self._clean(text[: MOST + _BEYOND]) if self._cleaning else text[:MOST]
        if len(text) > MOST:
            said = f"{said[:MOST]}… ({len(text) - MOST:,} more characters)"
        self._characters -= len(said)
        return said if self._characters >= 0 else "…"

    def _json(self, value: Any) -> str | None:
        if value is None:
            return None
        self._in_json = True
        try:
            return _ENCODER.encode(self.value(value))
        finally:
            self._in_json = False


def safe_text(value: Any) -> str:
    """The text of anything, without what JSON readers and databases trip over: lone surrogates and NUL."""
    try:
        return _UNSAFE.sub("\ufffd", str.__str__(value) if isinstance(value, str) else str(value))
    except Exception:  # noqa: BLE001  # a __str__ can raise anything
        return f"<{type(value).__name__}>"


def _number(value: Any) -> Any:
    """The plain number that a value is; None where it is none. Other libraries have numbers of their own."""
    try:
        if isinstance(value, int):
            return int.__add__(value, 0)
        if isinstance(value, float):
            return float.__add__(value, 0.0)
        if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
            item = value.item()
            return item if type(item) in (int, float, bool) else None
    except Exception:  # noqa: BLE001  # then it is shown as text
        return None
    return None


def _long(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # more digits than Python writes
        return f"<an integer of {number.bit_length()} bits>"
