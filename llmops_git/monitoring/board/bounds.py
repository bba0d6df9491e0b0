"""How sure a point is: bounds of a rate or a mean from sums of weights, each side at 97.5 %."""

from __future__ import annotations

import math

Z = 1.959964  # of the normal distribution, two-sided at 95 %
FEWEST = 2.0  # effective rows; below, a mean has no bounds


def effective(sum_w: float, sum_w2: float) -> float:
    """How many rows of equal weight say as much (Kish 1965)."""
    return sum_w * sum_w / sum_w2 if sum_w2 > 0 else 0.0


def rate_bounds(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` effective rows; (0, 1) where there are none."""
    if n <= 0:
        return 0.0, 1.0
    z2 = Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(max(share * (1 - share), 0.0) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_bounds(sums: tuple[float, float, float, float, float]) -> tuple[float, float] | None:
    """The interval of a weighted mean from the sums of w, w·v, w², w²·v and w²·v²; None for too few rows."""
    sum_w, sum_wv, sum_w2, sum_w2v, sum_w2vv = sums
    if sum_w <= 0 or effective(sum_w, sum_w2) < FEWEST:
        return None
    mean = sum_wv / sum_w
    variance = (sum_w2vv - 2 * mean * sum_w2v + mean * mean * sum_w2) / (sum_w * sum_w)
    half = Z * math.sqrt(max(variance, 0.0))
    return mean - half, mean + half
