"""The difference of two requests for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from llmops_git.configs.values import FieldChange
from llmops_git.reports.escape import no_commands, one_line
from llmops_git.reports.fields_text import field_lines
from llmops_git.reports.numbers import money, seconds
from llmops_git.reports.style import Paint
from llmops_git.reports.trace_diff import Difference, Figure, StepDifference, Text

LINES = 12  # of one text, unless all are asked for
_MARKS = {"same": "=", "changed": "~", "only before": "-", "only after": "+"}


def difference_document(found: Difference) -> dict[str, Any]:
    """The fields of the JSON output, besides its `format`."""
    document = asdict(found)
    document["steps"] = [{**step, "kind": step["kind"].replace(" ", "_")} for step in document["steps"]]
    return document


def difference_lines(found: Difference, *, paint: Paint, full: bool = False) -> list[str]:
    """The lines: what the requests are, what they took, then each step with what differs in it."""
    lines = [f"{found.before[:12]} → {found.after[:12]}"]
    lines += [f"  {line}" for text in found.about for line in _about(text, paint)]
    lines.append(f"  {_figures(found.figures)}")
    for number, step in enumerate(found.steps):
        lines += _step(step, paint, full=full, first=number == found.first)
    if found.first is None:
        lines.append("no step did anything else")
    return [no_commands(line) for line in lines]


def _about(text: Text, paint: Paint) -> Iterable[str]:
    if text.before == text.after:
        return [f"{text.label}  {one_line(text.before)}"]
    return _field(text, paint)


def _step(step: StepDifference, paint: Paint, *, full: bool, first: bool) -> Iterator[str]:
    mark = "   ← first difference" if first else ""
    yield f"{_MARKS[step.kind]} {one_line(step.name, 120)}  {_figures(step.figures)}{mark}"
    for text in step.texts:
        shown = list(_field(text, paint))
        yield from (f"    {line}" for line in (shown if full else shown[: LINES + 1]))
        if not full and len(shown) > LINES + 1:
            yield f"    … {len(shown) - LINES - 1:,} more lines (--full)"


def _field(text: Text, paint: Paint) -> list[str]:
    return field_lines(FieldChange(path=text.label, before=text.before or None, after=text.after or None), paint=paint)


def _figures(figures: Iterable[Figure]) -> str:
    return "  ".join(_figure(figure) for figure in figures)


def _figure(figure: Figure) -> str:
    old, new = (_shown(figure.label, value) for value in (figure.before, figure.after))
    label = "" if figure.label in ("seconds", "cost") else f"{figure.label} "
    return f"{label}{old}" if old == new else f"{label}{old} → {new}"


def _shown(label: str, value: float | None) -> str:
    if value is None:
        return "-"
    if label == "cost":
        return money(value)
    return seconds(value) if label in ("seconds", "first token") else f"{value:,.0f}"
