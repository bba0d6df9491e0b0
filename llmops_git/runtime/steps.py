"""What a request gathers on its way: raw steps, turned into spans later and elsewhere, so that gathering costs little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from llmops_git.runtime.bundle import Bundle

Fill = Callable[[], Mapping[str, Any]]


class AsJson:
    """An attribute's value that is written as JSON text, once it is clean."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Step:
    """One span in the making. Times are nanoseconds since 1970; `fill` gives the attributes that take time to work out.

    `hit` says that there is something to see in it whatever the sampling says; `signal` that it is what somebody said of the
    request, which is always written.
    """

    __slots__ = ("attributes", "end", "error", "fill", "hit", "kind", "name", "parent_id", "signal", "span_id", "start")

    def __init__(
        self,
        name: str,
        span_id: str,
        parent_id: str,
        start: int,
        attributes: dict[str, Any],
        *,
        end: int = 0,
        kind: Literal["internal", "client"] = "internal",
        error: str = "",
        fill: Fill | None = None,
        hit: bool = False,
        signal: bool = False,
    ) -> None:
        self.name = name
        self.span_id = span_id
        self.parent_id = parent_id
        self.start = start
        self.end = end
        self.kind = kind
        self.attributes = attributes
        self.error = error
        self.fill = fill
        self.hit = hit
        self.signal = signal


class Trace:
    """A finished request, root first; or, where `late`, a step that came after the end of the request with the root `root_id`
    ("" where only the trace is known).

    `bundle` is None where it is not known any more (a signal from another process); `release` may be known then.
    """

    __slots__ = ("bundle", "config", "feature", "late", "release", "root_id", "steps", "trace_id", "user")

    def __init__(
        self,
        trace_id: str,
        steps: list[Step],
        *,
        bundle: Bundle | None,
        user: Any = None,
        feature: Any = None,
        late: bool = False,
        root_id: str = "",
        config: str = "",
        release: str = "",
    ) -> None:
        self.trace_id = trace_id
        self.steps = steps
        self.bundle = bundle
        self.user = user
        self.feature = feature
        self.late = late
        self.root_id = root_id
        self.config = config
        self.release = release
