"""The trace store that a command reads: the one that is named, or the project's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from llmops_git.errors import NotMeasured

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.monitoring.store import Store


def place_of(project: Project, where: str | None) -> str:
    """Where the store is: `where`, a folder or a URL; else what the policy says, or `.llmops/traces` in the project's root."""
    from llmops_git.monitoring.store import DEFAULT_FOLDER

    if where:
        return where
    named = project.policy(project.tree(None)).trace_store
    return named if "://" in named else str(project.git.folder / project.root / (named or DEFAULT_FOLDER))


def stored_traces(project: Project, where: str | None) -> Store:
    """The store. Raises LlmopsError without DuckDB, NotMeasured where nothing was read into it yet."""
    from llmops_git.monitoring.store import duckdb_module, open_store

    duckdb_module()
    store = open_store(place_of(project, where))
    if not store.span_files():
        raise NotMeasured(f"there are no traces in {store.files.where}", hint="llmops-git traces ingest")
    return store


_BACK = re.compile(r"(\d{1,4})([hdw])", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}


def _back(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    found = _BACK.fullmatch(value)
    if not found:
        raise click.BadParameter("a number of hours, days or weeks, as 36h, 7d or 2w")
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def since_option(default: str) -> Callable[[Any], Any]:
    """The `--since` option of a command that reads live traffic: how far back, as a timedelta."""
    return click.option(
        "--since", default=default, show_default=True, callback=_back, metavar="TIME", help="How far back, as 36h, 7d or 2w."
    )


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--store` option."""
    text = "The trace store: a folder or a URL (default: what the policy says, or .llmops/traces)."
    return click.option("--store", metavar="PLACE", help=text)(command)
