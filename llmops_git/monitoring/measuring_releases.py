"""Every release that is live against the one before it: all traffic since it went live, so that a look needs no memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from llmops_git.monitoring import comparing
from llmops_git.monitoring.asking import Key
from llmops_git.monitoring.drift import drift_reading
from llmops_git.monitoring.looking import DIGEST, Looking, alone, group_of, scope_of
from llmops_git.monitoring.measuring_texts import TextPair, narrowed, text_groups, text_readings
from llmops_git.monitoring.metrics_sql import Scope
from llmops_git.monitoring.releases import before_in
from llmops_git.monitoring.rules import LIVE, REACH, Group, Reading, Rule
from llmops_git.monitoring.streams import Histogram, Sums

Stream = TypeVar("Stream", Sums, Histogram)
_NO_BASELINE = "no release before it that git knows had enough traffic"


def against_release(rule: Rule, looking: Looking, now: datetime) -> Iterator[Reading]:
    """Every release that is live, against the one before it by number that had enough traffic."""
    by = tuple(dict.fromkeys((*rule.by, "config")))
    scope = scope_of(rule, now, by=(*by, "release"))
    if rule.metric.kind == "drift":
        yield from _drift_against_release(rule, looking, now, by)
    elif rule.metric.kind == "quantile":
        seen = looking.traffic.histograms(rule.metric, scope)
        for group, name, before, stream in _pairs(rule, looking, by, seen, now):
            if before is None:
                yield alone(rule, group, stream, _NO_BASELINE)
            else:
                yield comparing.quantiles_against(rule, group, before, stream, name=name, sliding=False)
    else:
        yield from _sums_against_release(rule, looking, now, by, scope)


def _sums_against_release(rule: Rule, looking: Looking, now: datetime, by: tuple[str, ...], scope: Scope) -> Iterator[Reading]:
    scored = rule.metric.needs == "scores" and DIGEST not in by
    asked = replace(scope, by=(*by, DIGEST, "release")) if scored else scope
    found = looking.traffic.sums(rule.metric, asked)
    for group, name, before, stream in _pairs(rule, looking, (*by, DIGEST) if scored else by, found, now):
        shown = tuple(pair for pair in group if pair[0] != DIGEST) if scored else group
        if scored and _is_old_instrument(found, group, stream):
            continue
        if before is None:
            yield alone(rule, shown, stream, f"{_NO_BASELINE}{', scored in the same way' if scored else ''}")
        else:
            yield comparing.sums_against_sums(rule, shown, before, stream, name=name, sliding=False)


def _is_old_instrument(found: Mapping[Key, Sums], group: Group, stream: Sums) -> bool:
    """Whether the same release was scored with another instrument since."""
    words = [value for name, value in group if name != DIGEST]
    return any([*key[:-2], key[-1]] == words and sums.last > stream.last for key, sums in found.items())


def _pairs(
    rule: Rule, looking: Looking, by: tuple[str, ...], found: Mapping[Key, Stream], now: datetime
) -> Iterator[tuple[Group, str, Stream | None, Stream]]:
    """For every group and live release: its group, the release before it, the traffic of that (None: there is none), and its
    own. The last word of a key is the release."""
    place = by.index("config")
    served: dict[Key, set[str]] = {}
    for there, seen in found.items():
        if seen.n >= max(1, rule.min_count):
            served.setdefault(there[:-1], set()).add(there[-1])
    oldest = now - max(LIVE, 2 * rule.every)
    for key in sorted(found):
        group, config, release = key[:-1], key[place], key[-1]
        if found[key].last < oldest or not looking.released.has(config, release):
            continue
        name = before_in(looking.released.of(config), release, served.get(group, set()))
        yield group_of((*by, "release"), key), name, found.get(_key(group, name)), found[key]


def _key(group: Key, release: str) -> Key:
    return (*group, release)


def _drift_against_release(rule: Rule, looking: Looking, now: datetime, by: tuple[str, ...]) -> Iterator[Reading]:
    """The newest window of a release, against everything of the release before it."""
    recent = scope_of(rule, now, by=(*by, "release"))
    whole = replace(recent, since=now - max(REACH, rule.window))
    if rule.metric.statistic == "embedding":
        yield from text_readings(rule, looking, _text_pairs(rule, looking, by, recent, whole, now))
        return
    seen = looking.traffic.histograms(rule.metric, whole)
    newest = looking.traffic.histograms(rule.metric, recent)
    for group, name, before, stream in _pairs(rule, looking, by, seen, now):
        key = tuple(value for _, value in group)
        if key not in newest:
            continue
        if before is None:
            yield alone(rule, group, stream, _NO_BASELINE)
        else:
            yield drift_reading(rule, group, before, newest[key], name=name)


def _text_pairs(
    rule: Rule, looking: Looking, by: tuple[str, ...], recent: Scope, whole: Scope, now: datetime
) -> Iterator[TextPair]:
    for group, name, before, _ in _pairs(rule, looking, by, text_groups(rule, looking, whole), now):
        if before is not None:
            here = narrowed(recent, group)
            there = narrowed(whole, [*group, ("release", name)])
            yield TextPair(group=group, name=name, before=there, now=here)
