"""Rules about live traffic, and what a look at it makes of them. Pure: values and times come in, states go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from llmops_git.errors import Severity
from llmops_git.monitoring.metrics import Kind, Metric

Op = Literal["gt", "ge", "lt", "le"]
To = Literal["", "previous_release", "window_before"]
Direction = Literal["up", "down", "both"]
StateName = Literal["firing", "pending", "ok", "too few", "no data"]

GITHUB_ISSUE = "github_issue"
WEBHOOK = "webhook:"
DEFAULT_ALPHA = 0.01
MONTH = timedelta(days=30)  # the span of time in which a window that slides may give `alpha` false alarms
REACH = timedelta(days=90)  # how far back traffic is compared by release, unless a rule says so
LIVE = timedelta(hours=24)  # a release without traffic for so long is not compared any more: it was replaced or rolled back
LOOKBACK = timedelta(days=7)  # groups that had traffic so shortly before a window are missed when they have none in it
FEWEST: Mapping[Kind, int] = {"rate": 50, "mean": 100, "quantile": 100, "drift": 200, "total": 0}  # rows, unless a rule says so
_WORST_FIRST: Sequence[StateName] = ("firing", "pending", "too few", "no data", "ok")

Group = tuple[tuple[str, str], ...]  # (dimension, value), in the order of the rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """With a number (`op`, `value`), or with other traffic (`to`); then `margin` or `max_ratio` say how much worse may be."""

    to: To = ""
    op: Op = "gt"
    value: float = 0.0
    proven: bool = False
    direction: Direction = "up"
    margin: float = 0.0
    max_ratio: float = 1.0
    alpha: float = DEFAULT_ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a file. `looks` is its `for`; `window` is how far back it looks."""

    id: str
    metric: Metric
    compare: Compare
    path: str = ""
    line: int = 0
    description: str = ""
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    window: timedelta = timedelta(days=1)
    every: timedelta = timedelta(hours=1)
    min_count: int = 0
    looks: int = 1
    severity: Severity = "error"
    notify: tuple[str, ...] = (GITHUB_ISSUE,)
    runbook: str = ""

    @property
    def webhooks(self) -> tuple[str, ...]:
        """The names of the webhooks that are told."""
        return tuple(name.removeprefix(WEBHOOK) for name in self.notify if name.startswith(WEBHOOK))

    @property
    def alpha_of_a_look(self) -> float:
        """What one look at a sliding window may risk, so that the looks of a month together risk `alpha`."""
        return self.compare.alpha * min(1.0, self.every / MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a rule saw of one group at one look. `low`..`high` is the interval of the value where there is one; `beyond`: the
    comparison holds; `few`: there is too little to say. `baseline` names what it was compared with."""

    group: Group
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    baseline: str = ""
    baseline_value: float | None = None
    baseline_n: int = 0
    beyond: bool = False
    few: bool = False
    said: str = ""  # why it is, or what is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a rule says of a group now; `held` is at how many looks in a row the comparison held."""

    rule: Rule
    name: StateName
    reading: Reading
    held: int = 0


def look_times(rule: Rule, now: datetime) -> tuple[datetime, ...]:
    """When the rule has to have held: now, and before."""
    return tuple(now - number * rule.every for number in range(rule.looks))


def states_of(rule: Rule, looks: Sequence[Sequence[Reading]]) -> tuple[State, ...]:
    """The state of every group of the newest look (the first). Earlier looks may be missing where nothing holds any more."""
    if not looks or not looks[0]:
        whose = "of a live release that git knows" if rule.compare.to == "previous_release" else "in the window"
        said = f"no {rule.metric.needs} {whose}"
        return (State(rule=rule, name="no data", reading=Reading(group=(), value=None, n=0, said=said)),)
    earlier = [{reading.group: reading for reading in look} for look in looks[1:]]
    return tuple(sorted((_state(rule, reading, earlier) for reading in looks[0]), key=_order))


def _state(rule: Rule, reading: Reading, earlier: Sequence[Mapping[Group, Reading]]) -> State:
    if reading.value is None:
        return State(rule=rule, name="no data", reading=reading)
    if reading.few:
        return State(rule=rule, name="too few", reading=reading)
    if not reading.beyond:
        return State(rule=rule, name="ok", reading=reading)
    held = 1
    for look in earlier:
        before = look.get(reading.group)
        if before is None or before.few or not before.beyond:
            break
        held += 1
    return State(rule=rule, name="firing" if held >= rule.looks else "pending", reading=reading, held=held)


def _order(state: State) -> tuple[int, int, Group]:
    return _WORST_FIRST.index(state.name), -state.reading.n, state.reading.group


def beyond(value: float, op: Op, limit: float) -> bool:
    """Whether `value` is greater than the limit, or whatever `op` says."""
    if op == "gt":
        return value > limit
    if op == "ge":
        return value >= limit
    return value < limit if op == "lt" else value <= limit
