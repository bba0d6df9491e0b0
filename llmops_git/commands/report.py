"""`llmops-git report`: render a run folder again, in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from llmops_git.commands.project import emit_json, format_option, terminal
from llmops_git.errors import EXIT_OK, InvalidInput, LlmopsError, Problem

REPORT_FILE = "report.json"
MOST_BYTES = 256 * 1024 * 1024


@click.command("report")
@click.argument("run", required=False, metavar="[RUN_FOLDER]", type=click.Path(path_type=Path))
@format_option("text", "json", "markdown")
@click.option("--key", default="default", show_default=True, help="Which of several comments this is (markdown).")
@click.option("--run-id", default="", metavar="ID", help="The job that posts it (markdown; default: the folder's name).")
def command(run: Path | None, form: str, key: str, run_id: str) -> int:
    """Render a run folder again (default: the newest under .llmops/runs).

    Nothing is evaluated and the exit code says nothing about the gate: 0, or 2 when the folder cannot be read.
    """
    from llmops_git.reports.json_report import report_document, report_from_document
    from llmops_git.reports.markdown import render_comment
    from llmops_git.reports.terminal import render_report

    file = _report_file(run)
    report = report_from_document(read_document(file), path=str(file))
    if form == "json":
        emit_json(report_document(report))
    elif form == "markdown":
        click.echo(render_comment(report, key=key, run=run_id or file.parent.name), nl=False)
    else:
        click.echo(render_report(report, **terminal()))
    return EXIT_OK


def read_document(file: Path) -> Any:
    """The JSON value in `file`. Raises LlmopsError when it cannot be read, InvalidInput when it is not JSON."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise LlmopsError(f"{file}: {error.strerror or error}", hint="llmops-git eval writes a run folder") from None
    if len(data) > MOST_BYTES:
        raise LlmopsError(f"{file} is larger than {MOST_BYTES // 1024 // 1024} MB")
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise InvalidInput([Problem(path=str(file), message=error.msg, line=error.lineno, column=error.colno)]) from None
    except (ValueError, RecursionError) as error:  # ValueError: not UTF-8, or a number of thousands of digits
        raise InvalidInput([Problem(path=str(file), message=f"not JSON: {error}")]) from None


def _report_file(run: Path | None) -> Path:
    if run is None:
        from llmops_git.commands.project import open_project
        from llmops_git.commands.runs import newest_run

        run = newest_run(open_project())
    return run if run.is_file() else run / REPORT_FILE
