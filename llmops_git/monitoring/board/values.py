"""What a dashboard holds: panels of lines of points, a table of releases, a table of users, and examples of traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Theme = Literal["quality", "signals", "latency", "cost", "safety", "traffic"]
THEMES: Mapping[Theme, str] = {
    "quality": "Quality",
    "signals": "User signals",
    "latency": "Latency",
    "cost": "Cost",
    "safety": "Safety",
    "traffic": "Traffic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart. `metrics` are drawn together (p50, p95 and p99 are one chart); `pick` names the examples that its points lead
    to; `rule` is (pack, rule) where it is about one rule of a guardrail pack."""

    title: str
    theme: Theme
    metrics: tuple[str, ...]
    pick: str
    rule: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bucket of time. `n` is how many rows were counted; `low` and `high` bound the value, each side at 97.5 %."""

    moment: datetime
    n: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of one config under one release; `feature` is None where all features are counted together."""

    panel: int  # its place in Board.panels
    metric: str
    config: str
    release: str
    feature: str | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """A release in the time that is looked at: when its traffic began and ended, and its metrics by name (None: not known)."""

    config: str
    release: str
    first: datetime
    last: datetime
    requests: float
    values: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """What one user asked for and what it cost. Counts are of requests, sampled ones multiplied."""

    config: str
    user: str
    requests: float
    errors: float
    cost_usd: float | None
    tokens: float | None
    thumbs_down: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A trace that a point leads to. `value` is why: its milliseconds, dollars or score."""

    pick: str
    moment: datetime
    config: str
    release: str
    feature: str
    trace_id: str
    ts: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One span of an example, without its texts. `depth` counts from 0, the root."""

    name: str
    depth: int
    duration_ms: float
    facts: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """When a release began to run: a deployment, or the first request that named it."""

    config: str
    release: str
    moment: datetime
    what: Literal["deployed", "rolled back", "first request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A whole dashboard. `metrics` of the release table are `release_metrics`, in order."""

    since: datetime
    until: datetime
    bucket: str
    spans: int
    panels: tuple[Panel, ...] = ()
    lines: tuple[Line, ...] = ()
    releases: tuple[ReleaseRow, ...] = ()
    release_metrics: tuple[str, ...] = ()
    users: tuple[UserRow, ...] = ()
    examples: tuple[Example, ...] = ()
    steps: Mapping[str, tuple[StepRow, ...]] = field(default_factory=dict)  # by trace id
    markers: tuple[Marker, ...] = ()
    notes: tuple[str, ...] = ()
