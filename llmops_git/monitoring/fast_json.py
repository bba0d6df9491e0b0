"""JSON as fast as what is installed allows: orjson where it is, which halves the time of reading traces in.

Where orjson is stricter (numbers that are not finite, halves of surrogate pairs, integers of more than 64 bits) the standard
library has the last word, so what is read is the same with and without it.
"""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ModuleNotFoundError:  # the extra `observe` brings it; nothing depends on it
    orjson = None  # type: ignore[assignment]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def loads(line: bytes) -> Any:
    """The value of a line. Raises ValueError or RecursionError."""
    if orjson is not None:
        try:
            return orjson.loads(line)
        except ValueError:
            pass
    return json.loads(line)


def dumps(value: Any) -> bytes:
    """A value as one line of JSON in UTF-8; what UTF-8 cannot hold is replaced."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except TypeError:
            pass
    return _ENCODER.encode(value).encode(errors="replace")
