"""JSON values as text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SHORT = 60  # characters of a value that is shown on one line


def as_text(value: Any) -> str:
    """A JSON value for reading: texts as they are, objects and lists indented when they are long."""
    if isinstance(value, str):
        return value
    compact = json.dumps(value, ensure_ascii=False, default=str)
    if len(compact) <= SHORT or not isinstance(value, list | tuple | Mapping):
        return compact
    return _indented(value)


def both_as_text(before: Any, after: Any) -> tuple[str, str]:
    """Two values in the same layout, so that only what differs differs; None is the empty text."""
    texts = ["" if value is None else as_text(value) for value in (before, after)]
    if all(is_short(text) for text in texts):
        return texts[0], texts[1]
    laid = ["" if value is None else value if isinstance(value, str) else _indented(value) for value in (before, after)]
    return laid[0], laid[1]


def is_short(text: str) -> bool:
    """Whether `text` fits on the line of its name."""
    return len(text) <= SHORT and "\n" not in text


def _indented(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, indent=2)
