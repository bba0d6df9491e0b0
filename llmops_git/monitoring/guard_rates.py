"""How often guardrails act on live traffic: by rule, release and day, with intervals. Pure: SQL text out, rows in.

Every evaluation of a rule is a span, also one that passes, so a guard that never finds anything is told from one that never
runs, and one that fails to decide from both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from llmops_git.errors import LlmopsError
from llmops_git.evals.stats import rule_of_three, wilson
from llmops_git.traces.attributes import APPLY_GUARDRAIL

By = Literal["rule", "release", "day"]
Mark = Literal["", "dead", "undecided", "silent"]
WAYS: tuple[By, ...] = ("rule", "release", "day")
# dead: looks at everything and finds nothing; undecided: comes to no answer too often; silent: in the packs, and never ran
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


_NOTHING = GuardRate(
    pack="", evaluations=0, blocked=0, redacted=0, flagged=0, shadow=0, errors=0, rate=None, low=None, high=None, mark="silent"
)


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
    evaluations, blocked, redacted, flagged, shadow, errors = map(int, row[1 + len(by) : -3])
    total, squares, found = map(float, row[-3:])
    named = dict(zip(by, (str(group or "") for group in groups), strict=True))
    rate = low = high = never = None
    if total > 0:
        size = total * total / squares  # evaluations of equal weight that say as much (Kish 1965)
        rate = found / total
        low, high = wilson(rate * size, size)  # type: ignore[arg-type]  # no whole number of them, and none is needed
        never = rule_of_three(max(1, int(size))) if not found else None
    return GuardRate(
        pack=str(pack or ""),
        rule=named.get("rule", ""),
        release=named.get("release", ""),
        day=named.get("day", ""),
        evaluations=evaluations,
        blocked=blocked,
        redacted=redacted,
        flagged=flagged,
        shadow=shadow,
        errors=errors,
        rate=rate,
        low=low,
        high=high,
        never=never,
        mark=_mark(evaluations, errors, found),
    )


def silent(rates: Iterable[GuardRate], rules: Iterable[tuple[str, str]]) -> tuple[GuardRate, ...]:
    """The rules (pack, rule) that no evaluation is known of, as rates without any."""
    known = {(rate.pack, rate.rule) for rate in rates}
    return tuple(replace(_NOTHING, pack=pack, rule=rule) for pack, rule in rules if (pack, rule) not in known)


def _mark(evaluations: int, errors: int, found: float) -> Mark:
    if errors > UNDECIDED_SHARE * evaluations:
        return "undecided"
    return "dead" if not found and evaluations - errors >= DEAD_AFTER else ""
