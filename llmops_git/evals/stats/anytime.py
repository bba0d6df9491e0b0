"""Evidence that may be looked at as often as one likes: e-processes and confidence sequences, for data without an end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops_git.evals.stats.distributions import betainc

_CAUTION = 0.5  # no bet risks more than this share of its capital
_STEPS = 50


def e_mix_sign(losses: int, wins: int) -> float:
    """How much a fair bet on "losses outnumber wins" has grown: an e-process for changed cases that arrive one by one.

    The mean of (2t)^losses (2(1 - t))^wins over t uniform in 1/2..1. If losses are no likelier than wins it ever reaches
    1/alpha with a chance of at most alpha, however often one looks (Ville 1939; Robbins 1970 on mixtures).
    """
    log_beta = math.lgamma(losses + 1) + math.lgamma(wins + 1) - math.lgamma(losses + wins + 2)
    upper = betainc(wins + 1, losses + 1, 0.5)  # of the posterior, the part above one half
    return math.exp((losses + wins + 1) * math.log(2) + log_beta) * upper


def confidence_sequence(values: Sequence[float], alpha: float = 0.05) -> tuple[float, float]:
    """An interval for the mean of values in 0..1 that holds at every look at once, with a chance of at least 1 - alpha.

    The hedged capital process with predictable plug-in bets of Waudby-Smith and Ramdas 2024 ("Estimating means of bounded
    random variables by betting"), intersected over all looks so far. `values` in the order in which they came.
    """
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("a confidence sequence needs values between 0 and 1")
    bets = _bets(values, alpha)
    low = _lowest(values, bets, alpha)
    high = 1 - _lowest([1 - value for value in values], bets, alpha)
    if low > high:  # nothing survived: the values contradict each other, as they may with a chance of alpha
        low = high = (low + high) / 2
    return low, high


def _bets(values: Sequence[float], alpha: float) -> list[float]:
    """How much to stake on each value, from those before it only."""
    bets = []
    total, squares = 0.5, 0.25
    for count, value in enumerate(values, 1):
        variance = squares / count
        bets.append(math.sqrt(2 * math.log(2 / alpha) / (variance * count * math.log(count + 1))))
        total += value
        squares += (value - total / (count + 1)) ** 2
    return bets


def _lowest(values: Sequence[float], bets: Sequence[float], alpha: float) -> float:
    """The smallest mean at which betting on "it is more" has not won by now; the capital falls as the mean rises."""
    goal = math.log(2 / alpha)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _won(values, bets, middle, goal):
            low = middle
        else:
            high = middle
    return low


def _won(values: Sequence[float], bets: Sequence[float], mean: float, goal: float) -> bool:
    """Whether the capital, from 1, ever reached exp(goal)."""
    capital = 0.0
    for value, bet in zip(values, bets, strict=True):
        stake = min(bet, _CAUTION / mean) if mean else bet
        capital += math.log1p(stake * (value - mean))
        if capital >= goal:
            return True
    return False
