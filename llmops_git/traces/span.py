"""One request as spans: the same type for evaluation and production. Ids and times come from the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One step. Ids are lower-case hex (32 and 16 digits), times are nanoseconds since 1970 (UTC)."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    kind: Literal["internal", "client"] = "internal"
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""  # error.type when the step failed
