"""What the commands about monitors share: rules, the store, the releases that git knows, and a check of all rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.monitoring.asking import Ask
    from llmops_git.monitoring.looking import Looking
    from llmops_git.monitoring.releases import Released
    from llmops_git.monitoring.rules import Rule, State
    from llmops_git.releases.values import Registry
    from llmops_git.reports.monitor_alerts import Raised


_LATELY = timedelta(days=1)  # the newest traces are looked for here first


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All rules at one time. `traces` are ids of the newest offending traces of what fires, by rule and group."""

    now: datetime
    states: tuple[State, ...]
    raised: tuple[Raised, ...]
    traces: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, ...]]


def now_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--now` option: as if it were another time."""
    return click.option("--now", metavar="TIME", callback=_moment, help="As if it were TIME (ISO 8601; UTC without a zone).")(
        command
    )


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value} is no time as 2026-11-20T09:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def asking(project: Project, policy: Policy, where: str | None) -> Iterator[Ask]:
    """What runs queries on the store. Raises NotMeasured where it cannot be read."""
    from llmops_git.commands.stored import place_of
    from llmops_git.monitoring.clickhouse_http import SCHEME

    place = place_of(project, where, policy)
    if place.startswith(SCHEME):
        with _asking_clickhouse(place) as ask:
            yield ask
    else:
        with _asking_parquet(project, place) as ask:
            yield ask


@contextmanager
def _asking_parquet(project: Project, place: str) -> Iterator[Ask]:
    from llmops_git.commands.stored import stored_traces
    from llmops_git.monitoring.store import duckdb_module

    errors = duckdb_module().Error
    store = stored_traces(project, place)
    try:
        with store.connection() as connection:
            yield lambda query: connection.execute(query.sql, query.parameters).fetchall()
    except (errors, OSError) as error:
        message = f"the traces in {store.files.where} cannot be read: {str(error).partition(chr(10))[0]}"
        raise NotMeasured(message, hint="llmops-git traces ingest") from error


@contextmanager
def _asking_clickhouse(place: str) -> Iterator[Ask]:
    import httpx

    from llmops_git.monitoring.clickhouse_http import asker, server_at

    server = server_at(place, os.environ)
    with httpx.Client(follow_redirects=False) as client:
        yield asker(server, client)


def released_of(registry: Registry) -> Released:
    """The releases that git knows, for live traffic."""
    from llmops_git.monitoring.releases import Released

    return Released(
        tags={config: {release.name: release.digest for release in found} for config, found in registry.releases.items()}
    )


def looking_with(ask: Ask, released: Released, *, intervals: bool = False) -> Looking:
    """What looks need."""
    from llmops_git.monitoring.asking import Traffic
    from llmops_git.monitoring.embedded_drift import local_embedder
    from llmops_git.monitoring.looking import Looking

    return Looking(traffic=Traffic(ask), released=released, embed=local_embedder, intervals=intervals)


def check_rules(rules: Sequence[Rule], looking: Looking, now: datetime) -> Checked:
    """The state of every rule now, and the traces that show what fires."""
    from llmops_git.monitoring.measuring import check
    from llmops_git.reports.monitor_alerts import raised

    states = tuple(state for rule in rules for state in check(rule, looking, now))
    alerts = tuple(raised(states))
    shown = [state for alert in alerts for state in (alert.states[:1] if len(alert.states) > 1 else alert.states)]
    traces = {(state.rule.id, state.reading.group): offending(state, looking, now) for state in shown}
    return Checked(now=now, states=states, raised=alerts, traces=traces)


def offending(state: State, looking: Looking, now: datetime) -> tuple[str, ...]:
    """The ids of the newest traces that show what a rule fires for."""
    return tuple(dict.fromkeys(str(row[1]) for row in offending_rows(state, looking, now)))


def offending_rows(state: State, looking: Looking, now: datetime) -> Sequence[Sequence[Any]]:
    """Time, trace id and value of the newest rows that show what a rule fires for."""
    from llmops_git.monitoring.looking import scope_of
    from llmops_git.monitoring.measuring_texts import narrowed
    from llmops_git.monitoring.metrics_sql import utc
    from llmops_git.monitoring.offending import SHOWN, offending_query, unreleased_query

    rule, reading = state.rule, state.reading
    if rule.metric.registry:
        scope = replace(narrowed(scope_of(rule, utc(now)), reading.group), by=("digest",))
        digests = tuple(key[0] for key in looking.traffic.sums(rule.metric, scope))
        return looking.traffic.rows(unreleased_query(rule, reading, utc(now), looking.released, digests))
    lately = replace(rule, window=min(rule.window, _LATELY))
    rows = looking.traffic.rows(offending_query(lately, reading, utc(now)))
    if len(rows) < SHOWN and lately.window < rule.window:
        rows = looking.traffic.rows(offending_query(rule, reading, utc(now)))
    return rows


def rule_named(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of that id. Raises LlmopsError with the nearest ones."""
    from llmops_git.configs.paths import suggestion

    for rule in rules:
        if rule.id == name:
            return rule
    known = [rule.id for rule in rules]
    hint = suggestion(name, known) or (f"the rules are: {', '.join(known[:12])}" if known else "write monitors/<name>.yaml")
    raise LlmopsError(f"there is no rule `{name}`", hint=hint)


def here_token() -> str:
    """The token of this shell, or ""."""
    from llmops_git.commands.forge_here import VARIABLES

    return next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
