"""How often guardrails act on live traffic: by rule, release and day, with intervals. Pure: SQL text out, rows in.

Every evaluation of a rule is a span, also one that passes, so a guard that never finds anything is told from one that never
runs, and one that fails to decide from both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from llmops_git.errors import LlmopsError
from llmops_git.evals.stats import rule_of_three, wilson
from llmops_git.traces.attributes import APPLY_GUARDRAIL

By = Literal["rule", "release", "day"]
Mark = Literal["", "dead", "undecided"]
WAYS: tuple[By, ...] = ("rule", "release", "day")
DEAD_AFTER = 1000  # evaluations without a finding: by the rule of three it finds something in fewer than 3 of 1,000 texts
UNDECIDED_SHARE = 0.05  # of evaluations that came to no answer
_COLUMNS: dict[By, str] = {"rule": "rule", "release": "release", "day": "strftime(ts, '%Y-%m-%d')"}
_ACTED = ("block", "redact", "flag")
_COUNTS = ", ".join(f"count(*) filter (guard_result = '{result}')" for result in ("block", "redact", "flag", "shadow", "error"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRate:
    """One group of evaluations. The counts are of spans; `rate` and its interval (95 %) are of traffic: each evaluation counts
    for as many as it was sampled from, and those without an answer are left out. `never` bounds the rate of a guard without any
    finding from above."""

    pack: str
    rule: str = ""  # "" where rules are not told apart, as `release` and `day`
    release: str = ""
    day: str = ""
    evaluations: int
    blocked: int
    redacted: int
    flagged: int
    shadow: int  # would have acted
    errors: int  # came to no answer
    rate: float | None  # of texts in which something was found, by a rule in shadow too
    low: float | None
    high: float | None
    never: float | None = None
    mark: Mark = ""

    @property
    def hits(self) -> int:
        return self.blocked + self.redacted + self.flagged


def ways_of(text: str) -> tuple[By, ...]:
    """What `--by` says, in the order of `WAYS`. Raises LlmopsError."""
    asked = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in asked if word not in WAYS]
    if unknown or not asked:
        raise LlmopsError(f"rates cannot be given by `{', '.join(unknown)}`", hint=f"--by {','.join(WAYS)}")
    return tuple(way for way in WAYS if way in asked)


def rates_query(by: Sequence[By], since: datetime, until: datetime) -> tuple[str, tuple[Any, ...]]:
    """The SELECT over the view `spans` and its parameters; rows are as `rates_of` takes them. Times are UTC."""
    groups = ["pack", *(_COLUMNS[way] for way in by)]
    numbers = ", ".join(str(place) for place in range(1, len(groups) + 1))
    found = f"guard_result in ({', '.join(repr(result) for result in (*_ACTED, 'shadow'))})"
    sql = (
        f"select {', '.join(groups)}, count(*), {_COUNTS}, "  # noqa: S608  # columns of our own
        f"coalesce(sum(weight) filter (guard_result <> 'error'), 0), "
        f"coalesce(sum(weight * weight) filter (guard_result <> 'error'), 0), "
        f"coalesce(sum(weight) filter ({found}), 0) "
        "from spans where operation = ? and dt between ? and ? and ts >= ? and ts < ? "
        f"group by {numbers} order by {numbers}"
    )
    return sql, (APPLY_GUARDRAIL, since.date(), until.date(), since.replace(tzinfo=None), until.replace(tzinfo=None))


def rates_of(by: Sequence[By], rows: Iterable[Sequence[Any]]) -> tuple[GuardRate, ...]:
    """The rates of the rows of `rates_query`."""
    return tuple(_rate(by, row) for row in rows)


def _rate(by: Sequence[By], row: Sequence[Any]) -> GuardRate:
    pack, *groups = row[: 1 + len(by)]
    counts = dict(
        zip(("evaluations", "blocked", "redacted", "flagged", "shadow", "errors"), map(int, row[1 + len(by) : -3]), strict=True)
    )
    total, squares, found = map(float, row[-3:])
    rate = low = high = never = None
    if total > 0:
        size = total * total / squares  # evaluations of equal weight that say as much (Kish 1965)
        rate = found / total
        low, high = wilson(rate * size, size)  # type: ignore[arg-type]  # no whole number of them, and none is needed
        never = rule_of_three(max(1, int(size))) if not found else None
    found_any = counts["evaluations"] - counts["errors"] > 0 and found > 0
    mark: Mark = ""
    if counts["errors"] > UNDECIDED_SHARE * counts["evaluations"]:
        mark = "undecided"
    elif not found_any and counts["evaluations"] - counts["errors"] >= DEAD_AFTER:
        mark = "dead"
    named = dict(zip(by, (str(group or "") for group in groups), strict=True))
    return GuardRate(pack=str(pack or ""), **named, **counts, rate=rate, low=low, high=high, never=never, mark=mark)
