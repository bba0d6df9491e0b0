"""`llmops-git calibrate`: how well a judge agrees with people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("calibrate")
@click.argument("judge")
@click.option("--write", is_flag=True, help="Keep the result in labels/JUDGE/calibration.json, which the gate reads.")
@format_option()
def command(judge: str, write: bool, form: str) -> int:
    """Compare what JUDGE said of outputs with the labels that people gave them (labels/JUDGE/*.jsonl).

    Outputs and scores come from the run folders under .llmops/runs. Nothing is asked of any model.
    """
    from llmops_git.commands.calibrating import calibration_document, write_calibration
    from llmops_git.commands.project import open_project

    project = open_project()
    document = calibration_document(project, judge)
    if write:
        click.echo(f"wrote {write_calibration(project, document)}", err=True)
    if form == "json":
        emit_json(document)
        return EXIT_OK
    for line in calibration_lines(document):
        click.echo(line)
    return EXIT_OK


def calibration_lines(document: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    from llmops_git.reports.clean import clean

    counts = document["counts"]
    lines = [
        f"{document['judge']}: {document['labels']} labelled outputs, people: {document['people']}",
        f"  both pass {counts['both_pass']}, both fail {counts['both_fail']}",
        f"  only the judge passes {counts['only_judge_passes']}, only people pass {counts['only_person_passes']}",
    ]
    named = (
        ("kappa", "kappa"), ("tpr", "passes what people pass (TPR)"), ("tnr", "fails what people fail (TNR)"),
        ("length_bias", "gives longer answers more"), ("position_bias", "gives the answer shown second more"),
    )  # fmt: skip
    lines += [f"  {words}: {_interval(document[name])}" for name, words in named]
    for run in document["runs"]:
        about = f"  {run['config']} {run['side']}, {run['labels']} labels: "
        found = run["corrected"]
        lines.append(about + (f"judge {found['judge']:.3f}, corrected {_interval(found)}" if found else "too few labels"))
    return [clean(line) for line in [*lines, *(f"  note: {note}" for note in document["notes"])]]


def _interval(found: Mapping[str, float] | None) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if found else "not known: too few labels"
