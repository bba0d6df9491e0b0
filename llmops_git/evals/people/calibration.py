"""How well a judge agrees with people on the same outputs. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmops_git.evals.people.items import LINE
from llmops_git.evals.people.labels import Label
from llmops_git.evals.stats import cross_table, kappa_of, ppi_mean, t_ppf, wilson

_PSEUDO = 0.5  # of a label in every cell, for the interval
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One output that a person and the judge both put on the scale. `weight` is how many cases it stands for."""

    label: Label
    judged: str
    person: float
    judge: float
    length: int
    weight: float = 1.0


def weighted(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with their weights: cases of the stratum by labelled cases of the stratum; a label that was not drawn is 1."""
    drawn = [pair.label.drawn for pair in pairs]
    cases = {(one.sample, one.stratum, pair.label.case) for one, pair in zip(drawn, pairs, strict=True) if one}
    labelled = Counter((sample, stratum) for sample, stratum, _ in cases)
    return [
        pair if one is None else replace(pair, weight=max(1.0, one.of / labelled[one.sample, one.stratum]))
        for one, pair in zip(drawn, pairs, strict=True)
    ]


def agreement(pairs: Sequence[Pair], worths: Mapping[str, float]) -> dict[str, Any]:
    """Counts, TPR, TNR and kappa with two-sided 95 % intervals; None where there is nothing to say it of.

    Shares are weighted, and their intervals those of as many equal labels as the weighted ones are worth (Kish 1965).
    """
    said = [(pair.person >= LINE, pair.judge >= LINE) for pair in pairs]
    counts = {name: said.count(both) for name, both in _CELLS.items()}
    return {
        "labels": len(pairs),
        "counts": counts,
        "tpr": _share([pair for pair in pairs if pair.person >= LINE], good=True),
        "tnr": _share([pair for pair in pairs if pair.person < LINE], good=False),
        "kappa": _kappa(pairs, worths),
    }


_CELLS = {
    "both_pass": (True, True),
    "only_person_passes": (True, False),
    "only_judge_passes": (False, True),
    "both_fail": (False, False),
}


def _effective(pairs: Sequence[Pair]) -> float:
    return math.fsum(pair.weight for pair in pairs) ** 2 / math.fsum(pair.weight**2 for pair in pairs)


def _share(pairs: Sequence[Pair], *, good: bool) -> dict[str, float] | None:
    if not pairs:
        return None
    agreed = math.fsum(pair.weight for pair in pairs if (pair.judge >= LINE) == good)
    share, count = agreed / math.fsum(pair.weight for pair in pairs), max(1, math.floor(_effective(pairs)))
    low, high = wilson(share * count, count)
    return {"value": share, "low": low, "high": high}


def _kappa(pairs: Sequence[Pair], worths: Mapping[str, float]) -> dict[str, float] | None:
    labels = [label for label in worths if any(label in (pair.label.label, pair.judged) for pair in pairs)]
    if not pairs or len(labels) < _FEWEST:
        return None
    table = cross_table([], [], labels)
    place = {label: index for index, label in enumerate(labels)}
    scale = _effective(pairs) / math.fsum(pair.weight for pair in pairs)
    for pair in pairs:
        table[place[pair.label.label]][place[pair.judged]] += pair.weight * scale
    try:
        found = kappa_of(table, worths=[worths[label] for label in labels], pseudo=_PSEUDO)
    except ValueError:
        return None
    return {"value": found.kappa, "low": found.lo, "high": found.hi}


def length_bias(pairs: Sequence[Pair]) -> dict[str, float] | None:
    """How much more the judge gives than people do on the longer half of the outputs than on the shorter half (Welch's t)."""
    ordered = sorted(pairs, key=lambda pair: pair.length)
    middle = len(ordered) // 2
    return _gap(ordered[len(ordered) - middle :], ordered[:middle])


def position_bias(pairs: Sequence[Pair]) -> dict[str, float] | None:
    """The same for outputs that people saw first against those they saw second: whether *people* favour a place."""
    first, second = ([pair for pair in pairs if pair.label.shown == place] for place in (1, 2))
    return _gap(second, first)


def _gap(more: Sequence[Pair], less: Sequence[Pair]) -> dict[str, float] | None:
    if min(len(more), len(less)) < _FEWEST:
        return None
    parts = []
    for group in (more, less):
        errors = [pair.judge - pair.person for pair in group]
        mean = math.fsum(errors) / len(errors)
        parts.append((mean, math.fsum((error - mean) ** 2 for error in errors) / (len(errors) - 1) / len(errors), len(errors)))
    (one, one_error, count), (other, other_error, others) = parts
    error = one_error + other_error
    if not error:
        return {"value": one - other, "low": one - other, "high": one - other}
    df = error**2 / (one_error**2 / (count - 1) + other_error**2 / (others - 1))
    half = t_ppf(0.975, df) * math.sqrt(error)
    return {"value": one - other, "low": one - other - half, "high": one - other + half}


def corrected(pairs: Sequence[Pair], judged: Sequence[float]) -> dict[str, float] | None:
    """The mean that people would give all outputs of a run: the judge's of all, corrected by the labelled ones (PPI++)."""
    if len(pairs) < _FEWEST or not judged:
        return None
    people, judges = [pair.person for pair in pairs], [pair.judge for pair in pairs]
    found = ppi_mean(people, judges, judged, weights=[pair.weight for pair in pairs], small=True)
    return {
        "judge": math.fsum(judged) / len(judged),
        "value": found.mean,
        "low": found.lo,
        "high": found.hi,
        "trust": found.lam,
    }
