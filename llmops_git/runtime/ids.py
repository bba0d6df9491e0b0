"""Ids of traces, spans and requests."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_REQUEST = re.compile(
    r"(?P<trace>[0-9a-f]{32})(?:-(?P<span>[0-9a-f]{16})(?:-(?P<config>[a-z0-9][a-z0-9-]{0,99})-v(?P<version>\d+\.\d+\.\d+))?)?\Z",
    re.ASCII,
)
_MOST_CHARACTERS = 200


class RequestId(NamedTuple):
    """A request as its id names it. `span_id` is that of its root; `release` the tag's name. Both may be ""."""

    trace_id: str
    span_id: str = ""
    config: str = ""
    release: str = ""


def new_trace_id() -> str:
    return os.urandom(16).hex()  # not `random`: a fork must not repeat it


def new_span_id() -> str:
    return os.urandom(8).hex()


def request_id(trace_id: str, span_id: str, config: str, version: str) -> str:
    """What an application keeps to speak of a request later: it names the trace, its root, and the release that served it."""
    return f"{trace_id}-{span_id}-{config}-v{version}" if version else f"{trace_id}-{span_id}"


def parse_request_id(text: object) -> RequestId | None:
    """A request's id, or the bare id of a trace; None for anything else. Ids come back from browsers: nothing of one is
    believed that does not match."""
    found = _REQUEST.match(text) if isinstance(text, str) and len(text) <= _MOST_CHARACTERS else None
    if found is None or int(found["trace"], 16) == 0:
        return None
    release = f"llmops/{found['config']}/v{found['version']}" if found["config"] else ""
    return RequestId(trace_id=found["trace"], span_id=found["span"] or "", config=found["config"] or "", release=release)
