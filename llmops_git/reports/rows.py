"""The table of one comparison, as values that every format lays out: a row per scorer, cost and latency, then slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llmops_git.evals.gate import leans_worse
from llmops_git.evals.values import Comparison, RatioComparison, ScorerComparison, SliceComparison, Verdict
from llmops_git.reports import numbers
from llmops_git.reports.numbers import NBSP, Unit
from llmops_git.reports.phrases import Name, Phrase

Level = Literal["good", "same", "bad", "unsure", "unmeasured", "info"]

LEVELS: dict[Verdict, Level] = {
    "improved": "good",
    "unchanged": "same",
    "regressed": "bad",
    "inconclusive": "unsure",
    "invalid": "unmeasured",
}
VERDICT_WORDS: dict[Verdict, str] = {
    "improved": "improved",
    "unchanged": "unchanged",
    "regressed": "regressed",
    "inconclusive": "inconclusive",
    "invalid": "not measured",
}
HEADINGS = ("base", "head", "change", "interval", "cases", "worse / better")  # of Row.numeric; the base may have a name
RATIO_NAMES = {"cost": "cost", "latency": "latency, median", "latency_p50": "latency, median", "tokens": "tokens"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table: texts of the cells, ready to be padded or escaped. `unit` says what `change` counts in."""

    label: Phrase
    base: str
    head: str
    change: str
    interval: str
    cases: str = ""
    moved: str = ""  # cases worse / better
    verdict: str
    level: Level

    @property
    def numeric(self) -> tuple[str, ...]:
        """The cells of `HEADINGS`, in order."""
        return (self.base, self.head, self.change, self.interval, self.cases, self.moved)


def table(comparison: Comparison) -> tuple[Row, ...]:
    """The rows of a comparison, in the order of its scorers, ratios and slices."""
    scorers = [_scorer_row(comparison, scorer) for scorer in comparison.scorers]
    ratios = [ratio for ratio in comparison.ratios if _worth_a_row(ratio)]
    slices = [_slice_row(comparison, part) for part in comparison.slices]
    return (*scorers, *(_ratio_row(ratio) for ratio in ratios), *slices)


def filled(rows: Sequence[Row]) -> list[int]:
    """Which columns of `Row.numeric` say anything: a config without a baseline has no base, change or interval."""
    return [index for index in range(len(HEADINGS)) if any(row.numeric[index] not in {"", numbers.NONE} for row in rows)]


def unit_of(comparison: Comparison, scorer: ScorerComparison | SliceComparison) -> Unit:
    """Rates (0 to 1) read as percent and points; a scorer that ever left that range is a plain number."""
    values = [scorer.base, scorer.head]
    for case in comparison.flipped:
        if case.scorer == scorer.scorer:
            values += [case.base_value, case.head_value]
    return "rate" if all(value is None or 0 <= value <= 1 for value in values) else "number"


def oriented(scorer: ScorerComparison) -> float:
    """The difference with plus for better; 0 where there is none."""
    delta = scorer.delta or 0.0
    return delta if scorer.direction == "higher" else -delta


def scorer_interval(scorer: ScorerComparison | SliceComparison, unit: Unit) -> str:
    """The interval of the difference as shown (head - base), whatever the direction of the scorer."""
    if scorer.direction == "higher" or scorer.low is None or scorer.high is None:
        return numbers.interval(scorer.low, scorer.high, unit)
    return numbers.interval(-scorer.high, -scorer.low, unit)


def scorer_verdict(scorer: ScorerComparison) -> str:
    """The verdict of one scorer in words."""
    words = VERDICT_WORDS[scorer.verdict]
    if leans_worse(scorer):
        words += ", leaning worse"
    return words if scorer.gating else f"{words} (not gating)"


def _scorer_row(comparison: Comparison, scorer: ScorerComparison) -> Row:
    unit = unit_of(comparison, scorer)
    label: Phrase = (Name(scorer.scorer),)
    row = Row(
        label=label if scorer.direction == "higher" else (*label, " (lower is better)"),
        base=numbers.score(scorer.base, unit),
        head=numbers.score(scorer.head, unit),
        change=numbers.difference(scorer.delta, unit),
        interval=scorer_interval(scorer, unit),
        cases=f"{scorer.cases:,}",
        moved=f"{scorer.worse:,} / {scorer.better:,}" if scorer.worse or scorer.better or scorer.same else "",
        verdict=scorer_verdict(scorer),
        level=LEVELS[scorer.verdict] if scorer.gating else "info",
    )
    alone = comparison.against == "nothing" and scorer.verdict == "unchanged"
    return replace(row, verdict="", level="info") if alone else row


def _slice_row(comparison: Comparison, part: SliceComparison) -> Row:
    """A scorer over the cases with one tag: for readers, never good or bad."""
    unit = unit_of(comparison, part)
    return Row(
        label=(Name(part.scorer), " \u00b7 ", Name(part.tag)),
        base=numbers.score(part.base, unit),
        head=numbers.score(part.head, unit),
        change=numbers.difference(part.delta, unit),
        interval=scorer_interval(part, unit),
        cases=f"{part.cases:,}",
        verdict="",
        level="info",
    )


def _ratio_row(ratio: RatioComparison) -> Row:
    verdict, level = _ratio_verdict(ratio)
    per = " per 1,000" if ratio.unit.lower() in {"usd", "$"} else ""
    known = RATIO_NAMES.get(ratio.name)
    return Row(
        label=(f"{known}{per}",) if known else (Name(ratio.name), per),
        base=numbers.amount(ratio.base, ratio.unit),
        head=numbers.amount(ratio.head, ratio.unit),
        change=numbers.growth(ratio.ratio),
        interval=numbers.growth_interval(ratio.low, ratio.high),
        verdict=verdict,
        level=level,
    )


def _ratio_verdict(ratio: RatioComparison) -> tuple[str, Level]:
    if ratio.base is None and ratio.head is not None:
        return "", "info"  # nothing to compare with
    if ratio.state == "not measured":
        return "not measured", "unmeasured" if ratio.max_ratio is not None else "info"
    if ratio.max_ratio is None:
        return "no budget", "info"
    budget = numbers.growth(ratio.max_ratio).replace(".0 ", " ").replace(" ", NBSP)
    if ratio.state == "within":
        return f"within {budget}", "same"
    if ratio.state == "over":
        return f"over {budget}", "bad"
    return f"unproven ({budget})", "info"


def _worth_a_row(ratio: RatioComparison) -> bool:
    """Not a ratio that says nothing: neither side measured, or a model that costs nothing, and no budget to hold."""
    sides = {ratio.base, ratio.head} - {None}
    return ratio.max_ratio is not None or (bool(sides) and sides != {0.0})
