"""`llmops-git report`: render a run folder again, in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option, terminal
from llmops_git.errors import EXIT_OK, InvalidInput, LlmopsError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.evals.values import Run
    from llmops_git.reports.html_steps import Traces
    from llmops_git.reports.values import Report

REPORT_FILE = "report.json"
FORMATS = ("text", "json", "markdown", "summary", "junit", "html")
OTHER_TRACES = 400  # samples of cases that did not flip whose steps are shown: 200 cases of two sides
MOST_BYTES = 256 * 1024 * 1024


@click.command("report")
@click.argument("run", required=False, metavar="[RUN_FOLDER]", type=click.Path(path_type=Path))
@format_option(*FORMATS)
@click.option("--key", default="default", show_default=True, help="Which of several comments this is (markdown).")
@click.option("--run-id", default="", metavar="ID", help="The job that posts it (markdown; default: the folder's name).")
def command(run: Path | None, form: str, key: str, run_id: str) -> int:
    """Render a run folder again (default: the newest under .llmops/runs).

    Nothing is evaluated and the exit code says nothing about the gate: 0, or 2 when the folder cannot be read. junit and html
    list every case, which report.json does not hold: they read run.json beside it.
    """
    from llmops_git.reports.json_report import report_document, report_from_document

    file = _report_file(run)
    report = report_from_document(read_document(file), path=str(file))
    if form == "json":
        emit_json(report_document(report))
    elif form == "text":
        from llmops_git.reports.terminal import render_report

        click.echo(render_report(report, **terminal()))
    else:
        click.echo(_rendered(report, form, file.parent, key=key, run_id=run_id), nl=False)
    return EXIT_OK


def _rendered(report: Report, form: str, folder: Path, *, key: str, run_id: str) -> str:
    """The report in one of the formats that are files. Raises LlmopsError where run.json is needed and cannot be read."""
    from llmops_git.evals.folder import read_runs

    match form:
        case "markdown":
            from llmops_git.reports.markdown import render_comment

            return render_comment(report, key=key, run=run_id or folder.name)
        case "summary":
            from llmops_git.reports.job_summary import render_summary

            return render_summary(report)
        case "junit":
            from llmops_git.reports.junit import render_junit

            return render_junit(report, read_runs(folder))
        case _:
            from llmops_git.reports.html import render_html

            runs = read_runs(folder)
            return render_html(report, runs, traces=shown_traces(report, runs, folder))


def shown_traces(report: Report, runs: Sequence[Run], folder: Path) -> Traces:
    """The traces of the cases that flipped and of some others, of both sides, as far as the folder has them."""
    from llmops_git.evals.kept_traces import traces_of

    comparisons = [comparison for config in report.configs for comparison in config.comparisons]
    wanted = {
        (digest, flip.case)
        for comparison in comparisons
        for flip in comparison.flipped
        for digest in (comparison.base_digest, comparison.head_digest)
    }
    others = {run.config_digest: run.cases for run in runs}
    wanted |= {(digest, case) for digest, cases in others.items() for case in cases[: OTHER_TRACES // max(len(others), 1)]}
    return traces_of(folder, wanted)


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
