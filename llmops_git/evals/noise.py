"""What an eval set says where nothing changed: one config against itself, and whether the gate keeps its promise there. Pure.

All samples of a case come from one config, so which of them is called base and which head is an accident. Dealing them anew,
again and again, shows how often the gate would have cried wolf on exactly this set: the null distribution itself, and no
model of it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Evaluation, ScorerGate
from llmops_git.evals.compare.soft import Frame, interval_of
from llmops_git.evals.escalation import alpha_for, looks
from llmops_git.evals.gate import FEWEST_CASES_UNCHANGED, SEVERITY, borne_among_many, worst
from llmops_git.evals.noise_facts import (
    ScorerNoise,
    Values,
    identical_answers,
    must_pass_by_accident,
    repeated_inputs,
    scorer_noise,
    values_of,
)
from llmops_git.evals.stats import bh, holm, verdict
from llmops_git.evals.values import Run, ScorerDeclaration, Verdict
from llmops_git.scorers.pairwise import NAME as PAIRWISE

MOST_DEALS = 2_000
FEWEST_DEALS = 400
_WORK = 200_000  # cases that are dealt in all, about: what bounds the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """One config against itself. `verdicts` are the shares of `deals` in which the gate said so, after all `looks` that the
    samples allow. `must_pass` is the chance that some must-pass case fails by accident; `must_fail` names those that did."""

    config: str
    cases: int
    samples: int  # for each side
    looks: tuple[int, ...]
    alpha: float
    deals: int
    verdicts: Mapping[Verdict, float]
    scorers: tuple[ScorerNoise, ...]
    must_pass: float
    must_fail: tuple[str, ...]
    same_inputs: int  # cases that ask what an earlier one asks
    identical: bool  # all samples of each case answered alike

    @property
    def error(self) -> float:
        """The standard error of the share of false regressions, which comes of dealing only so often."""
        share = self.verdicts.get("regressed", 0.0)
        return math.sqrt(max(share * (1 - share), 1 / self.deals) / self.deals) if self.deals else 0.0


def noise_of(run: Run, evaluation: Evaluation, settings: GateSettings) -> Noise:
    """The noise of a run with an even number of samples for each case: half of them for each side."""
    each = run.repeats // 2
    allowed = tuple(look for look in looks(evaluation.repeats) if look <= each) or (each,)
    alpha = alpha_for(evaluation.repeats, settings)
    measured = {one.name: values_of(run, one) for one in run.scorers if not one.ratio and one.use != PAIRWISE}
    declared = {one.name: one for one in run.scorers}
    gating = [name for name in measured if evaluation.gates.get(name, ScorerGate()).mode == "soft"]
    margins = {name: _margin(evaluation, name, settings) for name in measured}
    frames = {look: Frame(settings=_at(settings, alpha), repeats=look, clusters=run.clusters) for look in allowed}
    found: Counter[Verdict] = Counter()
    deals = max(FEWEST_DEALS, min(MOST_DEALS, _WORK // max(len(run.cases), 1))) if gating else 0
    dealer = random.Random(run.eval_digest)  # noqa: S311  # the same run says the same, everywhere
    for _ in range(deals):
        order = {case: dealer.sample(range(2 * each), 2 * each) for case in run.cases}
        found[_decided([(declared[name], measured[name], margins[name]) for name in gating], order, frames, each)] += 1
    chance, failing = must_pass_by_accident(run, gating, declared, measured, allowed[0])
    return Noise(
        config=run.config,
        cases=len(run.cases),
        samples=each,
        looks=allowed,
        alpha=settings.alpha,
        deals=deals,
        verdicts={name: found[name] / deals if deals else 0.0 for name in SEVERITY},
        scorers=tuple(
            scorer_noise(declared[name], values, frames[allowed[0]], margins[name], gating=name in gating)
            for name, values in measured.items()
        ),
        must_pass=chance,
        must_fail=failing,
        same_inputs=repeated_inputs(evaluation),
        identical=identical_answers(run),
    )


def _decided(
    scorers: Sequence[tuple[ScorerDeclaration, Values, float]],
    order: Mapping[str, Sequence[int]],
    frames: Mapping[int, Frame],
    each: int,
) -> Verdict:
    """What the gate says of one deal: the first `each` samples in `order` are the base's, the others the head's."""
    found: Verdict = "inconclusive"
    for look, frame in frames.items():
        found = _at_look([_tested(one, order, look, each, frame) for one in scorers], frame.settings.alpha)
        if found != "inconclusive":
            break
    return found


def _tested(
    one: tuple[ScorerDeclaration, Values, float], order: Mapping[str, Sequence[int]], look: int, each: int, frame: Frame
) -> tuple[Verdict, float | None, int]:
    """(verdict, p of worse, cases) of one scorer at one look."""
    declaration, values, margin = one
    sign = 1.0 if declaration.direction == "higher" else -1.0
    ids, differences = [], []
    for case, samples in values.items():
        places = order[case]
        pairs = [(samples[places[at]], samples[places[each + at]]) for at in range(look)]
        told = [after - before for before, after in pairs if before is not None and after is not None]
        if told:
            ids.append(case)
            differences.append(sign * math.fsum(told) / len(told))
    test = interval_of(differences, ids, declaration, frame)
    if test is None:
        return "inconclusive", None, len(ids)
    reached: Verdict = verdict(test.lo, test.hi, margin)
    if reached == "unchanged" and len(ids) < FEWEST_CASES_UNCHANGED:
        reached = "inconclusive"
    return reached, test.p_worse, len(ids)


def _at_look(tests: Sequence[tuple[Verdict, float | None, int]], alpha: float) -> Verdict:
    """The config's verdict, corrected for as many tests as there are."""
    known = [p for _, p, _ in tests if p is not None]
    harms, gains = iter(holm(known)), iter(bh([1 - p for p in known]))
    return worst(
        reached if p is None else borne_among_many(reached, harm=next(harms), gain=next(gains), alpha=alpha, cases=cases)
        for reached, p, cases in tests
    )


def _margin(evaluation: Evaluation, name: str, settings: GateSettings) -> float:
    own = evaluation.gates.get(name, ScorerGate()).margin
    return settings.margin if own is None else own


def _at(settings: GateSettings, alpha: float) -> GateSettings:
    return replace(settings, alpha=alpha)
