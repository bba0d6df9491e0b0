"""`guardrails rates` and `guardrails review`: what guards do live, and what people say of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.guard_labels import append_rows, read_reviewed, reviewed_name, reviewed_path, rows_of_file, text_digest
from llmops_git.commands.guard_packs import packs_in
from llmops_git.commands.guard_reviewing import Drawn, ask, draw
from llmops_git.commands.stored import stored_traces
from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.monitoring.guard_rates import By, GuardRate, rates_of, rates_query, silent
from llmops_git.reports import numbers

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy

RATES = "llmops-git/guardrails-rates/1"


def live_rates(
    project: Project, store: str | None, *, ways: Sequence[By], since: datetime, until: datetime, packs: Sequence[str]
) -> tuple[GuardRate, ...]:
    """The rates of the store, and where rules are told apart, the rules of the work tree's packs that never ran."""
    sql, parameters = rates_query(ways, since, until)
    with stored_traces(project, store).connection() as connection:
        found = rates_of(ways, connection.execute(sql, parameters).fetchall())
    if tuple(ways) == ("rule",):
        tree = project.tree(None)
        known = packs_in(tree, project.policy(tree))
        rules = [(name, str(rule["name"])) for name, pack in known.items() for rule in pack.resolved["rules"]]
        found = (*found, *silent(found, rules))
    return tuple(rate for rate in found if not packs or rate.pack in packs)


def rates_document(rates: Sequence[GuardRate], *, ways: Sequence[By], since: datetime, until: datetime) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/guardrails-rates.schema.json."""
    return {
        "schema": RATES,
        "since": since.isoformat(timespec="seconds"),
        "until": until.isoformat(timespec="seconds"),
        "by": list(ways),
        "rates": [{**asdict(rate), "hits": rate.hits} for rate in rates],
    }


def review_pack(
    project: Project, pack: str, *, since: datetime, until: datetime, count: int, seed: int, who: str | None,
    html: Path | None, store: str | None, dry_run: bool,
) -> int:  # fmt: skip
    """Draw texts, and show them on the terminal or on a page."""
    from llmops_git.commands.cleaning import cleaner
    from llmops_git.commands.state import identity_of

    path = reviewed_path(project, pack)
    policy = project.policy(project.tree(None))
    clean, missing = cleaner(policy, os.environ)
    for text in missing:
        click.echo(f"note: {text}", err=True)
    drawn = draw(
        stored_traces(project, store), pack, since=since, until=until, seed=seed, count=count, clean=clean,
        known=_known(project, policy, pack, path),
    )  # fmt: skip
    click.echo(_said(drawn), err=True)
    if not drawn.items:
        raise LlmopsError("there is no text to look at", hint="capture content in the runtime, or --since 30d")
    if dry_run:
        return EXIT_OK
    if html is not None:
        _write_page(html, pack, drawn, path, seed=seed)
        return EXIT_OK
    from llmops_git.commands.reviewing import typed_keys

    given = ask(drawn.items, path, who=who or identity_of(project), keys=typed_keys())
    click.echo(f"{given} labels added to {path}" if given else "nothing was labelled", err=True)
    return EXIT_OK


def _known(project: Project, policy: Policy, pack: str, path: Path) -> set[str]:
    """The digests of the texts that the pack's suites have already."""
    from llmops_git.guardrails.suites import read_suite

    tree = project.tree(None)
    found = packs_in(tree, policy, [pack])[pack]
    contents = tree.read(found.measure.suites)
    known = {text_digest(text.text) for name, data in contents.items() for text in read_suite(name, data).texts}
    reviewed = read_reviewed(path)
    return known | ({text_digest(text.text) for text in reviewed.texts} if reviewed else set())


def _said(drawn: Drawn) -> str:
    missing = "".join(f"; {number:,} left out: {why}" for why, number in sorted(drawn.missing.items()))
    found = f"{numbers.count(drawn.hits, 'hit')} and {numbers.count(drawn.passes, 'pass', 'passes')}"
    return f"{numbers.count(len(drawn.items), 'text')} of {found}{missing}"


def _write_page(html: Path, pack: str, drawn: Drawn, path: Path, *, seed: int) -> None:
    from llmops_git.evals.folder import write_whole
    from llmops_git.reports.guard_page import render_guard_review

    rows = [item.row(attack=False, who="", when="") for item in drawn.items]
    unlabelled = [{key: value for key, value in row.items() if key != "attack"} for row in rows]
    page = render_guard_review(pack, unlabelled, name=f"{reviewed_name(pack)}-{seed}.jsonl", place=str(path))
    try:
        write_whole(html, [page])
    except OSError as error:
        raise LlmopsError(f"{html} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {html}: open it in a browser, label, download, then --add the labels", err=True)


def add_labels(project: Project, pack: str, file: Path, *, dry_run: bool) -> int:
    """Add downloaded labels to the pack's suite."""
    path = reviewed_path(project, pack)
    packs_in(project.tree(None), project.policy(project.tree(None)), [pack])  # a name without a pack is a slip
    rows = rows_of_file(file)
    if dry_run:
        click.echo(f"{len(rows)} labels would be added to {path}, without those that it has", err=True)
        return EXIT_OK
    click.echo(f"{append_rows(path, rows)} of {len(rows)} labels added to {path}", err=True)
    return EXIT_OK
