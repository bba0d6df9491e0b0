"""What `mine` did, or would do: as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from llmops_git.commands.mining import Dig
from llmops_git.commands.mining_rows import Mined
from llmops_git.reports.mined import Entry

SCHEMA = "llmops-git/mine/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One run of `mine`. `edits` are the files that change; `branch` and `commit` are "" where the work tree was edited,
    `pull_request` is an address; `unseen` says what redaction did not look for."""

    dig: Dig
    edits: Mapping[str, bytes] = field(default_factory=dict)
    dry_run: bool = False
    unseen: tuple[str, ...] = ()
    base: str = ""
    branch: str = ""
    commit: str = ""
    pushed: bool = False
    pull_request: str = ""


def show_mined(done: Done, form: str) -> None:
    """The cases on standard output; what happened to them on standard error."""
    from llmops_git.commands.project import emit_json, terminal
    from llmops_git.reports.clean import clean
    from llmops_git.reports.mined_text import render_entries

    if form == "json":
        emit_json(mined_document(done))
    elif done.dig.mined:
        click.echo(render_entries(entries_of(done.dig.mined), **terminal()))
    for line in _outcome(done):
        click.echo(clean(line), err=True)


def entries_of(mined: Sequence[Mined]) -> tuple[Entry, ...]:
    """The cases as reports show them."""
    from llmops_git.monitoring.likeness import text_of

    return tuple(
        Entry(
            config=one.config,
            case=one.id,
            why=one.why,
            state=one.verdict.state,
            verdict=one.verdict.why,
            again=one.again,
            alike=one.alike,
            trace_id=one.failure.live.trace_id,
            release=one.failure.live.release,
            asked=text_of(one.captured.inputs),
            observed=one.captured.observed,
        )
        for one in mined
    )


def mined_document(done: Done) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/mine.schema.json."""
    return {
        "schema": SCHEMA,
        "dry_run": done.dry_run,
        "failing": done.dig.failing,
        "cases": [_case(one) for one in done.dig.mined],
        "skipped": [{"why": why, "requests": count} for why, count in done.dig.skipped.most_common()],
        "not_redacted": list(done.unseen),
        "files": sorted(done.edits),
        "base": done.base,
        "branch": done.branch,
        "commit": done.commit,
        "pushed": done.pushed,
        "pull_request": done.pull_request,
    }


def _case(one: Mined) -> dict[str, Any]:
    from llmops_git.commands.mining_rows import row_of

    return {
        "config": one.config,
        "severity": round(one.failure.severity, 3),
        "alike": one.alike,
        "verdict": one.verdict.state,
        "verdict_why": one.verdict.why,
        "asked_again": one.again,
        "row": row_of(one),
    }


def _outcome(done: Done) -> list[str]:
    dig = done.dig
    cases = f"{len(dig.mined)} new case{'' if len(dig.mined) == 1 else 's'}"
    lines = [f"{dig.failing} live request{'' if dig.failing == 1 else 's'} failed: {cases}"]
    lines += [f"  {count} left out: {why}" for why, count in dig.skipped.most_common()]
    lines += [f"warning: {text}" for text in done.unseen] if dig.mined else []
    if done.pull_request:
        lines.append(f"pull request: {done.pull_request}")
    elif done.branch:
        lines.append(f"{'pushed' if done.pushed else 'would push'} {done.branch}")
    elif done.edits:
        lines.append(f"{'would edit' if done.dry_run else 'edited'} {', '.join(sorted(done.edits))}")
    if done.edits and not done.dry_run:
        lines += ["", "next: write `expected` in each new row and delete its `needs_label`, then llmops-git check"]
    if not dig.mined and dig.skipped.get(_OFF):
        lines += ["", 'hint: runtime.load(…, content="redacted") captures what a case needs']
    return lines


_OFF = "its inputs were not captured (content is off)"
