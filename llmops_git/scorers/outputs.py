"""Reads outputs: JSON in code fences, fields by path, what a case expects of a field."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

FENCE = "```"


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was there; None is a value like any other."""

    value: Any


@dataclass(frozen=True, slots=True)
class Missing:
    """No value, and why; `absent` where the output is JSON and only the field is not there."""

    reason: str
    absent: bool = False


def read_json(text: str) -> Found | Missing:
    """`text` as JSON. NaN and infinities are not JSON."""
    try:
        return Found(json.loads(text, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return Missing("the output is not JSON")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def unfenced(text: str) -> str:
    """`text` without the Markdown code fence, if one fence is all there is to it: models put one around JSON."""
    stripped = text.strip()
    first, _, rest = stripped.partition("\n")
    if first.startswith(FENCE) and FENCE not in first[3:] and rest.endswith(FENCE):
        body = rest[: -len(FENCE)]
        return text if FENCE in body else body.strip()
    return text


def field_of(output: str, field: str) -> Found | Missing:
    """The value at the dotted path `field` in an output that is JSON, with or without a code fence around it; the whole
    output, as text, where `field` is empty."""
    if not field:
        return Found(output)
    document = read_json(unfenced(output))
    if isinstance(document, Missing):
        return document
    return at_path(document.value, field)


def at_path(value: Any, path: str) -> Found | Missing:
    """The value at a dotted path: keys of objects, positions of lists (`items.0.name`). A key that is the whole rest of
    the path wins over its parts, so that keys with dots can be named."""
    rest = path
    while True:
        if isinstance(value, Mapping) and rest in value:
            return Found(value[rest])
        part, dot, rest = rest.partition(".")
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and part.isascii() and int(part) < len(value):
            value = value[int(part)]
        else:
            return Missing(f"the output has no field `{path}`", absent=True)
        if not dot:
            return Found(value)


def expected_of(expected: Any, field: str) -> Found | Missing:
    """What the case expects: all of `expected`, or its value at `field` where it is an object."""
    if expected is None:
        return Missing("the case expects nothing")
    if not field or not isinstance(expected, Mapping):
        return Found(expected)
    found = at_path(expected, field)
    return found if isinstance(found, Found) else Missing(f"the case expects nothing of `{field}`")


def normalized(text: str, *, ignore_case: bool = False, strip: bool = False) -> str:
    """Text to compare: composed characters (Unicode NFC), and as asked without case or surrounding white space."""
    text = unicodedata.normalize("NFC", text)
    text = unicodedata.normalize("NFC", text.casefold()) if ignore_case else text
    return text.strip() if strip else text
