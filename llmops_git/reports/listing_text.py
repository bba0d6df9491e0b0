"""Live requests as a table for a terminal, the newest first; under a request what is worth a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llmops_git.reports.clean import clean
from llmops_git.reports.escape import one_line
from llmops_git.reports.numbers import money, seconds
from llmops_git.reports.style import Align, columns, display_width
from llmops_git.reports.trace_text import fitted

if TYPE_CHECKING:
    from llmops_git.monitoring.listing import Listed

SHORT_ID = 12
_HEADINGS = ("trace", "time (UTC)", "config", "release", "feature", "user", "time", "tokens", "cost")
_ALIGN: tuple[Align, ...] = ("<", "<", "<", "<", "<", "<", ">", ">", ">")
_CELL = 24  # columns of a name
_BELOW = ((), (4, 5), (2, 4, 5))  # columns that stand below their request in a narrow terminal: feature and user, then config


def listing_lines(found: Sequence[Listed], *, width: int) -> list[str]:
    """The table. Every text is cleaned, and lines are cut to the width; where the table is wider, feature and user, and then
    the config, stand below their request instead of pushing time, tokens and cost out."""
    cells = [_HEADINGS, *(_row(one) for one in found)]
    tables = [(below, _without(cells, below)) for below in _BELOW]
    below, table = next((pair for pair in tables if max(map(display_width, pair[1])) <= width), tables[-1])
    lines = [table[0]]
    for row, shown, one in zip(cells[1:], table[1:], found, strict=True):
        lines.append(shown)
        who = [row[index] for index in below if row[index]]
        if said := " · ".join([*who, *happened(one)]):
            lines.append(f"{' ' * (SHORT_ID + 2)}{said}")
    return [fitted(line, width) for line in lines]


def _without(cells: Sequence[Sequence[str]], below: Sequence[int]) -> list[str]:
    """The table without some columns."""
    kept = [index for index in range(len(_HEADINGS)) if index not in below]
    return columns([[row[index] for index in kept] for row in cells], [_ALIGN[index] for index in kept])


def _row(one: Listed) -> tuple[str, ...]:
    tokens = (
        ""
        if one.input_tokens is None and one.output_tokens is None
        else f"{_count(one.input_tokens)}→{_count(one.output_tokens)}"
    )
    return (
        one.trace_id[:SHORT_ID],
        f"{one.time:%m-%d %H:%M:%S}",
        _cell(one.config or one.name),
        _cell(one.release.rpartition("/")[2]),
        _cell(one.feature),
        _cell(one.user),
        seconds(one.seconds),
        tokens,
        "" if one.cost_usd is None else money(one.cost_usd),
    )


def happened(one: Listed) -> Iterator[str]:
    """What is worth a word: errors, guardrails that acted, signals, scores."""
    if one.error:
        yield f"failed: {_cell(one.error)}"
    for pack, rule, result in one.guardrails:
        yield f"{_cell(f'{pack}/{rule}')} {_cell(result)}"
    for name, value in one.signals:
        yield _cell(name) if value is None else f"{_cell(name)} {value:g}"
    for name, value, label in one.scores:
        yield f"{_cell(name)} {_cell(label) if value is None else f'{value:.2f}'}"


def _cell(text: str) -> str:
    return clean(one_line(text, _CELL))


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"
