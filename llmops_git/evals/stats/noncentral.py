"""Student's t when there is an effect: the power of a t test, and the effect it needs."""

from __future__ import annotations

import math

from llmops_git.evals.stats.distributions import betainc, t_ppf
from llmops_git.evals.stats.normal import z_cdf

_SMALLEST = 1e-17  # of a term that still counts
_MOST_TERMS = 100_000
_NO_SHIFT = 1e-15
_MOST_STEPS = 200


def nct_cdf(t: float, df: float, shift: float) -> float:
    """P(T <= t) for the noncentral t with `df` degrees of freedom and noncentrality `shift`.

    A series of incomplete beta functions with Poisson weights (Lenth 1989, AS 243), the weights taken from logarithms so
    that a large shift does not vanish.
    """
    if t < 0:
        return 1 - nct_cdf(-t, df, -shift)
    if abs(shift) < _NO_SHIFT:
        return 0.5 + betainc(0.5, df / 2, t * t / (df + t * t)) / 2
    x, half = t * t / (df + t * t), shift * shift / 2
    sign = math.copysign(1.0, shift)
    total = 0.0
    for j in range(_MOST_TERMS):
        even = math.exp(-half + j * math.log(half) - math.lgamma(j + 1))
        odd = sign * math.exp(-half + (j + 0.5) * math.log(half) - math.lgamma(j + 1.5))
        total += even * betainc(j + 0.5, df / 2, x) + odd * betainc(j + 1, df / 2, x)
        if j > half and even < _SMALLEST:
            break
    return min(1.0, max(0.0, z_cdf(-shift) + total / 2))


def power_noncentral_t(n: int, drop: float, sd: float, alpha: float = 0.05) -> float:
    """The chance that a one-sided t test of n paired differences with deviation `sd` shows a true `drop`."""
    return 1 - nct_cdf(t_ppf(1 - alpha, n - 1), n - 1, drop / sd * math.sqrt(n))


def mde_noncentral_t(n: int, sd: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true drop that n paired differences with deviation `sd` show with this power, by bisection.

    Exact where the deviation does not depend on the drop. The quantiles that `mde` adds up are 0.7 % too many at 10 cases and
    0.2 % at 50; that a drop makes the deviation grow matters far more, so the gate shows `mde`, and this one plans.
    """
    low, high = 0.0, sd
    while power_noncentral_t(n, high, sd, alpha) < power:
        low, high = high, high * 2
    for _ in range(_MOST_STEPS):
        middle = (low + high) / 2
        if middle in {low, high} or high - low < 1e-12 * high:
            break
        if power_noncentral_t(n, middle, sd, alpha) < power:
            low = middle
        else:
            high = middle
    return (low + high) / 2
