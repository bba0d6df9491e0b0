"""Which cases a change concerns: those for which the two sides ask something else. The others are asked once for both. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmops_git.commands.pairings import Key, Pairing
from llmops_git.evals.gate import Decision
from llmops_git.evals.plan import ASKED_BYTES, SampleKey
from llmops_git.evals.run import Job
from llmops_git.evals.values import Comparison, Run, SampleResult

Asked = Mapping[Key, bytes]  # `Plan.asked`


def with_impact(decision: Decision, pairings: Sequence[Pairing], asked: Asked, runs: Sequence[Run]) -> Decision:
    """The decision whose comparisons, one for each pairing, tell how many cases the change concerns and what the others
    saved."""
    by_key = {(run.config_digest, run.eval_digest): run for run in runs}
    comparisons = tuple(
        _with_impact(comparison, pairing, asked, by_key[pairing.candidate.head.digest, pairing.evaluation.digest])
        for comparison, pairing in zip(decision.comparisons, pairings, strict=True)
    )
    return replace(decision, comparisons=comparisons)


def _with_impact(comparison: Comparison, pairing: Pairing, asked: Asked, head: Run) -> Comparison:
    cases = pairing.evaluation.cases
    marks = _same(pairing, asked)
    if marks is None:
        return replace(comparison, cases=len(cases))
    same = {case.id for case, is_same in zip(cases, marks, strict=True) if is_same}
    saved = [sample for sample in head.samples if sample.case in same and not sample.error]
    costs = [sample.cost_usd for sample in saved]
    known = [cost for cost in costs if cost is not None]
    return replace(
        comparison,
        cases=len(cases),
        concerned=len(cases) - len(same),
        saved_requests=len(saved),
        saved_usd=sum(known) if len(known) == len(costs) else None,
    )


def taken_over(
    pairings: Sequence[Pairing],
    asked: Asked,
    reused: Mapping[Key, Run],
    jobs: Mapping[Key, Job],
    fingerprints: Mapping[str, str],
) -> dict[SampleKey, SampleResult]:
    """The heads' samples that are those of a base whose run is known already: cases for which both sides ask the same.

    Only where the same engine would answer: what answered then begins the run's `engine`.
    """
    found: dict[SampleKey, SampleResult] = {}
    for pairing in pairings:
        head = pairing.candidate.head
        base = reused.get((pairing.base.config.digest, pairing.evaluation.digest)) if pairing.base.config else None
        marks = _same(pairing, asked)
        if base is None or marks is None or base.engine.split("; ")[0] != fingerprints.get(head.answered_by):
            continue
        same = {case.id for case, is_same in zip(pairing.evaluation.cases, marks, strict=True) if is_same}
        repeats = jobs[head.digest, pairing.evaluation.digest].repeats
        for sample in base.samples:
            if sample.case in same and sample.repeat < repeats:
                key = (head.digest, pairing.evaluation.digest, sample.case, sample.repeat)
                found[key] = replace(sample, cached=True, trace_id="", pairs=())
    return found


def _same(pairing: Pairing, asked: Asked) -> list[bool] | None:
    """For each case whether both sides ask the same; None where one side's requests are not known."""
    if pairing.base.config is None:
        return None
    sides = [asked.get((config.digest, pairing.evaluation.digest)) for config in (pairing.base.config, pairing.candidate.head)]
    whole = ASKED_BYTES * len(pairing.evaluation.cases)
    first, second = sides
    if first is None or second is None or not len(first) == len(second) == whole:
        return None
    return [first[at : at + ASKED_BYTES] == second[at : at + ASKED_BYTES] for at in range(0, whole, ASKED_BYTES)]
