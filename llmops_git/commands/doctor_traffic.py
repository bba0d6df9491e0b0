"""What the trace store says of the last days: how much traffic there is, and how much is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.maturity_facts import DAYS, StoreFacts, Traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.releases.values import Registry

_MOST = 50  # releases and scorers that are named
_COUNTS = """
select count(*) filter (root), count(*) filter (root and release <> ''),
  count(*) filter (root and contains(attributes, '"gen_ai.prompt.variable.')),
  count(*) filter (operation in ('chat', 'generate_content', 'text_completion')),
  count(*) filter (operation in ('chat', 'generate_content', 'text_completion') and cost_usd is not null),
  count(*) filter (operation in ('chat', 'generate_content', 'text_completion') and input_tokens is not null),
  count(*) filter (scorer <> ''), count(*) filter (pack <> ''), count(*) filter (signal <> ''),
  count(distinct release) filter (scorer <> '' and release <> ''), cast(max(ts) filter (root) as date)
from spans where dt >= cast(? as DATE)
"""
_RELEASES = """
select release, count(*) from spans where root and release <> '' and dt >= cast(? as DATE)
group by release order by count(*) desc, release limit ?
"""
_SCORERS = "select distinct scorer from spans where scorer <> '' and dt >= cast(? as DATE) order by scorer limit ?"


def store_facts(project: Project, where: str | None, policy: Policy, registry: Registry) -> StoreFacts:
    """The store and its traffic; why it cannot be read, where that is so."""
    from llmops_git.commands.stored import place_of
    from llmops_git.monitoring.store import RAW, open_store

    shared = bool(policy.trace_store)
    place = place_of(project, where)
    shown = _shown(project, place)
    try:
        store = open_store(place)
        files = len([name for name in store.files.names(RAW) if name.endswith(".jsonl")])
        if not store.span_files():
            return StoreFacts(place=shown, files=files, shared=shared)
        with store.connection() as connection:
            return StoreFacts(place=shown, files=files, shared=shared, traffic=_traffic(connection, registry))
    except LlmopsError as error:
        return StoreFacts(place=shown, shared=shared, trouble=f"{shown} cannot be read: {error.message}")


def _shown(project: Project, place: str) -> str:
    """The place as a person of this project would write it."""
    folder = f"{project.git.folder}/"
    return place.removeprefix(folder)


def _traffic(connection: DuckDBPyConnection, registry: Registry) -> Traffic:
    since = (datetime.now(UTC) - timedelta(days=DAYS)).date().isoformat()
    row = connection.execute(_COUNTS, [since]).fetchone() or (0,) * 11
    releases = connection.execute(_RELEASES, [since, _MOST]).fetchall()
    scorers = connection.execute(_SCORERS, [since, _MOST]).fetchall()
    requests, released, captured, calls, priced, counted, scores, guarded, signals, scored, newest = row
    return Traffic(
        requests=requests,
        released=released,
        strange=sum(count for name, count in releases if registry.find(name) is None),
        captured=captured,
        calls=calls,
        priced=priced,
        counted=counted,
        scores=scores,
        scorers=tuple(name for (name,) in scorers),
        guarded=guarded,
        signals=signals,
        releases=tuple(name for name, _ in releases),
        scored_releases=scored,
        newest=newest.isoformat() if newest else "",
    )
