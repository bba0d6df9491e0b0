"""Which live texts people should look at: of one pack, hits and passes, by rule and release, drawn by a seed. Pure: SQL text
out, rows in.

Hits tell how often a guard is wrong when it acts, passes what it misses; neither can be told from the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Literal

from llmops_git.guardrails.base import Side
from llmops_git.traces.attributes import APPLY_GUARDRAIL

Kind = Literal["hit", "pass"]
_HIT = "guard_result in ('block', 'redact', 'flag', 'shadow')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One text that a pack looked at: where it is, and what it stands for. `of` is how many such texts there were."""

    trace_id: str
    side: Side
    release: str
    kind: Kind
    rule: str  # the rule that found something; "" of passes
    of: int


def looks_query(pack: str, since: datetime, until: datetime, *, seed: int, most: int) -> tuple[str, tuple[Any, ...]]:
    """The SELECT over the view `spans` of at most `most` texts of each stratum, in an order that the seed decides, and its
    parameters. A stratum is a rule that hit, or that all passed, in a release on a side. A text that rules failed to decide and
    none hit is neither."""
    sql = f"""
with looks as (
  select trace_id, guard_side, any_value(release) as release,
         list(distinct rule) filter ({_HIT}) as rules, count(*) filter (guard_result = 'error') as errors
  from spans where operation = ? and pack = ? and dt between ? and ? and ts >= ? and ts < ?
  group by trace_id, guard_side
), strata as (
  select trace_id, guard_side, release, 'hit' as kind, unnest(rules) as rule from looks where rules is not null
  union all
  select trace_id, guard_side, release, 'pass', '' from looks where rules is null and errors = 0
)
select trace_id, guard_side, release, kind, rule,
       count(*) over stratum as of_all
from strata
window stratum as (partition by kind, rule, release, guard_side)
qualify row_number() over (partition by kind, rule, release, guard_side order by md5(? || trace_id)) <= ?
order by kind, rule, release, guard_side, md5(? || trace_id)
"""  # noqa: S608  # a condition of our own
    when = (since.date(), until.date(), since.replace(tzinfo=None), until.replace(tzinfo=None))
    salt = f"{seed} "
    return sql, (APPLY_GUARDRAIL, pack, *when, salt, most, salt)


def looks_of(rows: Iterable[Sequence[Any]]) -> tuple[Look, ...]:
    """The rows of `looks_query`."""
    return tuple(
        Look(
            trace_id=str(trace_id),
            side="output" if side == "output" else "input",
            release=str(release or ""),
            kind="hit" if kind == "hit" else "pass",
            rule=str(rule or ""),
            of=int(of),
        )
        for trace_id, side, release, kind, rule, of in rows
    )


def in_turn(looks: Sequence[Look]) -> Iterator[Look]:
    """Hits and passes in turn, and within each the strata in turn; each text once. Whoever takes the first n has as even a
    sample as there is, and goes on where a text turns out not to be there."""
    hits, passes = (list(_strata_in_turn([look for look in looks if look.kind == kind])) for kind in ("hit", "pass"))
    seen: set[tuple[str, str]] = set()
    for look in (one for pair in zip_longest(hits, passes) for one in pair if one is not None):
        if (look.trace_id, look.side) not in seen:
            seen.add((look.trace_id, look.side))
            yield look


def _strata_in_turn(looks: Sequence[Look]) -> Iterator[Look]:
    strata: dict[tuple[str, str, str], list[Look]] = {}
    for look in looks:
        strata.setdefault((look.rule, look.release, look.side), []).append(look)
    yield from (one for row in zip_longest(*strata.values()) for one in row if one is not None)
