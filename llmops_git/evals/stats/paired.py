"""The gate's statistic: the augmented paired t, its verdict and what it could not have seen."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.evals.stats.distributions import t_cdf, t_ppf

IntervalVerdict = Literal["improved", "unchanged", "regressed", "inconclusive"]

FEWEST_CLUSTERS = 5
_MOST_STEPS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentedT:
    """`mean` is the plain mean of the differences, `center` the augmented one (shrunk by n / (n + 2)) that the
    interval `lo`..`hi` (each side at 1 - alpha) surrounds; `p_worse` is the one-sided p of "worse than before"."""

    mean: float
    center: float
    se: float
    lo: float
    hi: float
    df: int
    p_worse: float


def aug_t(d: Sequence[float], *, g: float, alpha: float = 0.05, clusters: Sequence[Hashable] | None = None) -> AugmentedT:
    """A t interval on the differences `d` (one per case, plus is better) and two pseudo-cases, +g and -g.

    The pseudo-cases keep the interval from shrinking to nothing when few cases changed, where a plain t "proves" that
    nothing happened. For 0/1 scores this is the added-pairs interval of Agresti and Min 2005 and Bonett and Price 2012,
    with a t quantile. g = step / sqrt(repeats). With `clusters` (one label per case) the standard error is the
    cluster-robust CR1, the pseudo-cases being clusters of their own, and df = clusters - 1.
    """
    if not d or g <= 0:
        raise ValueError(f"the augmented t needs at least one difference and g > 0, not {len(d)} and {g}")
    n = len(d) + 2
    total = math.fsum(d)
    center = total / n
    if clusters is None:
        df = n - 1
        se = math.sqrt(_variance(d, g) / n)
    else:
        sums = _cluster_sums(d, clusters, center)
        df = len(sums) - 1
        squares = math.fsum(value * value for value in sums) + (g - center) ** 2 + (g + center) ** 2
        se = math.sqrt((len(sums) + 2) / (len(sums) + 1) * squares) / n
    half = t_ppf(1 - alpha, df) * se
    return AugmentedT(
        mean=total / len(d), center=center, se=se, lo=center - half, hi=center + half, df=df, p_worse=t_cdf(center / se, df)
    )


def _variance(d: Sequence[float], g: float) -> float:
    """The sample variance of d with +g and -g added."""
    n = len(d) + 2
    center = math.fsum(d) / n
    return (math.fsum((value - center) ** 2 for value in d) + (g - center) ** 2 + (g + center) ** 2) / (n - 1)


def _cluster_sums(d: Sequence[float], clusters: Sequence[Hashable], center: float) -> list[float]:
    sums: dict[Hashable, list[float]] = {}
    for value, cluster in zip(d, clusters, strict=True):
        sums.setdefault(cluster, []).append(value - center)
    if len(sums) < 2:  # noqa: PLR2004
        raise ValueError("a clustered interval needs at least two clusters")
    return [math.fsum(values) for values in sums.values()]


def verdict(lo: float, hi: float, margin: float) -> IntervalVerdict:
    """What an interval of the oriented difference says, against 0 and the largest drop one would ship unasked."""
    if lo > 0:
        return "improved"
    if lo > -margin:
        return "unchanged"
    return "regressed" if hi < 0 else "inconclusive"


def mde(
    d: Sequence[float],
    *,
    g: float,
    step: float,
    k: int,
    alpha: float = 0.05,
    power: float = 0.8,
    clusters: Sequence[Hashable] | None = None,
) -> float:
    """The smallest true drop that this many cases would have shown with the given power: the minimum detectable effect.

    Computed from the run's own spread, which grows with the drop itself (a dropped case is a changed case): the fixed
    point of x = (t[1-alpha] + t[power]) * sqrt(s2 + step * x / (3 sqrt k)) / sqrt(N) * N / n.
    """
    n = len(d) + 2
    if clusters is None:
        spread, df = _variance(d, g), n - 1
    else:
        clustered = aug_t(d, g=g, alpha=alpha, clusters=clusters)
        spread, df = clustered.se**2 * n, clustered.df
    factor = (t_ppf(1 - alpha, df) + t_ppf(power, df)) / math.sqrt(n) * n / len(d)
    growth = step / (3 * math.sqrt(k))
    x = factor * math.sqrt(spread)
    for _ in range(_MOST_STEPS):
        following = factor * math.sqrt(spread + growth * x)
        if abs(following - x) <= 1e-15 * following:
            break
        x = following
    return x


def paired_t(base: Sequence[float], cand: Sequence[float]) -> tuple[float, float]:
    """(t, p_worse) of the plain paired t test, without augmentation; needs two pairs that differ differently."""
    d = [after - before for before, after in zip(base, cand, strict=True)]
    mean = math.fsum(d) / len(d)
    variance = math.fsum((value - mean) ** 2 for value in d) / (len(d) - 1)
    t = mean / math.sqrt(variance / len(d))
    return t, t_cdf(t, len(d) - 1)


def cluster_se_plain(d: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """The cluster-robust (CR1) standard error of the mean of `d`, without augmentation."""
    sums = _cluster_sums(d, clusters, math.fsum(d) / len(d))
    return math.sqrt(len(sums) / (len(sums) - 1) * math.fsum(value * value for value in sums)) / len(d)
