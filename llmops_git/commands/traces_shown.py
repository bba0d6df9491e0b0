"""What `llmops-git traces` shows of the store: lists, one request, two beside each other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, terminal
from llmops_git.commands.traces_kept import FORMAT, store_at
from llmops_git.errors import EXIT_OK, LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.monitoring.listing import Listed, Wanted
    from llmops_git.monitoring.store import Store
    from llmops_git.traces.span import Span


def users_of(users: Iterable[str], salt_env: str | None) -> frozenset[str]:
    """Users' ids as spans may have them: as they are, and hashed with the salt of a variable. Raises LlmopsError."""
    found = set(users)
    if salt_env is None:
        return frozenset(found)
    salt = os.environ.get(salt_env, "")
    if not salt:
        raise LlmopsError(f"the variable {salt_env} is not set", hint="it holds what the application gives as `user_salt`")
    from llmops_git.traces.users import hashed_user

    return frozenset(found | {hashed_user(user, salt) for user in found})


def filled_store(where: str | None) -> Store:
    """The store. Raises NotMeasured where nothing was read into it."""
    store = store_at(where)
    if not store.span_files():
        raise NotMeasured(f"there are no traces in {store.files.where}", hint="llmops-git traces ingest")
    return store


def list_requests(where: str | None, wanted: Wanted, limit: int, form: str) -> int:
    """Show what is found."""
    from llmops_git.monitoring.files import outside
    from llmops_git.monitoring.listing import listed

    store = filled_store(where)
    with outside(store.files), store.connection() as connection:
        found = listed(connection, wanted, limit + 1)
    more, found = len(found) > limit, found[:limit]
    if form == "json":
        emit_json({"format": FORMAT.format("list"), "traces": [_listed(one) for one in found], "more": more})
        return EXIT_OK
    from llmops_git.reports.escape import inert
    from llmops_git.reports.listing_text import listing_lines

    if not found:
        click.echo("no such request")
        return EXIT_OK
    click.echo(inert("\n".join(listing_lines(found, width=terminal()["width"]))))
    if more:
        click.echo(f"there are more: --limit {limit * 5}", err=True)
    return EXIT_OK


def _listed(one: Listed) -> dict[str, Any]:
    return {
        "trace_id": one.trace_id,
        "time": f"{one.time.isoformat()}Z",
        "config": one.config,
        "release": one.release,
        "environment": one.environment,
        "feature": one.feature,
        "user": one.user,
        "name": one.name,
        "seconds": one.seconds,
        "error": one.error,
        "spans": one.spans,
        "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens,
        "cost_usd": one.cost_usd,
        "ttft_seconds": one.ttft_seconds,
        "guardrails": [{"pack": pack, "rule": rule, "result": result} for pack, rule, result in one.guardrails],
        "signals": [{"signal": name, "value": value} for name, value in one.signals],
        "scores": [{"scorer": name, "score": value, "label": label} for name, value, label in one.scores],
    }


def found_trace(store: Store, prefix: str) -> tuple[Span, ...]:
    """The spans of the one trace that begins so. Raises LlmopsError."""
    from llmops_git.monitoring.files import outside
    from llmops_git.monitoring.listing import trace_id_of
    from llmops_git.monitoring.store import read_trace

    with outside(store.files), store.connection() as connection:
        return read_trace(connection, trace_id_of(connection, prefix))


def show_trace(where: str | None, prefix: str, *, full: bool, form: str) -> int:
    """Show one request."""
    from llmops_git.reports.escape import inert
    from llmops_git.reports.trace_json import step_document
    from llmops_git.reports.trace_text import live_title, render_trace
    from llmops_git.traces.tree import trees_of

    spans = found_trace(filled_store(where), prefix)
    roots = trees_of(spans)
    if form == "json":
        emit_json(
            {"format": FORMAT.format("show"), "trace_id": spans[0].trace_id, "steps": [step_document(root) for root in roots]}
        )
        return EXIT_OK
    width = terminal()["width"]
    title = f"trace {spans[0].trace_id}  {live_title(roots[0])}"
    shown = [render_trace(root, title=title if not number else "", width=width, full=full) for number, root in enumerate(roots)]
    click.echo(inert("\n".join(shown)))
    return EXIT_OK


def diff_traces(where: str | None, before: str, after: str, *, full: bool, form: str) -> int:
    """Compare two requests."""
    store = filled_store(where)
    return show_difference(found_trace(store, before), found_trace(store, after), full=full, form=form, kind="diff")


def show_difference(before: Iterable[Span], after: Iterable[Span], *, full: bool, form: str, kind: str) -> int:
    """Show two traces beside each other."""
    from llmops_git.reports.style import Paint
    from llmops_git.reports.trace_diff import compare_traces
    from llmops_git.reports.trace_diff_text import difference_document, difference_lines

    found = compare_traces(tuple(before), tuple(after))
    if form == "json":
        emit_json({"format": FORMAT.format(kind), **difference_document(found)})
        return EXIT_OK
    click.echo("\n".join(difference_lines(found, paint=Paint(color=terminal()["color"]), full=full)))
    return EXIT_OK
