"""Draws how the scores of a config went from release to release, in characters."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 24  # characters of a whole bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def score_plots(releases: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Lines for each scorer, one per release: version, bar, score, and by how much it moved with its interval (plus is better).

    `releases` are (tag name, trailers of its message), oldest first; the trailer `Eval` holds the scores. Bars go from 0 to
    the greatest score of the scorer, or to 1. Releases that were not measured by a scorer are left out; a scorer that only
    one release was measured by is not drawn.
    """
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, trailers in releases:
        for scorer, score in _scores(trailers).items():
            found.setdefault(scorer, []).append((name.rpartition("/")[2], score))
    return [line for scorer, rows in sorted(found.items()) if len(rows) > 1 for line in _plot(scorer, rows)]


def _scores(trailers: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """The measured scores of one release; what cannot be read is none."""
    try:
        scores = json.loads(trailers.get("Eval", "{}"))["scores"]
        return {str(name): score for name, score in scores.items() if _is_number(score.get("head"))}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plot(scorer: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    most = max(1.0, *(float(score["head"]) for _, score in rows))
    wide = max(len(version) for version, _ in rows)
    return [
        scorer,
        *(f"  {version:<{wide}}  {bar(score['head'] / most)}  {score['head']:.4g}{_moved(score)}" for version, score in rows),
    ]


def bar(share: float) -> str:
    """A bar of a share from 0 to 1, in eighths of a character, always `WIDTH` characters wide."""
    eighths = round(min(max(share, 0.0), 1.0) * WIDTH * 8)
    drawn = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return drawn.ljust(WIDTH)


def _moved(score: Mapping[str, Any]) -> str:
    if not all(_is_number(score.get(name)) for name in ("delta", "low", "high")):
        return ""
    return f"  {score['delta']:+.3g} [{score['low']:+.3g}, {score['high']:+.3g}]"
