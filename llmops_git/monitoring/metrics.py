"""The metrics: what each is counted over, in which unit, and which way is worse. Definitions only; no I/O.

A metric is rows, each with a value and a weight (how many requests like it the span stands for), and how the values become one
number. All of the SQL follows from these two (`metrics_sql`), in the dialect of DuckDB kept so plain that it translates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.paths import suggestion
from llmops_git.monitoring import metrics_rows as rows
from llmops_git.monitoring.metrics_rows import Rows

Kind = Literal["rate", "mean", "quantile", "total", "drift"]
Worse = Literal["up", "down", ""]
Statistic = Literal["", "psi", "ks", "embedding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`kind`: a share of rows, a mean, a quantile, a sum, or a distance between two sets of rows. `worse` is the direction
    that is bad in itself, "" where neither is. `needs` names what an application must record (`requests` are always there)."""

    name: str
    kind: Kind
    rows: Rows
    unit: str
    worse: Worse
    needs: str
    about: str
    quantile: float = 0.0
    statistic: Statistic = ""
    categories: bool = False  # drift of a text column: which values, and how often
    registry: bool = False  # the values are known only beside the release tags

    @property
    def dimensions(self) -> frozenset[str]:
        """What its rows can be grouped and filtered by."""
        return self.rows.dimensions


def _rate(name: str, of: Rows, worse: Worse, needs: str, about: str, *, registry: bool = False) -> Metric:
    return Metric(name=name, kind="rate", rows=of, unit="share", worse=worse, needs=needs, about=about, registry=registry)


def _quantiles(family: str, of: Rows, needs: str, about: str) -> list[Metric]:
    return [
        Metric(
            name=f"{family}.p{level}", kind="quantile", rows=of, unit="ms", worse="up", needs=needs, quantile=level / 100,
            about=f"{about}: {level} % are at most this",
        )
        for level in (50, 95, 99)
    ]  # fmt: skip


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="requests", kind="total", rows=rows.REQUESTS, unit="requests", worse="down", needs="requests",
               about="how many requests there were; 0 where a group had some before and has none now"),
        _rate("error_rate", rows.REQUEST_ERRORS, "up", "requests", "requests that failed"),
        _rate("refusal_rate", rows.REFUSALS, "up", "calls", "replies that the model or its provider refused"),
        _rate("tool.error_rate", rows.TOOL_ERRORS, "up", "tools", "calls of tools that failed"),
        *_quantiles("latency", rows.LATENCY, "requests", "time of a whole request"),
        *_quantiles("ttft", rows.FIRST_TOKENS, "ttft", "time to the first token of a call"),
        Metric(name="tokens.input", kind="mean", rows=rows.billed("input_tokens"), unit="tokens", worse="up", needs="tokens",
               about="input tokens of a request, all of its calls together"),
        Metric(name="tokens.output", kind="mean", rows=rows.billed("output_tokens"), unit="tokens", worse="up", needs="tokens",
               about="output tokens of a request, all of its calls together"),
        Metric(name="cost.per_request", kind="mean", rows=rows.billed("cost_usd"), unit="usd", worse="up", needs="cost",
               about="dollars of a request; one with a call of unknown cost is left out"),
        Metric(name="cost.total", kind="total", rows=rows.COSTS, unit="usd", worse="up", needs="cost",
               about="dollars, of all calls whose cost is known"),
        _rate("cost.coverage", rows.PRICED, "down", "calls", "calls whose cost is known"),
        _rate("guardrail.trigger_rate", rows.guarded("block", "redact", "flag"), "", "guardrails",
              "evaluations of a rule that blocked, redacted or flagged, of those that could decide"),
        _rate("guardrail.shadow_rate", rows.guarded("shadow"), "", "guardrails",
              "evaluations of a rule in shadow that would have acted, of those that could decide"),
        _rate("guardrail.error_rate", rows.GUARD_ERRORS, "up", "guardrails", "evaluations of a rule that failed to decide"),
        _rate("release.coverage", rows.NAMED, "down", "requests", "requests that name the release which served them"),
        _rate("unreleased", rows.REQUESTS, "up", "requests",
              "requests whose release and config digest no tag in git has: unreleased, edited or yanked", registry=True),
    )
}  # fmt: skip
NUMBERS: Mapping[str, Rows] = {  # what drift.psi(…) and drift.ks(…) look at
    "input_tokens": rows.per_call("input_tokens"),
    "output_tokens": rows.per_call("output_tokens"),
    "cost_usd": rows.per_call("cost_usd"),
    "ttft_ms": rows.per_call("ttft_ms"),
    "duration_ms": rows.LATENCY,
    "input_length": rows.text_length("input_text"),
    "output_length": rows.text_length("output_text"),
}
CATEGORIES: Mapping[str, Rows] = {  # what drift.psi(…) looks at besides
    **{column: rows.per_call_text(column) for column in ("provider", "model", "response_model", "finish_reason")},
    "feature": rows.per_request_text("feature"),
    "tool": rows.TOOL_NAMES,
}
TEXTS: Mapping[str, Rows] = {column: rows.texts(column) for column in ("input_text", "output_text")}  # of drift.embedding(…)
_WORSE_SIGNALS: Mapping[str, Worse] = {
    "thumbs_down": "up",
    "edit": "up",
    "retry": "up",
    "escalation": "up",
    "thumbs_up": "down",
}
_SCORE = re.compile(r"score\.(?P<scorer>[A-Za-z0-9_][A-Za-z0-9_.-]*)\.(?P<what>mean|pass_rate)", re.ASCII)
_SIGNAL = re.compile(r"signal\.(?P<signal>[A-Za-z0-9_][A-Za-z0-9_.-]*)\.rate", re.ASCII)
_DRIFT = re.compile(r"drift\.(?P<statistic>psi|ks|embedding)\((?P<column>[a-z_]+)\)", re.ASCII)
PATTERNS = ("score.<scorer>.mean", "score.<scorer>.pass_rate", "signal.<name>.rate",
            "drift.psi(<column>)", "drift.ks(<column>)", "drift.embedding(<column>)")  # fmt: skip


