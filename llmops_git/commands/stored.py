"""The trace store that a command reads: the one that is named, or the project's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.ages import age
from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.monitoring.store import Store

LONGEST = timedelta(days=36_500)


def place_of(project: Project, where: str | None, policy: Policy | None = None) -> str:
    """Where the store is: `where`, a folder or a URL; else what the policy (the work tree's, where none is given) says, or
    `.llmops/traces` in the project's root."""
    from llmops_git.monitoring.store import DEFAULT_FOLDER

    if where:
        return where
    named = (policy or project.policy(project.tree(None))).trace_store
    return named if "://" in named else str(project.git.folder / project.root / (named or DEFAULT_FOLDER))


def stored_traces(project: Project, where: str | None, policy: Policy | None = None) -> Store:
    """The store. Raises LlmopsError without DuckDB and for a store that is ClickHouse's, NotMeasured where nothing was read
    into it yet."""
    from llmops_git.monitoring.clickhouse_http import SCHEME
    from llmops_git.monitoring.store import duckdb_module, open_store

    place = place_of(project, where, policy)
    if place.startswith(SCHEME):
        raise LlmopsError("only monitors ask ClickHouse; this reads Parquet", hint="--store .llmops/traces")
    duckdb_module()
    store = open_store(place)
    if not store.span_files():
        raise NotMeasured(f"there are no traces in {store.files.where}", hint="llmops-git traces ingest")
    return store


def since_option(default: str) -> Callable[[Any], Any]:
    """The `--since` option of a command that reads live traffic: how far back, as a timedelta."""
    text = "How far back, as 36h, 7d or 2w."
    return click.option("--since", default=default, show_default=True, callback=_back, metavar="TIME", help=text)


def _back(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    seconds = age(context, parameter, value) or 0.0
    if not 0 < seconds <= LONGEST.total_seconds():
        raise click.BadParameter(f"{value!r}: more than nothing, and at most {LONGEST.days} days")
    return timedelta(seconds=seconds)


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--store` option."""
    text = "The trace store: a folder or a URL (default: what the policy says, or .llmops/traces)."
    return click.option("--store", metavar="PLACE", help=text)(command)
