"""One soft scorer, base against head: the interval on the paired difference and the verdict it bears."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops_git.configs.policy import GateSettings
from llmops_git.evals.compare.pairs import CaseScores, ScorerPairs
from llmops_git.evals.gate import FEWEST_CASES, FEWEST_CASES_UNCHANGED
from llmops_git.evals.stats import FEWEST_CLUSTERS, AugmentedT, aug_t, mde, verdict
from llmops_git.evals.values import ScorerComparison, ScorerDeclaration, Verdict

MOST_ERROR_GAP = 0.05
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every scorer of one comparison is held to. `clusters` maps case ids to labels, `repeats` is the smaller side's."""

    settings: GateSettings
    repeats: int
    clusters: Mapping[str, str]


def compare_scorer(
    pairs: ScorerPairs, declaration: ScorerDeclaration, frame: Frame, *, gating: bool, margin: float, unmeasured: Sequence[str]
) -> ScorerComparison:
    """Compare one scorer. `unmeasured` are further reasons (a must-pass case without a value) why it says nothing."""
    sign = 1.0 if declaration.direction == "higher" else -1.0
    cases = [case for case in pairs.cases if case.pairs]
    differences = [sign * (case.head - case.base) for case in cases]
    base, head = _mean([case.base for case in cases]), _mean([case.head for case in cases])
    ids = [case.case for case in cases]
    test = interval_of(differences, ids, declaration, frame)
    reached, notes = _verdict(pairs, sign, test, declaration, frame, margin)
    not_measured = [*_not_measured(pairs, frame.settings), *unmeasured]
    if not_measured:
        reached, notes, test = "invalid", not_measured, None
    if pairs.not_applicable:
        notes.append(f"not applicable in {pairs.not_applicable} of {pairs.samples} pairs")
    return ScorerComparison(
        scorer=declaration.name,
        direction=declaration.direction,
        gating=gating,
        base=base,
        head=head,
        delta=None if base is None or head is None else sign * (_mean(differences) or 0.0),
        low=test.lo if test else None,
        high=test.hi if test else None,
        p_worse=test.p_worse if test else None,
        p_adjusted=None,
        cases=len(cases),
        margin=margin,
        mde=_detectable(differences, ids, declaration, frame) if test else None,
        verdict=reached,
        better=sum(difference > _ROUNDING for difference in differences),
        worse=sum(difference < -_ROUNDING for difference in differences),
        same=sum(abs(difference) <= _ROUNDING for difference in differences),
        notes=tuple(notes),
        alpha=frame.settings.alpha,
    )


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def labels(case_ids: Sequence[str], clusters: Mapping[str, str]) -> list[str] | None:
    """A cluster label per case; None where cases are independent or the clusters too few for a robust interval."""
    if not clusters:
        return None
    found = [f"cluster {clusters[case]}" if clusters.get(case) else f"case {case}" for case in case_ids]
    return found if FEWEST_CLUSTERS <= len(set(found)) < len(found) else None


def interval_of(
    differences: Sequence[float], case_ids: Sequence[str], declaration: ScorerDeclaration, frame: Frame
) -> AugmentedT | None:
    """The augmented t on differences, one per case of `case_ids`; None for too few cases."""
    if len(differences) < FEWEST_CASES:
        return None
    return aug_t(
        differences,
        g=declaration.step / math.sqrt(frame.repeats),
        alpha=frame.settings.alpha,
        clusters=labels(case_ids, frame.clusters),
    )


def _detectable(differences: Sequence[float], case_ids: Sequence[str], declaration: ScorerDeclaration, frame: Frame) -> float:
    return mde(
        differences,
        g=declaration.step / math.sqrt(frame.repeats),
        step=declaration.step,
        k=frame.repeats,
        alpha=frame.settings.alpha,
        clusters=labels(case_ids, frame.clusters),
    )


def too_few(measured: int, planned: int, settings: GateSettings) -> list[str]:
    """The reason, if coverage is too small to speak of what was measured."""
    if measured >= settings.coverage_min * planned - _ROUNDING:
        return []
    share = _percent(measured / planned)
    return [f"{measured} of {planned} samples measured ({share}), fewer than {_percent(settings.coverage_min)}"]


def _not_measured(pairs: ScorerPairs, settings: GateSettings) -> list[str]:
    """Why the pairs at hand may not be spoken of: too few of them, or one side failed more often than the other."""
    reasons = too_few(pairs.measured, pairs.planned, settings)
    gap = (pairs.head_missing - pairs.base_missing) / pairs.samples if pairs.samples else 0.0
    if abs(gap) > MOST_ERROR_GAP + _ROUNDING:
        more = "head" if gap > 0 else "base"
        reasons.append(f"errors fell mostly on the {more} ({pairs.base_missing} base, {pairs.head_missing} head)")
    return reasons


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _verdict(
    pairs: ScorerPairs, sign: float, test: AugmentedT | None, declaration: ScorerDeclaration, frame: Frame, margin: float
) -> tuple[Verdict, list[str]]:
    cases = sum(bool(case.pairs) for case in pairs.cases)
    if test is None:
        return "inconclusive", [f"{cases} cases: fewer than {FEWEST_CASES} show nothing but an accident"]
    reached: Verdict = verdict(test.lo, test.hi, margin)
    notes = []
    if frame.clusters and labels([case.case for case in pairs.cases], frame.clusters) is None:
        notes.append(f"clusters not used: fewer than {FEWEST_CLUSTERS}, or one per case")
    if reached == "unchanged" and test.hi < 0:
        notes.append("worse, but by less than the margin")
    held = _under_missing(reached, pairs, sign, declaration, frame, margin)
    if held != reached:
        notes.append(f"{reached} on what was measured; what is missing could change that")
    if held == "unchanged" and cases < FEWEST_CASES_UNCHANGED:
        held = "inconclusive"
        notes.append(f"{cases} cases: fewer than {FEWEST_CASES_UNCHANGED} cannot show that nothing changed")
    return held, notes


def _under_missing(
    reached: Verdict, pairs: ScorerPairs, sign: float, declaration: ScorerDeclaration, frame: Frame, margin: float
) -> Verdict:
    """The verdict that holds whatever the missing pairs would have been, between -1 and +1.

    Where they decide between improved and unchanged it is unchanged, since both let a change through; else inconclusive.
    """
    if not any(case.missing for case in pairs.cases):
        return reached
    found = {reached}
    for fill in (-1.0, 1.0):
        filled = [(case.case, _filled(case, sign, fill)) for case in pairs.cases if case.pairs or case.missing]
        test = interval_of([difference for _, difference in filled], [case for case, _ in filled], declaration, frame)
        found |= {verdict(test.lo, test.hi, margin)} if test else set()
    if len(found) == 1:
        return reached
    return "unchanged" if found == {"improved", "unchanged"} else "inconclusive"


def _filled(case: CaseScores, sign: float, fill: float) -> float:
    measured = math.fsum(sign * (head - base) for base, head in case.pairs)
    return (measured + fill * case.missing) / (len(case.pairs) + case.missing)
