"""Intervals for a share of passes, and what repeats do to an all-must-pass rule."""

from __future__ import annotations

import math

from llmops_git.evals.stats.distributions import beta_ppf


def wilson(x: float, n: int, conf: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for x passes of n; two-sided at `conf`. Wilson 1927; no zero width at 0 or n passes."""
    from statistics import NormalDist  # 16 ms, and only floors ask for it

    z2 = NormalDist().inv_cdf((1 + conf) / 2) ** 2
    share = x / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


def clopper_pearson(x: float, n: int, conf: float = 0.95) -> tuple[float, float]:
    """The exact interval for x passes of n; two-sided at `conf`. Clopper and Pearson 1934.

    `x` may be fractional (a sum of per-case pass rates): the bounds stay monotone in x, and conservative, because a
    case's mean over repeats varies less than one pass or fail does.
    """
    tail = (1 - conf) / 2
    low = 0.0 if x <= 0 else beta_ppf(tail, x, n - x + 1)
    high = 1.0 if x >= n else beta_ppf(1 - tail, x + 1, n - x)
    return low, high


def rule_of_three(n: int, conf: float = 0.95) -> float:
    """The largest failure rate that n passes of n leave open, one-sided at `conf` (about 3 / n at 95 %)."""
    return -math.expm1(math.log1p(-conf) / n)


def pass_hat_k(correct: int, total: int, k: int) -> float:
    """The chance that k runs drawn without replacement from `total` all pass: C(correct, k) / C(total, k)."""
    return math.comb(correct, k) / math.comb(total, k)


def must_pass_false_block(per_call_failure: float, cases: int, repeats: int = 1) -> float:
    """The chance that an all-must-pass rule blocks although each call only fails by accident."""
    return -math.expm1(cases * repeats * math.log1p(-per_call_failure))
