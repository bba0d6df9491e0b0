"""The cases of a comparison for the HTML page: one entry each, to be filtered and opened, with answers, reasons and steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from llmops_git.evals.values import Comparison
from llmops_git.reports import numbers
from llmops_git.reports.cases import CaseRow, Measured
from llmops_git.reports.evidence import NOTHING, cut
from llmops_git.reports.html_steps import Traces, steps_view
from llmops_git.reports.rows import Level

if TYPE_CHECKING:
    from markupsafe import Markup

    Diff = Callable[[str, str], tuple[Markup, Markup]]

MOST_CASES = 5_000  # entries of one comparison
MOST_CHARS = 4_000_000  # of answers and reasons on a page; later entries have their scores only
_CHARS = 3_000  # of one answer
_REASON = 1_000
_ANSWERS = 3  # of the repeats of a case that differ
Kind = Literal["failed", "missing", "worse", "better", "same"]
_ORDER: tuple[Kind, ...] = ("failed", "missing", "worse", "better", "same")
_WORDS = {
    "failed": "Holds the change", "missing": "Not measured", "worse": "Worse", "better": "Better", "same": "Same",
    "must": "Must pass",
}  # fmt: skip


@dataclass(slots=True)
class Room:
    """How many characters of answers and reasons still fit on the page."""

    left: int = MOST_CHARS

    def take(self, *texts: str) -> bool:
        """Whether these still fit; then they are counted."""
        size = sum(map(len, texts))
        if size > self.left:
            return False
        self.left -= size
        return True


def cases_view(
    comparison: Comparison, rows: Sequence[CaseRow], traces: Traces, shown: frozenset[str], room: Room, diff: Diff
) -> dict[str, Any]:
    """All cases as the template wants them: those that hold the change first. Cases in `shown` have their steps elsewhere."""
    grouped = [(case, list(own)) for case, own in groupby(rows, key=lambda row: row.case)]
    ordered = sorted(grouped, key=lambda item: _ORDER.index(kind_of(item[1])))
    entries = [_entry(comparison, case, own, traces, shown, room, diff) for case, own in ordered[:MOST_CASES]]
    return {
        "title": f"All cases: {numbers.count(len(grouped), 'case')}",
        "entries": entries,
        "kinds": list(_kinds(entries)),
        "more": f"and {len(grouped) - MOST_CASES:,} more cases in run.json" if len(grouped) > MOST_CASES else "",
    }


def _kinds(entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What can be filtered by: each kind that some case is of, but not all are."""
    for kind, words in _WORDS.items():
        count = sum(kind in entry["kinds"] for entry in entries)
        if 0 < count < len(entries):
            yield {"kind": kind, "words": f"{words} {count:,}"}


def kind_of(rows: Sequence[CaseRow]) -> Kind:
    """What a case is, by the worst of its scorers."""
    if any(row.outcome == "failed" for row in rows):
        return "failed"
    if any(row.outcome == "missing" or (row.head.value is None and row.head.applies) for row in rows):
        return "missing"
    moved = {row.moved for row in rows}
    return "worse" if "worse" in moved else "better" if "better" in moved else "same"


def _entry(
    comparison: Comparison,
    case: str,
    rows: Sequence[CaseRow],
    traces: Traces,
    shown: frozenset[str],
    room: Room,
    diff: Diff,
) -> dict[str, Any]:
    must = any(row.must_pass for row in rows)
    kinds = dict.fromkeys([kind_of(rows), *(row.moved for row in rows if row.moved in {"worse", "better"})])
    sides = [_answers(row) for row in (rows[0].base, rows[0].head)]
    whys = [why for row in rows if (why := reasons(row)) is not None]
    fits = room.take(*sides, *(text for why in whys for text in (why["base"], why["head"])))
    before, after = diff(*sides) if fits else (NOTHING, NOTHING)
    base, head = (traces.get((digest, case)) for digest in (comparison.base_digest, comparison.head_digest))
    return {
        "name": case,
        "must_pass": must,
        "kinds": [*kinds, *(["must"] if must else [])],
        "scorers": [_scorer(row) for row in rows],
        "text": fits,
        "alone": not rows[0].base.samples,
        "before": before,
        "after": after,
        "reasons": whys if fits else [],
        "steps": None if case in shown or not fits else steps_view(base, head, diff),
    }


def _scorer(row: CaseRow) -> dict[str, Any]:
    level: Level = "bad" if row.outcome == "failed" or row.moved == "worse" else "good" if row.moved == "better" else "info"
    words = {"worse": "worse", "better": "better", "same": "", "unknown": ""}[row.moved]
    if row.head.value is None:
        level, words = ("unmeasured", "not measured") if row.head.applies else ("info", "does not apply")
    return {
        "name": row.scorer,
        "base": numbers.NONE if row.base.value is None else numbers.plain(row.base.value, 2),
        "head": numbers.NONE if row.head.value is None else numbers.plain(row.head.value, 2),
        "alone": not row.base.samples,
        "level": level,
        "words": words,
    }


def reasons(row: CaseRow) -> dict[str, str] | None:
    """Why a scorer said what it said of both sides: a judge's reasoning, what was expected, why there is no score."""
    base, head = _why(row.base), _why(row.head)
    return {"scorer": row.scorer, "base": base, "head": head} if base or head else None


def _why(side: Measured) -> str:
    return cut("\n".join(dict.fromkeys((*side.explanations, *(side.missing if side.samples else ())))), _REASON)


def _answers(side: Measured) -> str:
    """What a side answered: the answers of its repeats, each once."""
    told = [cut(text, _CHARS) for text in side.outputs[:_ANSWERS]]
    more = [f"\u2026 {len(side.outputs) - _ANSWERS} more answers"] if len(side.outputs) > _ANSWERS else []
    return "\n\u2014\n".join([*told, *more])
