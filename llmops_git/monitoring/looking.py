"""What every look at traffic needs: which scope it is, sums by group, and what is said of a group that stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from llmops_git.monitoring.asking import Key, Traffic
from llmops_git.monitoring.embedded_drift import Embed
from llmops_git.monitoring.metrics_sql import Scope
from llmops_git.monitoring.releases import Released
from llmops_git.monitoring.rules import Group, Reading, Rule
from llmops_git.monitoring.streams import Histogram, Sums, together

DIGEST = "eval_digest"  # what scores were made with: only scores of one instrument are put together
BEFORE = "the window before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What a look needs besides the rule: the traffic, the releases that git knows, and what embeds texts."""

    traffic: Traffic
    released: Released = field(default_factory=Released)
    embed: Callable[[], Embed] | None = None
    intervals: bool = False  # of quantiles too, where no comparison needs them


def scope_of(rule: Rule, now: datetime, *, by: Sequence[str] | None = None, back: timedelta = timedelta()) -> Scope:
    """The traffic in the rule's window, or in the one that ended `back` before now."""
    until = now - back
    return Scope(since=until - rule.window, until=until, by=tuple(rule.by if by is None else by), where=rule.where)


def group_of(by: Sequence[str], key: Key) -> Group:
    return tuple(zip(by, key, strict=True))


def sums_of(rule: Rule, looking: Looking, scope: Scope) -> dict[Key, Sums]:
    """Sums by the rule's groups: for scores of the newest instrument only, for `unreleased` with git's word for each."""
    if rule.metric.registry:
        return _unreleased(rule, looking, scope)
    if rule.metric.needs != "scores" or DIGEST in scope.by:
        return looking.traffic.sums(rule.metric, scope)
    newest: dict[Key, Sums] = {}
    for key, sums in looking.traffic.sums(rule.metric, replace(scope, by=(*scope.by, DIGEST))).items():
        if key[:-1] not in newest or sums.last > newest[key[:-1]].last:
            newest[key[:-1]] = sums
    return newest


def _unreleased(rule: Rule, looking: Looking, scope: Scope) -> dict[Key, Sums]:
    by = tuple(dict.fromkeys((*scope.by, "release", "digest")))
    parts: dict[Key, list[Sums]] = {}
    for key, sums in looking.traffic.sums(rule.metric, replace(scope, by=by)).items():
        words = dict(zip(by, key, strict=True))
        known = looking.released.knows(words["release"], words["digest"])
        marked = replace(sums, wv=0.0, w2v=0.0, w2vv=0.0) if known else sums  # the value of each row is 1
        parts.setdefault(key[: len(scope.by)], []).append(marked)
    return {key: together(each) for key, each in parts.items()}


def alone(rule: Rule, group: Group, stream: Sums | Histogram, said: str) -> Reading:
    """A group with nothing to compare it with."""
    value = (
        stream.value
        if isinstance(stream, Sums)
        else 0.0
        if rule.metric.kind == "drift"
        else stream.quantile(rule.metric.quantile)
    )
    return Reading(group=group, value=value, n=stream.n, few=True, said=said)
