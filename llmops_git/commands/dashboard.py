"""`llmops-git dashboard`: quality, cost, latency, safety and user signals over time, as one HTML page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from click.core import ParameterSource

from llmops_git.commands.ages import moment
from llmops_git.commands.stored import since_option, store_option
from llmops_git.errors import EXIT_OK, LlmopsError

DEFAULT_FILE = ".llmops/dashboard.html"  # of the project: it names users, and is not for git
DEFAULT_PORT = 8377


@click.command("dashboard")
@since_option("30d")
@click.option("--until", metavar="TIME", callback=moment, help="Up to then: how long ago, as 24h, or a time (UTC).")
@click.option("--environment", metavar="ENV", default="", help="Traffic of one environment only.")
@store_option
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help=f"The page to write (default: {DEFAULT_FILE} of the project).")  # fmt: skip
@click.option("--serve", is_flag=True, help="Serve the page on this machine instead, with the texts of each trace beside it.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, metavar="N",
              help="Of --serve; 0: one that is free.")  # fmt: skip
def command(
    since: timedelta,
    until: datetime | None,
    environment: str,
    store: str | None,
    output: Path | None,
    serve: bool,
    port: int,
) -> int:
    """Write one page that needs nothing else: charts by config, release and feature, users, and the traces behind each point.

    The page holds names, numbers and ids, and no texts of requests; those are shown with --serve only, to this machine only.
    """
    from llmops_git.commands.boarding import Boarding
    from llmops_git.commands.project import open_project
    from llmops_git.repo.ignored import keep_out_of_git

    asked = click.get_current_context().get_parameter_source("since") is not ParameterSource.DEFAULT
    project = open_project()
    boarding = Boarding(project, store, environment=environment, back=since, until=_utc(until), from_first=not asked)
    if serve:
        from llmops_git.commands.dashboard_server import serve_dashboard

        return serve_dashboard(boarding, port)
    page = boarding.page(live=False)
    file = output or project.git.folder / project.root / DEFAULT_FILE
    if output is None and (file.is_symlink() or file.parent.is_symlink()):  # a checkout can hold links to anywhere
        raise LlmopsError(f"{file} is a link, or in one, and is not written through it", hint="name a file with -o")
    try:
        file.parent.mkdir(exist_ok=True)
        keep_out_of_git(file.parent)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise LlmopsError(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {file}: open it in a browser", err=True)
    return EXIT_OK


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
