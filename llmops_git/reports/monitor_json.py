"""What monitors say, as JSON: schemas/monitor-check.schema.json and monitor-explain.schema.json."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from llmops_git.monitoring.metrics_sql import Query
from llmops_git.monitoring.rules import Reading, Rule, State
from llmops_git.reports.monitor_alerts import Traces
from llmops_git.reports.monitor_values import wanted_text

CHECK = "llmops-git/monitor-check/1"
EXPLAIN = "llmops-git/monitor-explain/1"
MOST_STATES = 500
NAMES = ("firing", "pending", "too few", "no data", "ok")


def check_document(states: Sequence[State], traces: Traces, *, now: datetime, store: str, rules: int) -> dict[str, Any]:
    """All rules; the worst states first, at most MOST_STATES of them."""
    ordered = sorted(states, key=lambda state: NAMES.index(state.name))
    return {
        "schema": CHECK,
        "now": now.isoformat(),
        "store": store,
        "rules": rules,
        "counts": {name: sum(state.name == name for state in states) for name in NAMES},
        "states": [state_document(state, traces) for state in ordered[:MOST_STATES]],
        "omitted": max(0, len(ordered) - MOST_STATES),
    }


def state_document(state: State, traces: Traces) -> dict[str, Any]:
    """One group of a rule."""
    return {
        "rule": state.rule.id,
        "state": state.name,
        "severity": state.rule.severity,
        "metric": state.rule.metric.name,
        "unit": state.rule.metric.unit,
        "fires": wanted_text(state.rule),
        "held": state.held,
        **reading_document(state.reading),
        "traces": list(traces.get((state.rule.id, state.reading.group), ())),
    }


def reading_document(reading: Reading) -> dict[str, Any]:
    """What was seen of a group."""
    return {
        "group": dict(reading.group),
        "value": finite(reading.value),
        "low": finite(reading.low),
        "high": finite(reading.high),
        "n": reading.n,
        "baseline": reading.baseline or None,
        "baseline_value": finite(reading.baseline_value),
        "baseline_n": reading.baseline_n,
        "said": reading.said,
    }


def explain_document(
    rule: Rule, states: Sequence[State], traces: Traces, queries: Sequence[Query], *, now: datetime
) -> dict[str, Any]:
    """One rule with its SQL."""
    return {
        "schema": EXPLAIN,
        "now": now.isoformat(),
        "rule": rule.id,
        "file": rule.path,
        "line": rule.line,
        "description": rule.description,
        "metric": rule.metric.name,
        "about": rule.metric.about,
        "fires": wanted_text(rule),
        "queries": [{"sql": query.sql, "parameters": [_plain(value) for value in query.parameters]} for query in queries],
        "states": [state_document(state, traces) for state in states[:MOST_STATES]],
        "omitted": max(0, len(states) - MOST_STATES),
    }


def finite(value: float | None) -> float | None:
    """JSON has no infinity: an open end of an interval is null."""
    return value if value is not None and math.isfinite(value) else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else value.isoformat()
