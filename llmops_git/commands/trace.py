"""`llmops-git trace`: what happened to one sample, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option, terminal
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmops_git.traces.tree import Node

FORMAT = "llmops-git/trace/1"
NEWEST = "last"


@click.command("trace")
@click.argument("run", metavar="RUN_FOLDER", type=click.Path(path_type=Path))
@click.argument("case", metavar="CASE")
@click.option("--repeat", type=click.IntRange(min=0), default=0, show_default=True, help="Which repeat of the case.")
@click.option("--side", type=click.Choice(["base", "head"]), help="One side only (default: both, the base first).")
@click.option("--config", "name", metavar="NAME", help="One config only, where several have a case of that id.")
@click.option("--full", is_flag=True, help="All lines of every text.")
@format_option()
def command(run: Path, case: str, repeat: int, side: str | None, name: str | None, full: bool, form: str) -> int:
    """Show the steps of a sample as a tree: what was found, asked, answered and called, with tokens, time and cost.

    RUN_FOLDER is what `eval` wrote; `last` is the newest under .llmops/runs. Nothing is evaluated.
    """
    folder = _folder(run)
    samples = list(_samples(folder, case, repeat, side, name))
    if not samples:
        raise LlmopsError(
            _nothing(folder, case, repeat, side), hint=f"llmops-git report {folder} --format html lists all cases"
        )
    if form == "json":
        emit_json({"format": FORMAT, "samples": [_document(found, label) for found, label in samples]})
        return EXIT_OK
    from llmops_git.reports.escape import inert
    from llmops_git.reports.trace_text import render_trace

    width = terminal()["width"]
    shown = [render_trace(found, title=_title(found, label), width=width, full=full) for found, label in samples]
    click.echo(inert("\n\n".join(shown)))
    return EXIT_OK


def _folder(run: Path) -> Path:
    if run != Path(NEWEST) or run.exists():
        return run
    from llmops_git.commands.project import open_project
    from llmops_git.commands.runs import newest_run

    return newest_run(open_project())


def _samples(folder: Path, case: str, repeat: int, side: str | None, name: str | None) -> Iterator[tuple[Node, str]]:
    """The sample of each side that is asked for, with the name of its side: the base's first."""
    from llmops_git.evals.kept_traces import digest_in, read_traces, repeat_in
    from llmops_git.traces import attributes as names

    sides = sides_of(folder)
    found: dict[tuple[str, str], Node] = {}
    for node in read_traces(folder, case):
        config = str(node.span.attributes.get(names.PROMPT_NAME, ""))
        if repeat_in(node.span) == repeat and name in (None, config):
            found.setdefault((config, digest_in(node.span)), node)
    for label in ("base", "head", ""):
        for (_, digest), node in found.items():
            labels = sides.get(digest, ("",))
            if label in labels and side in (None, label):
                yield node, label or "another run"


def sides_of(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Config digest -> the sides it is, by the folder's report. One that no comparison names is none."""
    from llmops_git.commands.against_itself import SCHEMA as AGAINST_ITSELF
    from llmops_git.commands.report import REPORT_FILE, read_document
    from llmops_git.reports.json_report import report_from_document

    file = folder / REPORT_FILE
    document = read_document(file)
    if isinstance(document, dict) and document.get("schema") == AGAINST_ITSELF:
        return {str(config["config_digest"]): ("head",) for config in document["configs"]}
    report = report_from_document(document, path=str(file))
    comparisons = [comparison for config in report.configs for comparison in config.comparisons]
    sides: dict[str, tuple[str, ...]] = {
        comparison.base_digest: ("base",) for comparison in comparisons if comparison.base_digest
    }
    for comparison in comparisons:
        sides[comparison.head_digest] = ("head",)
    return sides


def _nothing(folder: Path, case: str, repeat: int, side: str | None) -> str:
    which = f" on the side of the {side}" if side else ""
    return f"{folder} holds no trace of case `{case}`, repeat {repeat}{which}"


def _title(node: Node, label: str) -> str:
    from llmops_git.evals.kept_traces import digest_in, repeat_in
    from llmops_git.traces import attributes as names

    found = node.span.attributes
    digest = digest_in(node.span)[:19]
    return f"{found.get(names.CASE)} · repeat {repeat_in(node.span)} · {label} {digest} · trace {node.span.trace_id}".replace(
        "\n", " "
    )


def _document(node: Node, label: str) -> dict[str, Any]:
    from llmops_git.reports.trace_json import step_document

    return {"side": label, "trace_id": node.span.trace_id, **step_document(node)}
