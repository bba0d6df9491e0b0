"""Which traces show what a rule fires for: the newest ones with a value on the bad side. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from llmops_git.monitoring.looking import scope_of
from llmops_git.monitoring.measuring_texts import narrowed
from llmops_git.monitoring.metrics_sql import Query, newest
from llmops_git.monitoring.releases import Released
from llmops_git.monitoring.rules import Reading, Rule

SHOWN = 5


def offending_query(rule: Rule, reading: Reading, now: datetime, *, limit: int = SHOWN) -> Query:
    """The newest rows of a reading's group whose value is on the bad side: time, trace id, value."""
    scope = narrowed(scope_of(rule, now), reading.group)
    up, limit_value = _side(rule, reading)
    if limit_value is None:
        return newest(rule.metric, scope, limit=limit)
    if up:
        return newest(rule.metric, scope, at_least=limit_value, limit=limit)
    return newest(rule.metric, scope, at_most=limit_value, limit=limit)


def unreleased_query(rule: Rule, reading: Reading, now: datetime, seen: Released, digests: tuple[str, ...]) -> Query:
    """The newest requests of a reading's group that no release in git has; `digests` are those of its traffic."""
    unknown = tuple(digest for digest in digests if not any(digest in tags.values() for tags in seen.tags.values()))
    scope = narrowed(scope_of(rule, now), reading.group)
    if unknown and "digest" not in scope.where:
        scope = replace(scope, where={**scope.where, "digest": unknown})
    return newest(rule.metric, scope, limit=SHOWN)


def _side(rule: Rule, reading: Reading) -> tuple[bool, float | None]:
    """Whether large values are the bad ones, and from where on; None: all are shown."""
    compare, value = rule.compare, reading.value
    if rule.metric.kind in ("total", "drift") or rule.metric.registry or value is None:
        return True, None
    if compare.to:
        before = reading.baseline_value
        up = compare.direction == "up" or (compare.direction == "both" and (before is None or value >= before))
        limit = value if before is None else before
    else:
        up, limit = compare.op in ("gt", "ge"), compare.value
    if rule.metric.kind == "rate":
        return up, 1.0 if up else 0.0
    return up, limit
