"""Looking several times at growing data: the bounds that keep the error of all looks together at alpha."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

from llmops_git.evals.stats.normal import z_cdf, z_density

Shape = Literal["obf", "pocock"]
_NODES = 48
_FAR = 7.0  # deviations below which nothing is left to integrate
_STEPS = 45
_EXACT = 1e-15


@lru_cache(maxsize=64)
def group_sequential(shape: Shape, looks: int, alpha: float = 0.05) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(z, p) of each of `looks` equally spaced looks, one-sided: crossing one of them by accident has the chance alpha.

    "obf" is O'Brien and Fleming 1979 (hardly anything early, nearly all of alpha at the end), "pocock" is Pocock 1977 (the
    same bound at every look). The chance is the recursive integral of Armitage, McPherson and Rowe 1969.
    """
    if looks < 1 or not 0 < alpha < 1:
        raise ValueError(f"looks must be at least 1 and alpha between 0 and 1, not {looks} and {alpha}")
    low, high = 0.0, 20.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if crossing(_bounds(shape, looks, middle)) > alpha:
            low = middle
        else:
            high = middle
    z = _bounds(shape, looks, (low + high) / 2)
    return z, tuple(z_cdf(-bound) for bound in z)


def _bounds(shape: Shape, looks: int, constant: float) -> tuple[float, ...]:
    return tuple(constant * (math.sqrt(looks / look) if shape == "obf" else 1.0) for look in range(1, looks + 1))


def crossing(z: tuple[float, ...]) -> float:
    """The chance that a standard normal walk, looked at after 1, 2, ... equal steps, is above its bound at some look."""
    nodes, weights = _gauss_legendre(_NODES)
    places, density = [0.0], [1.0]  # where the walk is, and how likely without having crossed
    crossed = 0.0
    for look, bound in enumerate(z, 1):
        high, low = bound * math.sqrt(look), -_FAR * math.sqrt(look)
        if high <= low:
            return 1.0
        crossed += math.fsum(mass * z_cdf(place - high) for place, mass in zip(places, density, strict=True))
        half, middle = (high - low) / 2, (high + low) / 2
        following = [middle + half * node for node in nodes]
        density = [
            half * weight * math.fsum(mass * z_density(place - before) for before, mass in zip(places, density, strict=True))
            for place, weight in zip(following, weights, strict=True)
        ]
        places = following
    return crossed


@lru_cache(maxsize=4)
def _gauss_legendre(count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Nodes and weights on -1..1: the roots of the Legendre polynomial, by Newton's method (Abramowitz and Stegun 25.4.29)."""
    nodes, weights = [], []
    for index in range(1, count + 1):
        x = math.cos(math.pi * (index - 0.25) / (count + 0.5))
        slope = 1.0
        for _ in range(50):
            before, value = 1.0, x
            for degree in range(2, count + 1):
                before, value = value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree
            slope = count * (x * value - before) / (x * x - 1)
            x -= value / slope
            if abs(value / slope) < _EXACT:
                break
        nodes.append(x)
        weights.append(2 / ((1 - x * x) * slope * slope))
    return tuple(nodes), tuple(weights)
