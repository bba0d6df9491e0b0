"""Which live requests are scored, as what, and how a score becomes part of the request's trace. Pure, but for its SQL.

The sample is stratified by release: the same number of each, drawn by a hash of the trace id, so that a second look draws the
same ones and two releases are known equally well. A score stands for as many requests as there are of its release for each one
that was drawn, so that means over releases are those of all traffic.
"""

# ruff: noqa: S608  # what becomes SQL are constants of these modules
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from llmops_git.monitoring.captured import captured_in
from llmops_git.monitoring.metrics_rows import IS_REQUEST
from llmops_git.monitoring.metrics_sql import Query, utc
from llmops_git.scorers.base import Sample, Score
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span
from llmops_git.traces.tree import said_in

FAILED = "it failed"
BLOCKED = "a guardrail put something else in the place of its answer"
NO_ANSWER = "its answer was not captured"
_MOST_REASON = 2_000  # characters of a judge's reason that go into a trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A request that was drawn. `stands_for` is how many requests of its release there were for each one drawn."""

    trace_id: str
    release: str
    stands_for: float


def drawing(config: str, since: datetime, until: datetime, each: int, instruments: Sequence[str]) -> Query:
    """Up to `each` requests of every release, with all that there were of it; without those that have a score of each of
    the `instruments` already."""
    marks = ", ".join("?" for _ in instruments)
    scored = (
        f"SELECT trace_id FROM spans WHERE operation = '{names.EVALUATE}' AND eval_digest IN ({marks}) AND dt >= ?"
        f" GROUP BY trace_id HAVING count(DISTINCT eval_digest) = {len(instruments)}"
    )
    inner = (
        "SELECT trace_id, release, sum(weight) OVER (PARTITION BY release) AS traffic,"
        " row_number() OVER (PARTITION BY release ORDER BY md5(trace_id)) AS place"
        f" FROM spans WHERE {IS_REQUEST} AND config = ? AND error = '' AND ts >= ? AND ts < ? AND dt >= ? AND dt <= ?"
    )
    # the place is among all, scored or not: who looks again goes on in the same order instead of drawing others
    sql = (
        f"SELECT trace_id, release, traffic, place FROM ({inner}) AS ranked"
        f" WHERE place <= {int(each)} AND trace_id NOT IN ({scored}) ORDER BY release, place"
    )
    since, until = utc(since), utc(until)
    bound = (config, since, until, since.date(), until.date(), *instruments, since.date())
    return Query(sql=sql, parameters=bound, columns=("trace_id", "release", "traffic", "place"))


def drawn_of(rows: Sequence[Sequence[Any]], each: int) -> list[Drawn]:
    """The rows of `drawing`, releases taking turns: a budget that ends early leaves as many of each."""
    by_release: dict[str, list[tuple[str, float]]] = {}
    for trace_id, release, traffic, _ in rows:
        by_release.setdefault(release, []).append((trace_id, float(traffic)))
    turns = zip_longest(
        *(
            [
                Drawn(trace_id=trace, release=release, stands_for=traffic / min(each, max(traffic, 1)))
                for trace, traffic in found
            ]
            for release, found in by_release.items()
        )
    )
    return [one for turn in turns for one in turn if one is not None]


def sample_of(spans: Sequence[Span]) -> Sample | str:
    """A recorded request as scorers see it; or, in words, why it cannot be scored."""
    captured = captured_in(spans)
    if isinstance(captured, str):
        return captured
    root = next(span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW)
    if root.error:
        return FAILED
    if any(_replaced(span) for span in spans):
        return BLOCKED
    calls = [span for span in spans if span.attributes.get(names.OPERATION) in names.BILLED - {names.EMBEDDINGS}]
    answer = _answer(calls[-1]) if calls else ""
    if not answer or answer.endswith(" more characters)"):
        return NO_ANSWER
    last = calls[-1].attributes
    reasons = last.get(names.FINISH_REASONS) or ("",)
    return Sample(
        inputs=captured.inputs,
        expected=None,
        output=answer,
        finish_reason=str(reasons[0] if isinstance(reasons, list | tuple) and reasons else reasons),
        latency_seconds=(root.end_ns - root.start_ns) / 1e9,
        cost_usd=_sum(calls, names.COST_USD),
        input_tokens=_count(calls, names.INPUT_TOKENS),
        output_tokens=_count(calls, names.OUTPUT_TOKENS),
        ttft_seconds=_number(calls[0].attributes.get(names.FIRST_CHUNK)),
        tool_calls=captured.tools or (),
        steps=len(calls),
        query=_query(spans),
        documents=captured.documents or (),
    )


def score_spans(
    spans: Sequence[Span], scores: Mapping[str, Score], instruments: Mapping[str, str], weight: float, now_ns: int
) -> Iterator[Span]:
    """What was measured, as spans below the root. Their ids follow from the request and the instrument: the same score
    written twice is one."""
    root = next(span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW)
    shared = {name: root.attributes[name] for name in _SHARED if name in root.attributes}
    for name, score in scores.items():
        if score.state != "measured" or score.value is None or name not in instruments:
            continue
        found: dict[str, Any] = {
            names.EVALUATION_NAME: name,
            names.EVALUATION_SCORE: score.value,
            names.EVAL_DIGEST: instruments[name],
            names.SAMPLE_WEIGHT: weight,
        }
        if score.label:
            found[names.EVALUATION_LABEL] = score.label
        if score.explanation:
            found[names.EVALUATION_REASON] = score.explanation[:_MOST_REASON]
        yield Span(
            trace_id=root.trace_id,
            span_id=hashlib.sha256(f"{root.trace_id}/{name}/{instruments[name]}".encode()).hexdigest()[:16],
            parent_id=root.span_id,
            name=f"{names.EVALUATE} {name}",
            # the time of the request: what was said then is judged, however late
            start_ns=max(root.end_ns, root.start_ns),
            end_ns=max(root.end_ns, root.start_ns),
            attributes={names.OPERATION: names.EVALUATE, **shared, **found, names.SCORED_AT: now_ns},
        )


_SHARED = (names.PROMPT_NAME, names.PROMPT_VERSION, names.CONFIG_DIGEST, names.FEATURE, names.USER, names.ENVIRONMENT)


def _answer(call: Span) -> str:
    said = said_in(call.attributes.get(names.OUTPUT_MESSAGES))
    return "\n".join(part.text for part in said if not part.call)


def _replaced(span: Span) -> bool:
    found = span.attributes
    return (
        found.get(names.OPERATION) == names.APPLY_GUARDRAIL
        and found.get(names.GUARD_SIDE) == "output"
        and found.get(names.GUARD_RESULT) in {"block", "redact"}
    )


def _query(spans: Sequence[Span]) -> str:
    asked = (str(span.attributes[names.QUERY]) for span in spans if names.QUERY in span.attributes)
    return next(asked, "")


def _sum(calls: Sequence[Span], name: str) -> float | None:
    values = [_number(span.attributes.get(name)) for span in calls]
    return None if None in values or not values else sum(value for value in values if value is not None)


def _count(calls: Sequence[Span], name: str) -> int | None:
    total = _sum(calls, name)
    return None if total is None else int(total)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
