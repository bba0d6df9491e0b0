"""How far a repository is on the way from a prompt in git to a system that is watched: three levels, point by point. Pure.

Every point is one function over the facts. It says whether it holds, by what that can be seen, and the step that makes it hold.
The next step is that of the first point that does not: there is only ever one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmops_git.monitoring.maturity_built import (
    dashboards,
    eval_set,
    gate,
    logging,
    prompts,
    releases,
    suite,
    tracing,
)
from llmops_git.monitoring.maturity_facts import Facts
from llmops_git.monitoring.maturity_point import Level, Point
from llmops_git.monitoring.maturity_watched import alerts, guard_review, live_evals, regressions

LEVELS: tuple[Level, ...] = ("baseline", "repeatable", "mature")
POINTS: tuple[Callable[[Facts], Point], ...] = (
    prompts, eval_set, logging,
    suite, gate, releases, tracing, dashboards,
    live_evals, alerts, guard_review, regressions,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a repository stands: all points in order, and the level of which, as of those below, every point holds."""

    level: Level
    points: tuple[Point, ...]

    @property
    def next(self) -> Point | None:
        """The point whose step is the next one; None where everything holds."""
        return next((point for point in self.points if not point.holds), None)


def standing_of(facts: Facts) -> Standing:
    """Judge the facts."""
    points = tuple(judge(facts) for judge in POINTS)
    level: Level = "none"
    for candidate in LEVELS:
        if not all(point.holds for point in points if point.level == candidate):
            break
        level = candidate
    return Standing(level=level, points=points)
