"""The plots of the HTML page: the interval of each scorer in its row, and how the differences of the cases lie around it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.evals.values import ScorerComparison
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown
from llmops_git.reports.cases import CaseRow
from llmops_git.reports.rows import LEVELS, unit_of

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH, _HEIGHT = 140, 16  # of the interval in a row
_WIDE, _TALL = 320, 112  # of the differences
_BARS = 10  # on either side of no difference
_FLOOR, _CEILING = 78, 14  # between which bars stand
_LEAST = 3  # height of a bar with few cases


def scale_of(scorers: Sequence[ScorerComparison]) -> float:
    """The half width of all plots of a table."""
    ends = [abs(end) for scorer in scorers for end in (scorer.low, scorer.high, scorer.margin) if end is not None]
    return max((end for end in ends if math.isfinite(end)), default=0.0) or 1.0


def own_scale(shown: Shown, scorer: ScorerComparison, scale: float) -> float:
    """Rates share a scale; a scorer that is a plain number has its own."""
    return scale if unit_of(shown.comparison, scorer) == "rate" and scale <= 1 else scale_of([scorer])


def interval_plot(scorer: ScorerComparison, scale: float) -> Markup | None:
    """The interval of a scorer, worse on the left: a dot for the difference, dashes where the margin is."""
    from markupsafe import Markup

    if scorer.low is None or scorer.high is None or scorer.delta is None:
        return None
    middle, half = _WIDTH / 2, _WIDTH / 2 - 6

    def x(value: float) -> float:
        return round(middle + half * max(-1.0, min(1.0, value / scale)), 1)

    low, high = x(scorer.low), x(scorer.high)
    level = LEVELS[scorer.verdict] if scorer.gating else "info"
    return Markup(
        '<svg width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="interval">'
        '<line class="axis" x1="{}" x2="{}" y1="0" y2="{}"/><line class="margin" x1="{}" x2="{}" y1="1" y2="{}"/>'
        '<rect class="{}" x="{}" y="5" width="{}" height="6" rx="3"/><circle class="{}" cx="{}" cy="8" r="4"/></svg>'
    ).format(
        _WIDTH, _HEIGHT, _WIDTH, _HEIGHT, middle, middle, _HEIGHT, x(-scorer.margin), x(-scorer.margin), _HEIGHT - 1,
        level, low, round(max(high - low, 1), 1), level, x(_oriented(scorer, scorer.delta)),
    )  # fmt: skip


def difference_plots(shown: Shown, rows: Sequence[CaseRow]) -> list[dict[str, Any]]:
    """For each scorer with an interval: a picture of the differences of its cases, and the same in words."""
    found = []
    for scorer in shown.comparison.scorers:
        differences = [
            _oriented(scorer, row.head.value - row.base.value)
            for row in rows
            if row.scorer == scorer.scorer and row.base.value is not None and row.head.value is not None
        ]
        if differences and scorer.low is not None and scorer.high is not None and scorer.delta is not None:
            found.append(
                {"name": scorer.scorer, "picture": _differences(shown, scorer, differences), "words": _words(shown, scorer)}
            )
    return found


def _oriented(scorer: ScorerComparison, value: float) -> float:
    return value if scorer.direction == "higher" else -value


def _words(shown: Shown, scorer: ScorerComparison) -> str:
    """How many cases got worse, stayed and got better, the mean difference with its interval, and the margin."""
    unit = unit_of(shown.comparison, scorer)
    delta = _oriented(scorer, scorer.delta or 0.0)
    told = f"{scorer.worse:,} worse, {scorer.same:,} the same, {scorer.better:,} better"
    interval = numbers.interval(scorer.low, scorer.high, unit)
    return f"{told}; on average {numbers.difference(delta, unit)} {interval}, margin {numbers.size(scorer.margin, unit)}"


def _differences(shown: Shown, scorer: ScorerComparison, differences: Sequence[float]) -> Markup:
    """Bars of how many cases moved how far, worse on the left; under them the mean, its interval and the margin."""
    from markupsafe import Markup

    low, high = scorer.low or 0.0, scorer.high or 0.0
    ends = [abs(end) for end in (*differences, low, high, scorer.margin) if math.isfinite(end)]
    scale = max(ends, default=0.0) or 1.0
    middle, half = _WIDE / 2, _WIDE / 2 - 16
    bar = half / (_BARS + 0.5)

    def x(value: float) -> float:
        return round(middle + half * max(-1.0, min(1.0, value / scale)), 1)

    counts = Counter(_bar_of(difference / scale) for difference in differences)
    most = max(counts.values())
    parts = []
    for place, count in sorted(counts.items()):
        height = max(_LEAST, round((_FLOOR - _CEILING) * count / most, 1))
        at = middle + place * half / _BARS
        level = "bad" if place < 0 else "good" if place else "same"
        parts.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/><text x="{}" y="{}">{}</text>').format(
                level,
                round(at - bar / 2, 1),
                round(_FLOOR - height, 1),
                round(bar, 1),
                height,
                round(at, 1),
                round(_FLOOR - height - 3, 1),
                f"{count:,}",
            )
        )
    level = LEVELS[scorer.verdict] if scorer.gating else "info"
    left, right = x(low), x(high)
    return Markup(
        '<svg class="differences" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="axis" x1="8" x2="{}" y1="{}" y2="{}"/><line class="axis" x1="{}" x2="{}" y1="{}" y2="96"/>'
        '<line class="margin" x1="{}" x2="{}" y1="{}" y2="96"/>{}'
        '<rect class="{} mean" x="{}" y="84" width="{}" height="6" rx="3"/><circle class="{}" cx="{}" cy="87" r="4"/>'
        '<text class="end" x="8" y="108">{}</text><text class="end last" x="{}" y="108">{}</text></svg>'
    ).format(
        _WIDE, _TALL, _words(shown, scorer), _WIDE - 8, _FLOOR, _FLOOR, middle, middle, _FLOOR, x(-scorer.margin),
        x(-scorer.margin), _FLOOR, Markup("").join(parts), level, left, round(max(right - left, 1), 1), level,
        x(_oriented(scorer, scorer.delta or 0.0)), "\u2190 worse", _WIDE - 8, "better \u2192",
    )  # fmt: skip


def _bar_of(share: float) -> int:
    """The bar of a difference, -10 to 10: whatever moved at all is not in the middle one."""
    place = round(share * _BARS)
    return place or (0 if abs(share) < 1e-9 else 1 if share > 0 else -1)  # noqa: PLR2004