class UnknownMetric(ValueError):
    """There is no metric of that name; `hint` says what was meant, or what there is."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def metric_of(name: str) -> Metric:
    """The metric that a rule or a dashboard names. Raises UnknownMetric."""
    if name in METRICS:
        return METRICS[name]
    if found := _SCORE.fullmatch(name):
        return _score(name, found["scorer"], found["what"])
    if found := _SIGNAL.fullmatch(name):
        return _rate(name, rows.signalled(found["signal"]), _WORSE_SIGNALS.get(found["signal"], ""), "signals",
                     f"requests to which a user gave the signal {found['signal']}")  # fmt: skip
    if found := _DRIFT.fullmatch(name):
        return _drift(name, found["statistic"], found["column"])
    hint = suggestion(name, [*METRICS, *PATTERNS]) or f"known: {', '.join([*METRICS, *PATTERNS])}"
    raise UnknownMetric(f"there is no metric `{name}`", hint)


def _score(name: str, scorer: str, what: str) -> Metric:
    if what == "mean":
        return Metric(name=name, kind="mean", rows=rows.scored(scorer), unit="score", worse="down", needs="scores",
                      about=f"mean of what the scorer {scorer} says of live requests")  # fmt: skip
    return _rate(
        name, rows.passed(scorer), "down", "scores", f"live requests to which the scorer {scorer} gives its best score"
    )


def _drift(name: str, statistic: str, column: str) -> Metric:
    known: Mapping[Statistic, Mapping[str, Rows]] = {
        "psi": {**NUMBERS, **CATEGORIES}, "ks": NUMBERS, "embedding": TEXTS,
    }  # fmt: skip
    words: Mapping[Statistic, str] = {
        "psi": "population stability index", "ks": "Kolmogorov-Smirnov distance", "embedding": "distance of mean embeddings",
    }  # fmt: skip
    for kind, columns in known.items():
        if kind == statistic and column in columns:
            return Metric(
                name=name, kind="drift", rows=columns[column], unit="distance", worse="up", statistic=kind,
                needs="content" if column in TEXTS or column.endswith("_length") else "calls",
                categories=column in CATEGORIES, about=f"{words[kind]} of {column}, against traffic before",
            )  # fmt: skip
        if kind == statistic:
            hint = suggestion(column, columns) or f"known: {', '.join(columns)}"
            raise UnknownMetric(f"drift.{statistic} cannot look at `{column}`", hint)
    raise AssertionError(statistic)


def names_of(metrics: Iterable[Metric] = METRICS.values()) -> tuple[str, ...]:
    """The names of metrics, the patterns of families after them."""
    return (*(metric.name for metric in metrics), *PATTERNS)
