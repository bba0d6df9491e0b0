"""Looks at traffic as a rule says: what each of its groups is like now, against a number or against other traffic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from llmops_git.monitoring import comparing
from llmops_git.monitoring.drift import drift_reading
from llmops_git.monitoring.looking import BEFORE, Looking, alone, group_of, scope_of, sums_of
from llmops_git.monitoring.measuring_releases import against_release
from llmops_git.monitoring.measuring_texts import TextPair, narrowed, text_groups, text_readings
from llmops_git.monitoring.metrics_sql import Scope, utc
from llmops_git.monitoring.rules import LOOKBACK, Reading, Rule, State, beyond, look_times, states_of

_NOTHING_BEFORE = "no traffic in the window before"


def check(rule: Rule, looking: Looking, now: datetime) -> tuple[State, ...]:
    """The state of every group of a rule. Earlier looks are taken again only while it holds in some group."""
    looks = []
    for moment in look_times(rule, utc(now)):
        looks.append(tuple(look(rule, looking, moment)))
        if not any(reading.beyond for reading in looks[-1]):
            break
    return states_of(rule, looks)


def look(rule: Rule, looking: Looking, now: datetime) -> Iterator[Reading]:
    """What the rule sees at `now` (UTC, without a zone), group by group."""
    if rule.metric.kind == "total":
        yield from _totals(rule, looking, now)
    elif rule.compare.to == "previous_release":
        yield from against_release(rule, looking, now)
    elif rule.compare.to == "window_before":
        yield from _against_window(rule, looking, now)
    else:
        yield from _against_number(rule, looking, now)


def _against_number(rule: Rule, looking: Looking, now: datetime) -> Iterator[Reading]:
    scope = scope_of(rule, now)
    if rule.metric.kind == "quantile":
        wanted = looking.intervals or rule.compare.proven
        seen = looking.traffic.histograms(rule.metric, scope) if wanted else {}
        for key, (n, value) in looking.traffic.quantiles(rule.metric, scope).items():
            yield comparing.quantile_against_number(rule, group_of(rule.by, key), value, n, seen.get(key))
        return
    against = comparing.rate_against_number if rule.metric.kind == "rate" else comparing.mean_against_number
    for key, sums in sums_of(rule, looking, scope).items():
        yield against(rule, group_of(rule.by, key), sums)


def _totals(rule: Rule, looking: Looking, now: datetime) -> Iterator[Reading]:
    """Sums of the window; a group that had traffic before and has none now is there, with nothing."""
    scope = scope_of(rule, now)
    before = rule.window if rule.compare.to else max(rule.window, LOOKBACK)
    found = looking.traffic.totals(rule.metric, replace(scope, since=scope.since - before), scope.since)
    if not rule.by and not found and not rule.compare.to:
        found = {(): (0, 0.0, 0, 0.0)}
    for key, (n, value, n_before, value_before) in sorted(found.items()):
        group = group_of(rule.by, key)
        if not rule.compare.to:
            few = n < rule.min_count
            yield Reading(group=group, value=value, n=n, few=few, beyond=beyond(value, rule.compare.op, rule.compare.value))
            continue
        ratio, wanted = rule.compare.max_ratio, rule.compare.direction
        grown, shrunk = value > value_before * ratio, value * ratio < value_before
        few = max(n, n_before) < max(1, rule.min_count)
        holds = (grown and wanted in ("up", "both")) or (shrunk and wanted in ("down", "both"))
        yield Reading(
            group=group, value=value, n=n, baseline=BEFORE, baseline_value=value_before, baseline_n=n_before,
            few=few, beyond=holds and not few,
        )  # fmt: skip


def _against_window(rule: Rule, looking: Looking, now: datetime) -> Iterator[Reading]:
    scopes = scope_of(rule, now, back=rule.window), scope_of(rule, now)
    if rule.metric.statistic == "embedding":
        yield from text_readings(rule, looking, _text_pairs(rule, looking, *scopes))
    elif rule.metric.kind in ("quantile", "drift"):
        yield from _histograms(rule, looking, *scopes)
    else:
        was, is_now = (sums_of(rule, looking, scope) for scope in scopes)
        for key, sums in is_now.items():
            group = group_of(rule.by, key)
            if key not in was:
                yield alone(rule, group, sums, _NOTHING_BEFORE)
            else:
                yield comparing.sums_against_sums(rule, group, was[key], sums, name=BEFORE, sliding=True)


def _histograms(rule: Rule, looking: Looking, before: Scope, now: Scope) -> Iterator[Reading]:
    old, new = (looking.traffic.histograms(rule.metric, scope) for scope in (before, now))
    for key, seen in new.items():
        group = group_of(rule.by, key)
        if key not in old:
            yield alone(rule, group, seen, _NOTHING_BEFORE)
        elif rule.metric.kind == "drift":
            yield drift_reading(rule, group, old[key], seen, name=BEFORE)
        else:
            yield comparing.quantiles_against(rule, group, old[key], seen, name=BEFORE, sliding=True)


def _text_pairs(rule: Rule, looking: Looking, before: Scope, now: Scope) -> Iterator[TextPair]:
    for key in sorted(text_groups(rule, looking, now)):
        group = group_of(rule.by, key)
        yield TextPair(group=group, name=BEFORE, before=narrowed(before, group), now=narrowed(now, group))
