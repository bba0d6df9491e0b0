"""`llmops-git doctor`: where the repository stands, point by point, and the one next step."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.commands.stored import store_option
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from llmops_git.monitoring.maturity import Standing

SCHEMA = "llmops-git/doctor/1"


@click.command("doctor")
@store_option
@format_option()
def command(store: str | None, form: str) -> int:
    """Say which level the repository is on (baseline, repeatable, mature), by what, and what the next step is.

    Reads only. Exit code: 0, whatever the level.
    """
    from datetime import UTC, datetime

    from llmops_git.commands.doctor_facts import gather
    from llmops_git.commands.project import open_project, terminal
    from llmops_git.monitoring.maturity import standing_of
    from llmops_git.reports.doctor_text import render_standing

    facts = gather(open_project(), store=store, today=datetime.now(UTC).date())
    standing = standing_of(facts)
    if form == "json":
        emit_json(doctor_document(standing))
    else:
        click.echo(render_standing(standing, **terminal()))
    return EXIT_OK


def doctor_document(standing: Standing) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/doctor.schema.json."""
    points = [
        {
            "name": point.name,
            "level": point.level,
            "title": point.title,
            "holds": point.holds,
            "evidence": list(point.evidence),
            "step": asdict(point.step) | {"lines": list(point.step.lines)} if point.step else None,
        }
        for point in standing.points
    ]
    return {
        "schema": SCHEMA,
        "level": standing.level,
        "points": points,
        "next": standing.next.name if standing.next else None,
    }
