"""Live traffic against live traffic, at every look: tests that need only counts and sums, and no memory of earlier looks.

A rate is tested by a bet that is paid back in full by whatever rate is true, a mean by the normal version of the same bet. Both
depend on the data only through their sums up to now, so a look needs nothing of the looks before it. The argument is in
docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from llmops_git.evals.stats.normal import z_ppf

STRENGTH = 200.0  # requests: at about this many and above, the bets are sized best
_TINY = 1e-12
_STEPS = 60
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Counts:
    """`hits` of `n` independent requests. Neither need be whole: weighted rows count as what they are worth."""

    n: float
    hits: float

    @property
    def rate(self) -> float:
        return self.hits / self.n


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, the variance of its error, and how many independent requests it is worth."""

    n: float
    mean: float
    variance: float


def log_bet(seen: Counts, rate: float) -> float:
    """The logarithm of what a bet against "the rate is `rate`" has grown to, from 1.

    The bet mixes all rates with a beta prior around the one that is bet against, worth STRENGTH requests. If that rate is true,
    the bet ever reaches 1/alpha with a chance of at most alpha, however often one looks (Ville 1939; Robbins 1970). A rate of 0
    or 1 is ruled out by the first counterexample.
    """
    misses = seen.n - seen.hits
    if (rate <= 0 < seen.hits) or (rate >= 1 and misses > 0):
        return math.inf
    rate = min(max(rate, _TINY), 1 - _TINY)
    for_, against = STRENGTH * rate, STRENGTH * (1 - rate)
    mixed = _log_beta(for_ + seen.hits, against + misses) - _log_beta(for_, against)
    return mixed - seen.hits * math.log(rate) - misses * math.log1p(-rate)


def rate_interval(seen: Counts, alpha: float = 0.05) -> tuple[float, float]:
    """The rates that no bet has ruled out: all looks at growing data together miss the true one with a chance up to alpha."""
    if seen.n <= 0:
        return 0.0, 1.0
    goal = math.log(1 / alpha)

    def ruled_out(rate: float) -> bool:
        return log_bet(seen, rate) >= goal

    low = _edge(ruled_out, 0.0, seen.rate)
    high = _edge(ruled_out, 1.0, seen.rate)
    return low, high


def log_evidence_of_rates(before: Counts, now: Counts, limit: Callable[[float], float], *, up: bool) -> float:
    """The logarithm of the evidence that the rate now is beyond `limit(the rate before)`; 0 where it does not look like it.

    The product of a bet on each stream, at the pair of rates within the limit that pays least: for whatever pair is true it is
    at most a fair bet, so it ever reaches 1/alpha with a chance of at most alpha. `limit` rises with its argument.
    """
    return _least_within(before, now, limit, log_bet, up=up)


def root_of_rates(before: Counts, now: Counts, limit: Callable[[float], float], *, up: bool) -> float:
    """How many standard deviations the rate now is beyond `limit(the rate before)`, at one look; 0 where it does not look so.

    The signed root of the likelihood ratio, each count half a request nearer to the limit: its tail is within a fifth of that
    of the exact conditional test, for a handful of counts and far out too, where a difference over its standard error is not.
    """
    shift = 0.5 if up else -0.5
    before = Counts(before.n, min(max(before.hits + shift, 0.0), before.n))
    now = Counts(now.n, min(max(now.hits - shift, 0.0), now.n))
    return math.sqrt(2 * _least_within(before, now, limit, _log_likelihood_ratio, up=up))


def _least_within(
    before: Counts, now: Counts, limit: Callable[[float], float], against: Callable[[Counts, float], float], *, up: bool
) -> float:
    """What is against the pair of rates within the limit that the two streams speak least against."""
    if before.n <= 0 or now.n <= 0:
        return 0.0
    excess = now.rate - limit(before.rate)
    if (excess <= 0) if up else (excess >= 0):
        return 0.0
    # that pair lies between what was seen before and what would just allow what is seen now
    far = _edge(lambda rate: (limit(rate) >= now.rate) == up, 1.0 if up else 0.0, before.rate)
    return max(0.0, _least(lambda rate: against(before, rate) + against(now, limit(rate)), before.rate, far))


def _log_likelihood_ratio(seen: Counts, rate: float) -> float:
    """Of the rate that was seen, to `rate`."""
    rate = min(max(rate, _TINY), 1 - _TINY)
    misses = seen.n - seen.hits
    total = 0.0
    if seen.hits > 0:
        total += seen.hits * math.log(seen.rate / rate)
    if misses > 0:
        total += misses * math.log((misses / seen.n) / (1 - rate))
    return total


def quantile_ranks(n: float, level: float, alpha: float) -> tuple[float, float]:
    """The levels between which the sample's quantiles hold the true quantile at `level`, at every look with 1 - alpha.

    How many of n values exceed the true quantile is a count with the known rate 1 - level: what the bet against that rate has
    not ruled out are the ranks where the quantile can be.
    """
    if n <= 0:
        return 0.0, 1.0
    goal = math.log(1 / alpha)
    expected = 1 - level

    def ruled_out(share: float) -> bool:
        return log_bet(Counts(n, share * n), expected) >= goal

    most = _edge(ruled_out, 1.0, expected)
    fewest = _edge(ruled_out, 0.0, expected)
    return 1 - most, 1 - fewest


def mean_radius(variance: float, unit_variance: float, alpha: float) -> float:
    """How far the true mean, or difference of means, may be from what is seen: two-sided, at all looks with about 1 - alpha.

    The normal mixture of Robbins 1970 in the time of information, 1 / `variance`; valid for large samples (Waudby-Smith,
    Arbour, Sinha, Kennedy and Ramdas 2024). `unit_variance` is that of one request: it sets at how many the radius is best.
    """
    if variance <= 0:
        return 0.0
    tuned = (
        STRENGTH * variance / unit_variance if unit_variance > 0 else 1.0
    )  # information of STRENGTH requests, over that of now
    return math.sqrt(variance * (1 + tuned) * (math.log((1 + tuned) / tuned) + 2 * math.log(1 / alpha)))


def fixed_radius(variance: float, alpha: float) -> float:
    """The same at one look: two-sided, with 1 - alpha, for large samples."""
    return z_ppf(1 - alpha / 2) * math.sqrt(max(variance, 0.0))


def difference(before: Mean, now: Mean, ratio: float = 1.0) -> Mean:
    """`now` - ratio x `before`. A side whose own values vary less than both together is taken to vary as much as they do: few
    requests that happen to agree are no proof that all will."""
    pooled = (before.variance * before.n**2 + now.variance * now.n**2) / (before.n + now.n)
    variances = [max(side.variance, pooled / side.n) for side in (before, now)]
    variance = ratio**2 * variances[0] + variances[1]
    smaller = 1 / (1 / before.n + 1 / now.n)
    return Mean(smaller, now.mean - ratio * before.mean, variance)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _edge(beyond: Callable[[float], bool], out: float, within: float) -> float:
    """Between `within`, and `out` if that is beyond: where it begins to be, seen from the outside."""
    if not beyond(out):
        return out
    for _ in range(_STEPS):
        middle = (out + within) / 2
        if beyond(middle):
            out = middle
        else:
            within = middle
    return out


def _least(of: Callable[[float], float], low: float, high: float) -> float:
    """The least value between two places of a function that falls and then rises, by golden section."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = of(left), of(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = of(right)
    return min(at_left, at_right)
