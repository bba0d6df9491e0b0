"""Prediction-powered inference: a mean from few labels by people and many scores by a judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.evals.stats.distributions import t_ppf
from llmops_git.evals.stats.normal import z_ppf


@dataclass(frozen=True, slots=True, kw_only=True)
class PpiMean:
    """`mean` with its interval; `lam` is how far the judge was trusted (0: people only), `lo`..`hi` is two-sided."""

    mean: float
    lo: float
    hi: float
    lam: float


def ppi_mean(
    y: Sequence[float],
    yhat: Sequence[float],
    yhat_unlabeled: Sequence[float],
    *,
    lam: float | None = None,
    alpha: float = 0.05,
    weights: Sequence[float] | None = None,
    small: bool = False,
) -> PpiMean:
    """The mean of what people would say: the judge's mean, corrected by what people said where they looked.

    `y` and `yhat` are people's and the judge's values of the same things, `yhat_unlabeled` the judge's of all the others.
    Angelopoulos et al. 2023 (PPI); without `lam` it is tuned as in PPI++ (2023), within 0..1. `weights` say how many things
    each labelled one stands for. `small` uses the t distribution and the sample variance, for few labels. Two-sided.
    Raises ValueError for fewer than two labels.
    """
    if len(y) < 2 or len(y) != len(yhat):  # noqa: PLR2004
        raise ValueError(f"prediction-powered inference needs two labels or more, each with a score, not {len(y)}")
    shares = _shares(weights, len(y))
    effective = 1 / math.fsum(share * share for share in shares)  # Kish 1965: how many equal ones they are worth
    if not yhat_unlabeled:
        lam = 0.0
    elif lam is None:
        lam = _tuned(y, yhat, yhat_unlabeled, shares, effective)
    errors = [value - lam * guess for value, guess in zip(y, yhat, strict=True)]
    correction = math.fsum(share * error for share, error in zip(shares, errors, strict=True))
    spread = math.fsum(share * (error - correction) ** 2 for share, error in zip(shares, errors, strict=True))
    variance = spread / (effective - 1 if small and effective > 1 else effective)
    judged = 0.0
    if yhat_unlabeled:
        judged = math.fsum(yhat_unlabeled) / len(yhat_unlabeled)
        variance += lam * lam * _variance(yhat_unlabeled, judged) / len(yhat_unlabeled)
    quantile = t_ppf(1 - alpha / 2, max(1.0, effective - 1)) if small else z_ppf(1 - alpha / 2)
    mean, half = lam * judged + correction, quantile * math.sqrt(variance)
    return PpiMean(mean=mean, lo=mean - half, hi=mean + half, lam=lam)


def _shares(weights: Sequence[float] | None, count: int) -> list[float]:
    if weights is None:
        return [1 / count] * count
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _variance(values: Sequence[float], mean: float) -> float:
    return math.fsum((value - mean) ** 2 for value in values) / len(values)


def _tuned(
    y: Sequence[float], yhat: Sequence[float], others: Sequence[float], shares: Sequence[float], effective: float
) -> float:
    """The share of the judge that makes the interval narrowest: cov(y, yhat) / ((1 + n / N) var(yhat))."""
    said = math.fsum(share * value for share, value in zip(shares, y, strict=True))
    judged = math.fsum(share * value for share, value in zip(shares, yhat, strict=True))
    together = math.fsum(share * (value - said) * (guess - judged) for share, value, guess in zip(shares, y, yhat, strict=True))
    everything = [*yhat, *others]
    spread = _variance(everything, math.fsum(everything) / len(everything))
    if not spread:
        return 0.0
    return min(1.0, max(0.0, together / ((1 + effective / len(others)) * spread)))
