"""When to ask every case again: more repeats while the answer is open, at a price in alpha. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Repeats
from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.values import Comparison

MIDDLE_LOOKS = (3, 5)
MOST_LOOKS = 3


def looks(repeats: Repeats) -> tuple[int, ...]:
    """The numbers of repeats at which the result is looked at: `start`, then 3 and 5 where they fit, then `max`.

    At most three looks, since the share of alpha that each may use is set for three: start 1, max 5 gives 1, 3, 5.
    """
    if repeats.max <= repeats.start:
        return (repeats.start,)
    middle = [look for look in MIDDLE_LOOKS if repeats.start < look < repeats.max]
    return (repeats.start, *middle[: MOST_LOOKS - 2], repeats.max)


def alpha_for(repeats: Repeats, settings: GateSettings) -> float:
    """The one-sided level of each look: all of alpha for a single one (also where the policy does not escalate), half of it
    for two or three.

    Looking three times at the full level would call 7 to 9 % of harmless changes a regression instead of 5 %; Pocock's
    exact share for three looks at .05 is .0232, and at .025 simulated runs stay at or below 5 %.
    """
    return settings.alpha if len(looks(repeats)) == 1 or not settings.escalate else settings.alpha / 2


def next_repeats(comparisons: Sequence[Comparison], done: int, repeats: Repeats) -> int:
    """How many repeats per case there should be in all: `done` when the matter is settled or `max` is reached.

    Repeats are for both sides and for all cases; asking only the failed ones again would hide flaky regressions.
    """
    if not any(is_open(comparisons, config) for config in {one.config for one in comparisons}):
        return done
    return next((look for look in looks(repeats) if look > done), done)


def is_open(comparisons: Sequence[Comparison], config: str) -> bool:
    """Whether more repeats could settle one config: some deciding comparison is inconclusive, and none is lost already.

    A comparison of too few cases (no p value) stays inconclusive however often they are asked.
    """
    gating = gating_comparisons([one for one in comparisons if one.config == config])
    if any(one.verdict in {"regressed", "invalid"} for one in gating):
        return False
    scorers = [scorer for one in gating for scorer in one.scorers if scorer.gating]
    return any(scorer.verdict == "inconclusive" and scorer.p_worse is not None for scorer in scorers)
