"""How far two sets of live values lie apart, and how far chance alone would put them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops_git.evals.stats.normal import z_ppf
from llmops_git.monitoring.rules import Group, Reading, Rule, beyond
from llmops_git.monitoring.streams import Histogram

BINS = 10  # tenths of what was there before
CATEGORIES = 20  # the most frequent ones; the others are one
_HALF = 0.5  # of a row, in every bin: an empty one has no logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """`value` is the distance; `chance` is what it stays below, at one look, if nothing drifted; `raw` is held to it."""

    value: float
    raw: float
    chance: float


def drift_reading(rule: Rule, group: Group, before: Histogram, now: Histogram, *, name: str) -> Reading:
    """The distance of a rule's metric. It counts where it is beyond the rule's number, and chance does not explain it."""
    distance = psi if rule.metric.statistic == "psi" else ks
    found = distance(before, now, alpha=rule.alpha_of_a_look, categories=rule.metric.categories)
    return distance_reading(rule, group, found, sizes=(before.n, now.n), name=name)


def distance_reading(rule: Rule, group: Group, found: Distance, *, sizes: tuple[int, int], name: str) -> Reading:
    """A distance as what a rule saw."""
    few = min(sizes) < rule.min_count
    holds = beyond(found.value, rule.compare.op, rule.compare.value)
    by_chance = found.raw <= found.chance
    said = f"fewer than {rule.min_count:,} on one side" if few else ""
    if holds and by_chance and not few:
        said = f"chance alone gives up to {found.chance:.3g}"
    return Reading(
        group=group, value=found.value, n=sizes[1], baseline=name, baseline_n=sizes[0], few=few,
        beyond=holds and not by_chance and not few, said=said,
    )  # fmt: skip


def psi(before: Histogram, now: Histogram, *, alpha: float, categories: bool = False) -> Distance:
    """The population stability index over tenths of what was there before, or over categories, less what it is expected to be
    when nothing drifted. By chance, the raw index over 1/n + 1/m is chi-square with one degree less than there are bins."""
    bins = _categories(before, now) if categories else _tenths(before, now)
    weights = [(left, right) for left, right in bins if left or right]
    if len(weights) < 2:  # noqa: PLR2004  # one bin holds everything on both sides
        return Distance(value=0.0, raw=0.0, chance=0.0)
    scales = before.worth / before.w, now.worth / now.w
    counts = [(left * scales[0] + _HALF, right * scales[1] + _HALF) for left, right in weights]
    totals = sum(left for left, _ in counts), sum(right for _, right in counts)
    raw = math.fsum(
        (right / totals[1] - left / totals[0]) * math.log((right / totals[1]) / (left / totals[0])) for left, right in counts
    )
    noise = 1 / before.worth + 1 / now.worth
    degrees = len(counts) - 1
    return Distance(value=max(0.0, raw - degrees * noise), raw=raw, chance=noise * chi_square_quantile(1 - alpha, degrees))


def ks(before: Histogram, now: Histogram, *, alpha: float, categories: bool = False) -> Distance:  # noqa: ARG001
    """The largest difference of the two distribution functions. Chance: Massart's bound for each, put together."""
    left = right = largest = 0.0
    for slot in _ordered(before, now):
        left += before.slots[slot].w if slot in before.slots else 0.0
        right += now.slots[slot].w if slot in now.slots else 0.0
        largest = max(largest, abs(left / before.w - right / now.w))
    chance = math.sqrt(math.log(2 / alpha) / 2 * (1 / before.worth + 1 / now.worth))
    return Distance(value=largest, raw=largest, chance=chance)


def chi_square_quantile(p: float, degrees: int) -> float:
    """The quantile of chi-square, by the cube root of Wilson and Hilferty 1931: within one percent in the upper tail."""
    share = 2 / (9 * degrees)
    return float(degrees * (1 - share + z_ppf(p) * math.sqrt(share)) ** 3)


def _ordered(before: Histogram, now: Histogram) -> list[float]:
    return sorted(float(slot) for slot in {*before.slots, *now.slots})


def _tenths(before: Histogram, now: Histogram) -> list[tuple[float, float]]:
    """Weights (before, now) between the deciles of before; a value that fills several of them is one bin."""
    bins: list[tuple[float, float]] = []
    left = right = reached = 0.0
    cut = 1
    for slot in _ordered(before, now):
        left += before.slots[slot].w if slot in before.slots else 0.0
        right += now.slots[slot].w if slot in now.slots else 0.0
        if (reached + left) >= cut * before.w / BINS and cut < BINS:
            bins.append((left, right))
            reached += left
            left = right = 0.0
            while cut < BINS and reached >= cut * before.w / BINS:
                cut += 1
    return [*bins, (left, right)]


def _categories(before: Histogram, now: Histogram) -> list[tuple[float, float]]:
    shares: Mapping[float | str, float] = {
        name: sum(side.slots[name].w / side.w for side in (before, now) if name in side.slots)
        for name in {*before.slots, *now.slots}
    }
    frequent: Sequence[float | str] = sorted(shares, key=lambda name: (-shares[name], str(name)))[:CATEGORIES]
    bins = [tuple(side.slots[name].w if name in side.slots else 0.0 for side in (before, now)) for name in frequent]
    rest = [sum(slot.w for name, slot in side.slots.items() if name not in set(frequent)) for side in (before, now)]
    return [*((one, other) for one, other in bins), (rest[0], rest[1])]
