"""What the HTML template shows of each config: our words, numbers, and texts that are escaped when they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.configs.values import Change, FieldChange
from llmops_git.evals.values import Comparison, FlippedCase, Run
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.cases import CaseRow, case_rows
from llmops_git.reports.clean import clean
from llmops_git.reports.evidence import NOTHING, cut, flips_in_words, moved
from llmops_git.reports.html_cases import Room, cases_view, reasons
from llmops_git.reports.html_plots import difference_plots, interval_plot, own_scale, scale_of
from llmops_git.reports.html_steps import NO_TRACES, Traces, steps_view
from llmops_git.reports.method import blind_spot, remarks
from llmops_git.reports.phrases import Name, Outside, Phrase, unique
from llmops_git.reports.rows import HEADINGS, Level, Row, filled, table
from llmops_git.reports.values import ConfigReport
from llmops_git.reports.values_text import as_text, both_as_text
from llmops_git.reports.verdicts import config_verdict, hard_failures
from llmops_git.reports.words import word_diff

if TYPE_CHECKING:
    from markupsafe import Markup

SYMBOLS: dict[Level, str] = {
    "good": "\u2713", "same": "=", "bad": "\u2717", "unsure": "?", "unmeasured": "!", "info": "\u00b7"
}  # fmt: skip
_MUTED: dict[Level, Level] = {
    "good": "info",
    "same": "same",
    "bad": "unsure",
    "unsure": "info",
    "unmeasured": "info",
    "info": "info",
}
_CHARS = 6_000  # of one answer
_FIELDS = 100
_TRACED = 100  # flipped cases of a table whose steps are shown


def inline(phrase: Phrase) -> Markup:
    """A sentence, its names as code, all of it escaped."""
    from markupsafe import Markup

    parts = (Markup("<code>{}</code>").format(clean(part.text)) if isinstance(part, Name) else _words(part) for part in phrase)
    return Markup("").join(parts)


def _words(part: str | Outside) -> str:
    return clean(part.text) if isinstance(part, Outside) else part


def config_view(
    config: ConfigReport, runs: Sequence[Run], traces: Traces = NO_TRACES, *, alone: bool, room: Room
) -> dict[str, Any]:
    """One config, as the template wants it."""
    level, words = config_verdict(config)
    fields = config.change.fields if config.change.status not in {"added", "removed"} else ()
    return {
        "name": config.change.config,
        "pack": config.kind == "pack",
        "level": level,
        "symbol": SYMBOLS[level],
        "words": words,
        "changed": _changed(config.change),
        "notes": config.notes,
        "broken": hard_failures(config),
        "tables": [
            _table(config, shown, runs, traces, room, is_open=alone and shown.gating) for shown in shown_comparisons(config)
        ],
        "blind_spot": inline(blind_spot(config)),
        "fields": [_field(field) for field in fields[:_FIELDS]],
        "fields_title": f"What changed: {numbers.count(len(fields), 'field')}",
        "fields_more": f"and {len(fields) - _FIELDS:,} more" if len(fields) > _FIELDS else "",
    }


def _changed(change: Change) -> str:
    origin = f" from {change.renamed_from}" if change.renamed_from else ""
    said = [f"{change.status}{origin}{': ' if change.aspects else ''}{', '.join(change.aspects)}"]
    if change.bump != "none":
        said.append(f"{change.bump} release")
    origins = unique(chain[0] for chain in change.because if chain)
    if origins:
        more = f" and {numbers.count(len(origins) - 1, 'more file')}" if len(origins) > 1 else ""
        said.append(f"because of {origins[0]}{more}")
    return " · ".join(said)


def _table(
    config: ConfigReport, shown: Shown, runs: Sequence[Run], traces: Traces, room: Room, *, is_open: bool
) -> dict[str, Any]:
    comparison = shown.comparison
    rows = table(comparison)
    kept = filled(rows)
    headings = [(shown.side, *HEADINGS[1:])[index] for index in kept]
    scale = scale_of(comparison.scorers)
    plots = [interval_plot(scorer, own_scale(shown, scorer, scale)) for scorer in comparison.scorers]
    flips = sorted(comparison.flipped, key=lambda case: (case.better, not case.must_pass))
    cases = [row for row in case_rows(config, comparison, runs) if row.head.samples or row.base.samples]
    why = {(row.case, row.scorer): row for row in cases}
    steps = list(_all_steps(comparison, flips, traces))
    traced = frozenset(flip.case for flip, found in zip(flips, steps, strict=True) if found is not None)
    return {
        "caption": inline(shown.caption),
        "headings": headings,
        "plots": any(plots),
        "rows": [
            _row(row, kept, headings, shown, plot) for row, plot in zip(rows, [*plots, *[None] * len(rows)], strict=False)
        ],
        "differences": difference_plots(shown, cases),
        "remarks": [inline(remark) for remark in remarks(comparison)],
        "flips": [
            _flip(case, why.get((case.case, case.scorer))) | {"steps": found} for case, found in zip(flips, steps, strict=True)
        ],
        "flips_title": flips_in_words(flips),
        "open": is_open,
        "cases": cases_view(comparison, cases, traces, traced, room, _sides) if cases else None,
    }


def _row(row: Row, kept: Sequence[int], headings: Sequence[str], shown: Shown, plot: Markup | None) -> dict[str, Any]:
    level = row.level if shown.gating else _MUTED[row.level]
    return {
        "label": inline(row.label),
        "cells": [_cell(heading, row.numeric[index]) for heading, index in zip(headings, kept, strict=True)],
        "level": level,
        "symbol": SYMBOLS[level] if row.verdict else "",
        "verdict": row.verdict,
        "plot": plot,
    }


def _cell(heading: str, text: str) -> dict[str, Any]:
    return {"name": heading, "text": text or numbers.NONE, "none": text in {"", numbers.NONE}}


def _all_steps(comparison: Comparison, flips: Sequence[FlippedCase], traces: Traces) -> Iterator[dict[str, Any] | None]:
    """The steps of each flipped case; a case is shown with them once, and only so many are."""
    shown: set[str] = set()
    for flip in flips:
        if flip.case in shown or len(shown) >= _TRACED:
            yield None
            continue
        shown.add(flip.case)
        base, head = (traces.get((digest, flip.case)) for digest in (comparison.base_digest, comparison.head_digest))
        yield steps_view(base, head, _sides)


def _flip(case: FlippedCase, row: CaseRow | None) -> dict[str, Any]:
    level: Level = "good" if case.better else "bad"
    asked = "\n".join(f"{key}: {as_text(value)}" for key, value in case.inputs.items())
    before, after = _sides(cut(case.base_output, _CHARS), cut(case.head_output, _CHARS))
    return {
        "name": case.case,
        "scorer": case.scorer,
        "level": level,
        "symbol": SYMBOLS[level],
        "word": "Better" if case.better else "Worse",
        "moved": moved(case),
        "must_pass": case.must_pass,
        "asked": cut(asked, _CHARS) or NOTHING,
        "expected": NOTHING if case.expected is None else cut(as_text(case.expected), _CHARS),
        "before": before,
        "after": after,
        "why": None if row is None else reasons(row),
    }


def _field(field: FieldChange) -> dict[str, Any]:
    before, after = _sides(*(cut(text, _CHARS) for text in both_as_text(field.before, field.after)))
    return {"path": field.path, "before": before, "after": after}


def _sides(before: str, after: str) -> tuple[Markup, Markup]:
    """Both texts, what was removed and what was added marked word by word."""
    from markupsafe import Markup

    left, right = Markup(), Markup()
    for piece in word_diff(before, after):
        text = clean(piece.text)
        if piece.kind != "added":
            left += Markup("<del>{}</del>").format(text) if piece.kind == "removed" else text
        if piece.kind != "removed":
            right += Markup("<ins>{}</ins>").format(text) if piece.kind == "added" else text
    nothing = Markup("{}").format(NOTHING)
    return left or nothing, right or nothing
