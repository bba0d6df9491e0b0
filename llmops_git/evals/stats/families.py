"""Many tests at once: adjusted p values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given: rejecting those below alpha keeps the chance of *any* false
    rejection below alpha. Never smaller than the raw p. Holm 1979."""
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def bh(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p values, in the order given: rejecting those below alpha keeps the expected
    *share* of false rejections below alpha. Benjamini and Hochberg 1995."""
    order = sorted(range(len(p)), key=p.__getitem__, reverse=True)
    adjusted = [0.0] * len(p)
    smallest = 1.0
    for place, index in enumerate(order):
        smallest = min(smallest, p[index] * len(p) / (len(p) - place))
        adjusted[index] = smallest
    return adjusted
