"""Drift of texts, group by group: a sample of each side is embedded, since no query can do that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.asking import Key
from llmops_git.monitoring.drift import distance_reading
from llmops_git.monitoring.embedded_drift import SAMPLE, embedding_distance
from llmops_git.monitoring.looking import Looking
from llmops_git.monitoring.metrics_rows import text_length
from llmops_git.monitoring.metrics_sql import Scope
from llmops_git.monitoring.rules import Group, Reading, Rule
from llmops_git.monitoring.streams import Sums

MOST = 20  # groups of one rule: each costs seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPair:
    """A group, and the two scopes whose texts are compared; `name` is what the first is called."""

    group: Group
    name: str
    before: Scope
    now: Scope


def text_groups(rule: Rule, looking: Looking, scope: Scope) -> dict[Key, Sums]:
    """How many captured texts there are, by group."""
    return looking.traffic.sums(replace(rule.metric, rows=text_length(rule.metric.rows.value)), scope)


def narrowed(scope: Scope, group: Iterable[tuple[str, str]]) -> Scope:
    """The traffic of one group, as one."""
    return replace(scope, by=(), where={**scope.where, **{word: (value,) for word, value in group}})


def text_readings(rule: Rule, looking: Looking, pairs: Iterable[TextPair]) -> Iterator[Reading]:
    """The distance of each pair."""
    embed = None
    fewest = min(rule.min_count, SAMPLE)
    for pair in islice(pairs, MOST):
        old, new = (looking.traffic.sample(rule.metric, scope, SAMPLE) for scope in (pair.before, pair.now))
        sizes = len(old), len(new)
        said = "nothing embeds texts here" if looking.embed is None else ""
        if not said and min(sizes) < max(1, fewest):
            said = "too few captured texts on one side"
        if not said and looking.embed is not None:
            try:
                embed = embed or looking.embed()
                found = embedding_distance(old, new, embed, alpha=rule.alpha_of_a_look)
            except LlmopsError as error:  # no extra, or no weights: nothing is known of texts, and the other rules go on
                said = error.message
            else:
                yield distance_reading(replace(rule, min_count=fewest), pair.group, found, sizes=sizes, name=pair.name)
                continue
        yield Reading(group=pair.group, value=0.0, n=sizes[1], baseline=pair.name, baseline_n=sizes[0], few=True, said=said)
