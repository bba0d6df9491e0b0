"""What the HTML template shows of each config: our words, numbers, and texts that are escaped when they are printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.configs.values import Change, FieldChange
from llmops_git.evals.values import Comparison, FlippedCase, Run, ScorerComparison
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.cases import CaseRow, case_rows
from llmops_git.reports.clean import clean
from llmops_git.reports.evidence import NOTHING, cut, flips_in_words, moved
from llmops_git.reports.html_steps import NO_TRACES, Traces, steps_view
from llmops_git.reports.method import blind_spot, remarks
from llmops_git.reports.phrases import Name, Outside, Phrase, unique
from llmops_git.reports.rows import HEADINGS, LEVELS, Level, Row, filled, table, unit_of
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
_CASES = 5_000  # rows of the table of all cases
_WIDTH, _HEIGHT = 140, 16  # of a plot


def inline(phrase: Phrase) -> Markup:
    """A sentence, its names as code, all of it escaped."""
    from markupsafe import Markup

    parts = (Markup("<code>{}</code>").format(clean(part.text)) if isinstance(part, Name) else _words(part) for part in phrase)
    return Markup("").join(parts)


def _words(part: str | Outside) -> str:
    return clean(part.text) if isinstance(part, Outside) else part


def config_view(config: ConfigReport, runs: Sequence[Run], traces: Traces = NO_TRACES, *, alone: bool) -> dict[str, Any]:
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
        "tables": [_table(config, shown, runs, traces, is_open=alone and shown.gating) for shown in shown_comparisons(config)],
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


def _table(config: ConfigReport, shown: Shown, runs: Sequence[Run], traces: Traces, *, is_open: bool) -> dict[str, Any]:
    comparison = shown.comparison
    rows = table(comparison)
    kept = filled(rows)
    headings = [(shown.side, *HEADINGS[1:])[index] for index in kept]
    scale = _scale(comparison.scorers)
    plots = [_plot(scorer, _own_scale(shown, scorer, scale)) for scorer in comparison.scorers]
    flips = sorted(comparison.flipped, key=lambda case: (case.better, not case.must_pass))
    cases = [row for row in case_rows(config, comparison, runs) if row.head.samples or row.base.samples]
    ordered = sorted(cases, key=lambda row: ("failed", "missing", "passed", "skipped").index(row.outcome))
    return {
        "caption": inline(shown.caption),
        "headings": headings,
        "plots": any(plots),
        "rows": [
            _row(row, kept, headings, shown, plot) for row, plot in zip(rows, [*plots, *[None] * len(rows)], strict=False)
        ],
        "remarks": [inline(remark) for remark in remarks(comparison)],
        "flips": [
            _flip(case) | {"steps": steps} for case, steps in zip(flips, _all_steps(comparison, flips, traces), strict=True)
        ],
        "flips_title": flips_in_words(flips),
        "open": is_open,
        "cases": [_case(row) for row in ordered[:_CASES]],
        "cases_title": f"All cases: {numbers.count(len({row.case for row in cases}), 'case')}",
        "cases_more": f"and {len(cases) - _CASES:,} more rows in run.json" if len(cases) > _CASES else "",
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


def _scale(scorers: Sequence[ScorerComparison]) -> float:
    """The half width of all plots of a table."""
    ends = [abs(end) for scorer in scorers for end in (scorer.low, scorer.high, scorer.margin) if end is not None]
    return max((end for end in ends if math.isfinite(end)), default=0.0) or 1.0


def _own_scale(shown: Shown, scorer: ScorerComparison, scale: float) -> float:
    """Rates share a scale; a scorer that is a plain number has its own."""
    return scale if unit_of(shown.comparison, scorer) == "rate" and scale <= 1 else _scale([scorer])


def _plot(scorer: ScorerComparison, scale: float) -> Markup | None:
    """The interval of a scorer, worse on the left: a dot for the difference, dashes where the margin is."""
    from markupsafe import Markup

    if scorer.low is None or scorer.high is None or scorer.delta is None:
        return None
    middle, half = _WIDTH / 2, _WIDTH / 2 - 6

    def x(value: float) -> float:
        return round(middle + half * max(-1.0, min(1.0, value / scale)), 1)

    low, high = x(scorer.low), x(scorer.high)
    delta = x(scorer.delta if scorer.direction == "higher" else -scorer.delta)
    level = LEVELS[scorer.verdict] if scorer.gating else "info"
    return Markup(
        '<svg width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="interval">'
        '<line class="axis" x1="{}" x2="{}" y1="0" y2="{}"/><line class="margin" x1="{}" x2="{}" y1="1" y2="{}"/>'
        '<rect class="{}" x="{}" y="5" width="{}" height="6" rx="3"/><circle class="{}" cx="{}" cy="8" r="4"/></svg>'
    ).format(
        _WIDTH, _HEIGHT, _WIDTH, _HEIGHT, middle, middle, _HEIGHT, x(-scorer.margin), x(-scorer.margin), _HEIGHT - 1,
        level, low, round(max(high - low, 1), 1), level, delta,
    )  # fmt: skip


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


def _flip(case: FlippedCase) -> dict[str, Any]:
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
    }


def _case(row: CaseRow) -> dict[str, Any]:
    level: Level = "bad" if row.outcome == "failed" else "unmeasured" if row.outcome == "missing" else "info"
    words = {"worse": "worse", "better": "better", "same": "", "unknown": ""}[row.moved]
    if row.outcome in {"missing", "skipped"}:
        words = ", ".join(row.head.missing) if row.head.applies else "does not apply"
    return {
        "name": row.case,
        "scorer": row.scorer,
        "must_pass": row.must_pass,
        "base": numbers.NONE if row.base.value is None else numbers.plain(row.base.value, 2),
        "head": numbers.NONE if row.head.value is None else numbers.plain(row.head.value, 2),
        "level": level,
        "words": words,
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
