"""How much a positive quantity (cost, latency, tokens) grew, as a ratio head / base with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops_git.evals.stats.distributions import t_ppf


def log_ratio(base: Sequence[float], cand: Sequence[float], alpha: float = 0.05) -> tuple[float, float, float]:
    """(ratio, low, high): the geometric mean of cand / base per case, each side at 1 - alpha. "The typical request."

    A t interval on the logarithms. All values positive, same length, at least two.
    """
    logs = [math.log(after / before) for before, after in zip(base, cand, strict=True)]
    mean = math.fsum(logs) / len(logs)
    half = t_ppf(1 - alpha, len(logs) - 1) * _deviation(logs, mean) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def total_ratio(base: Sequence[float], cand: Sequence[float], alpha: float = 0.05) -> tuple[float, float, float]:
    """(ratio, low, high): the ratio of the sums, each side at 1 - alpha. "The bill." Delta method on paired cases."""
    n = len(base)
    base_mean, cand_mean = math.fsum(base) / n, math.fsum(cand) / n
    errors = [after / cand_mean - before / base_mean for before, after in zip(base, cand, strict=True)]
    half = t_ppf(1 - alpha, n - 1) * _deviation(errors, math.fsum(errors) / n) / math.sqrt(n)
    ratio = cand_mean / base_mean
    return ratio, ratio * math.exp(-half), ratio * math.exp(half)


def _deviation(values: Sequence[float], mean: float) -> float:
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
