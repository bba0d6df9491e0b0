"""`llmops-git traces`: read in, find, show, compare, run again and delete what was recorded of live requests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.commands.ages import age, duration, moment
from llmops_git.commands.project import format_option
from llmops_git.commands.state import dry_run_option
from llmops_git.commands.stored import store_option

if TYPE_CHECKING:
    from llmops_git.monitoring.listing import Comparison

_also = click.option("--also", type=click.Path(path_type=Path, exists=True), multiple=True,
                     help="Rewrite these files of traces (or those in these folders) too.")  # fmt: skip
_user = click.option("--user", "users", metavar="ID", multiple=True, help="Of this user, as the application names them.")
_salt = click.option("--salt-env", metavar="NAME", help="The variable with the runtime's `user_salt`, to find hashed ids.")
_full = click.option("--full", is_flag=True, help="All lines of every text.")


@click.group("traces")
def command() -> None:
    """Read in, find, show, compare, run again and delete what was recorded of live requests."""


@command.command("ingest")
@click.argument("paths", nargs=-1, metavar="[FILE|FOLDER|-]...")
@store_option
@format_option()
def ingest(paths: tuple[str, ...], store: str | None, form: str) -> int:
    """Read lines of OTLP JSON into the store: files, all files of folders, or standard input (-); default: its raw files.

    Files may still be written to. What was read is not read again, spans are kept once, and damaged lines are put aside.
    """
    from llmops_git.commands.traces_kept import ingest_into

    return ingest_into(store, paths, form)


@command.command("receive")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=4318, show_default=True, metavar="N", help="0: one that is free."
)
@store_option
def receive(port: int, store: str | None) -> int:
    """Take OTLP over HTTP (JSON; protobuf with the extra `otlp`) from applications of this machine, until interrupted."""
    from llmops_git.commands.traces_received import receive as received

    return received(store, port)


@command.command("compact")
@store_option
@format_option()
def compact(store: str | None, form: str) -> int:
    """Merge the small files of each day, and give spans that came before their root what it says."""
    from llmops_git.commands.traces_kept import compact_store

    return compact_store(store, form)


@command.command("prune")
@click.option("--older-than", "spans_age", callback=age, metavar="AGE", help="Delete days of spans that are older, as 90d.")
@click.option("--raw-older-than", "raw_age", callback=age, metavar="AGE",
              help="Delete raw files that were read to their end and not written to for so long, as 7d.")  # fmt: skip
@store_option
@dry_run_option
@format_option()
def prune(spans_age: float | None, raw_age: float | None, store: str | None, dry_run: bool, form: str) -> int:
    """Delete what is older than it may be."""
    from llmops_git.commands.traces_kept import prune_store

    if spans_age is None and raw_age is None:
        raise click.UsageError("say what to delete: --older-than AGE, --raw-older-than AGE, or both")
    return prune_store(store, spans_age, raw_age, dry_run=dry_run, form=form)


@command.command("forget")
@_user
@_salt
@_also
@store_option
@dry_run_option
@format_option()
def forget(
    users: tuple[str, ...], salt_env: str | None, also: tuple[Path, ...], store: str | None, dry_run: bool, form: str
) -> int:
    """Delete every request of a user, and prove that nothing is left: the whole store is read again, byte by byte.

    Exit code: 0 nothing is left, 2 usage is wrong, 3 something is left or the store cannot be read.
    """
    from llmops_git.commands.traces_forgotten import forget_users

    if not users or not all(users):
        raise click.UsageError("say whose: --user ID")
    return forget_users(store, users, salt_env, also, dry_run=dry_run, form=form)


def _score(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Comparison | None:
    from llmops_git.monitoring.listing import comparison_of

    try:
        return None if value is None else comparison_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@command.command("list")
@click.option("--config", default="", metavar="NAME", help="Of this config.")
@click.option("--release", default="", metavar="TAG", help="Served by this release: its tag, or only its version.")
@click.option("--environment", default="", metavar="ENV", help="In this environment.")
@click.option("--feature", default="", metavar="NAME", help="For this feature.")
@_user
@_salt
@click.option("--score", callback=_score, metavar="TEST", help="With such a score, as 'faithful<0.5'.")
@click.option(
    "--guardrail", default="", metavar="RULE[=RESULT]", help="That RULE (or PACK/RULE) did not let pass, or gave RESULT."
)
@click.option("--signal", default="", metavar="NAME", help="With this signal of a user, as thumbs_down.")
@click.option("--error", "failed", is_flag=True, help="In which something failed.")
@click.option("--slow", callback=duration, metavar="TIME", help="That took at least this long, as 2s.")
@click.option("--expensive", type=click.FloatRange(0), metavar="USD", help="That cost at least this much.")
@click.option("--since", callback=moment, metavar="TIME", help="Begun since: how long ago, as 24h, or a time (UTC).")
@click.option("--until", callback=moment, metavar="TIME", help="Begun before.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="At most N.")
@store_option
@format_option()
def list_(
    config: str, release: str, environment: str, feature: str, users: tuple[str, ...], salt_env: str | None,
    score: Comparison | None, guardrail: str, signal: str, failed: bool, slow: float | None, expensive: float | None,
    since: datetime | None, until: datetime | None, limit: int, store: str | None, form: str,
) -> int:  # fmt: skip
    """Show requests, the newest first. All that is asked for has to hold."""
    from llmops_git.commands.traces_shown import list_requests, users_of
    from llmops_git.monitoring.listing import Wanted

    wanted = Wanted(
        config=config, release=release, environment=environment, feature=feature,
        users=tuple(sorted(users_of(users, salt_env))), score=score,
        guardrail=guardrail, signal=signal, failed=failed, slow_seconds=slow, expensive_usd=expensive,
        since=since, until=until,
    )  # fmt: skip
    return list_requests(store, wanted, limit, form)


@command.command("show")
@click.argument("trace", metavar="ID")
@_full
@store_option
@format_option()
def show(trace: str, full: bool, store: str | None, form: str) -> int:
    """Show a request as a tree: what was found, asked, answered, called and checked, with tokens, time and cost.

    ID is the id of a trace, or the beginning of one.
    """
    from llmops_git.commands.traces_shown import show_trace

    return show_trace(store, trace, full=full, form=form)


@command.command("diff")
@click.argument("before", metavar="ID")
@click.argument("after", metavar="ID")
@_full
@store_option
@format_option()
def diff(before: str, after: str, full: bool, store: str | None, form: str) -> int:
    """Compare two requests step by step: what they were asked with, found, answered, called, took and cost."""
    from llmops_git.commands.traces_shown import diff_traces

    return diff_traces(store, before, after, full=full, form=form)


@command.command("replay")
@click.argument("trace", metavar="ID")
@click.option("--release", metavar="TAG", help="Under this release: its tag, or only its version.")
@click.option("--worktree", is_flag=True, help="Under the config as it is here.")
@click.option("--fresh", is_flag=True, help="Ask again, also where an earlier run paid for the same reply.")
@click.option("--find", is_flag=True, help="Search documents again (default: those that were recorded).")
@click.option("--max-usd", type=click.FloatRange(0), metavar="USD", help="Spend at most this much.")
@click.option("--replay", "recorded", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Answer from recorded replies instead of a model.")  # fmt: skip
@_full
@store_option
@format_option()
def replay(
    trace: str, release: str | None, worktree: bool, fresh: bool, find: bool, max_usd: float | None, recorded: Path | None,
    full: bool, store: str | None, form: str,
) -> int:  # fmt: skip
    """Run a recorded request again under another release, and show both beside each other.

    Nothing is added to the store. The inputs have to be recorded: content capture `full` or `redacted`.
    """
    from llmops_git.commands.traces_replayed import Again, replay_trace

    if bool(release) == worktree:
        raise click.UsageError("say under what: --release TAG, or --worktree")
    asked = Again(release=release or "", fresh=fresh, find=find, max_usd=max_usd, recorded=recorded)
    return replay_trace(store, trace, asked, full=full, form=form)
