"""Quantiles and tails of Student's t and the beta distribution, with nothing but `math`.

Written by hand because importing a statistics library costs more time than a whole gate decision (0.3 s and up).
The incomplete beta function is the continued fraction of Abramowitz and Stegun 26.5.8, evaluated with Lentz's method.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
_EPSILON = 1e-16
_MOST_TERMS = 100_000
_MOST_STEPS = 200


def betainc(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a > 0, b > 0 and x in 0..1."""
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise ValueError(f"betainc needs a > 0, b > 0 and 0 <= x <= 1, not {a}, {b}, {x}")
    if x in {0.0, 1.0}:
        return float(x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # the fraction converges fast on one side of the mean; the other side is reached by symmetry
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c = 1.0
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            change = d * c
            value *= change
        if abs(change - 1) < _EPSILON:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def beta_ppf(p: float, a: float, b: float) -> float:
    """The quantile of the beta distribution: the x with I_x(a, b) = p, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_MOST_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if betainc(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def t_cdf(t: float, df: float) -> float:
    """P(T <= t) for Student's t with `df` degrees of freedom."""
    tail = _upper_tail(abs(t), df)
    return 1 - tail if t > 0 else tail


def _upper_tail(t: float, df: float) -> float:
    """P(T > t) for t >= 0."""
    return betainc(df / 2, 0.5, df / (df + t * t)) / 2


@lru_cache(maxsize=1024)
def t_ppf(p: float, df: float) -> float:
    """The quantile of Student's t: the t with P(T <= t) = p, for p strictly between 0 and 1.

    Newton's method on the upper tail, kept inside a bracket.
    """
    if not (0 < p < 1 and df > 0):
        raise ValueError(f"t_ppf needs 0 < p < 1 and df > 0, not {p}, {df}")
    half = 0.5
    if p == half:
        return 0.0
    if p < half:
        return -t_ppf(1 - p, df)
    q = 1 - p
    low, high = 0.0, 1.0
    while _upper_tail(high, df) > q:
        low, high = high, high * 2
    t = (low + high) / 2
    for _ in range(_MOST_STEPS):
        excess = _upper_tail(t, df) - q
        low, high = (t, high) if excess > 0 else (low, t)
        following = t + excess / _t_density(t, df)
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - t) <= _EPSILON * t:
            break
        t = following
    return t


def _t_density(t: float, df: float) -> float:
    scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(df * math.pi) / 2
    return math.exp(scale - (df + 1) / 2 * math.log1p(t * t / df))
