"""A case to be looked at, as lines of a terminal. Every text is cleaned of what could act on it."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.evals.people.items import Item, Output, Question
from llmops_git.reports.clean import clean
from llmops_git.reports.style import Paint
from llmops_git.reports.values_text import as_text

MOST = 6_000  # characters of one text that are shown


def question_lines(question: Question, paint: Paint) -> list[str]:
    """What is asked, and the keys of the answers."""
    lines = [paint(clean(f"{question.config}: {question.scorer}"), "bold")]
    lines += [f"  {line}" for line in shown(question.text).split("\n")] if question.text else []
    return [*lines, "  " + keys(question)]


def keys(question: Question) -> str:
    """`1 pass, 2 fail, s skip, n note, b back, q quit`."""
    said = [f"{number} {clean(label)}" for number, label in enumerate(question.labels, 1)]
    return ", ".join([*said, "s skip", "n note", "b back", "q quit"])


def item_lines(item: Item, number: int, total: int, paint: Paint) -> list[str]:
    """The case: what was asked and expected. Not why it was drawn, which would tell what to look for."""
    lines = ["", paint(f"{number} of {total}  {clean(item.case.id)}", "bold")]
    lines += _block("asked", "\n".join(f"{name}: {as_text(value)}" for name, value in item.case.inputs.items()), paint)
    if item.case.expected is not None:
        lines += _block("expected", as_text(item.case.expected), paint)
    return lines


def output_lines(output: Output, paint: Paint) -> list[str]:
    """One output, named by its place only."""
    return _block(f"output {output.shown}" if output.shown else "output", output.text, paint)


def shown(text: str) -> str:
    """A text cleaned, and cut where it is very long."""
    more = f"\n(and {len(text) - MOST:,} more characters)" if len(text) > MOST else ""
    return clean(text[:MOST]) + more


def _block(name: str, text: str, paint: Paint) -> list[str]:
    body: Sequence[str] = shown(text).split("\n") if text else ["(nothing)"]
    return [paint(name, "dim"), *(f"  {line}" for line in body)]
