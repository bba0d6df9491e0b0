"""Exact tests on paired differences: by sign, and by flipping signs."""

from __future__ import annotations

import math
from collections.abc import Sequence


def sign_test(losses: int, wins: int, *, mid: bool = False) -> float:
    """One-sided p that losses outnumber wins by chance: P(Binomial(losses + wins, 1/2) >= losses).

    With `mid`, half of the probability of exactly `losses` is left out (mid-p).
    """
    changed = losses + wins
    ways = 2 * sum(math.comb(changed, i) for i in range(losses, changed + 1))
    if mid:
        ways -= math.comb(changed, losses)
    return ways / (1 << (changed + 1))


def mcnemar_exact_two_sided(b: int, c: int) -> float:
    """McNemar's exact two-sided p for b and c discordant pairs."""
    return min(1.0, 2 * sign_test(max(b, c), min(b, c)))


def signflip_exact(d: Sequence[float], *, scale: int, mid: bool = False) -> float:
    """One-sided p that the differences `d` sum this low by chance, over all 2^n ways to flip their signs.

    `scale` makes every difference a whole number (k repeats of a pass or fail: k). Counted by dynamic programming
    over sums: O(n * sum|d| * scale), about 1 s at n = 2,000.
    """
    sizes = [abs(round(value * scale)) for value in d]
    observed = sum(round(value * scale) for value in d)
    ways = {0: 1}
    for size in sizes:
        following: dict[int, int] = {}
        for total, count in ways.items():
            following[total - size] = following.get(total - size, 0) + count
            following[total + size] = following.get(total + size, 0) + count
        ways = following
    doubled = 2 * sum(count for total, count in ways.items() if total <= observed)
    if mid:
        doubled -= ways[observed]
    return doubled / (1 << (len(sizes) + 1))
