"""The trace store that a command reads: the one that is named, or the project's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
