"""Which scorers may not gate: those whose judge has not been held to people as the policy asks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmops_git.configs.policy import JudgeRules, Policy
from llmops_git.configs.values import Config, Evaluation, ScorerGate, ScorerSettings

_JUDGED = frozenset({"judge", "panel"})


def held_to_people(evaluation: Evaluation, policy: Policy) -> Evaluation:
    """The evaluation with the gates of advisory scorers off. Its digest stays: the same was measured."""
    advisory = [scorer.name for scorer in evaluation.scorers if any(_faults(scorer, policy))]
    if not advisory:
        return evaluation
    return replace(evaluation, gates={**evaluation.gates, **{name: ScorerGate(mode="off") for name in advisory}})


def advisory_notes(evaluation: Evaluation | None, policy: Policy) -> tuple[str, ...]:
    """What to say of each judge that may not gate, once."""
    if evaluation is None:
        return ()
    return tuple(dict.fromkeys(fault for scorer in evaluation.scorers for fault in _faults(scorer, policy)))


def _faults(scorer: ScorerSettings, policy: Policy) -> Iterator[str]:
    """Why the judges of a scorer may not gate; nothing where they may, or where the policy asks for nothing."""
    if policy.judges is None or scorer.use not in _JUDGED:
        return
    for judge in scorer.asked:
        fault = _fault(judge, policy, policy.judges)
        if fault:
            yield f"judge `{judge.name}` only advises, and does not gate: {fault}"


def _fault(judge: Config, policy: Policy, rules: JudgeRules) -> str:
    known = policy.calibrations.get(judge.digest)
    if known is None:
        return "nobody has held this version of it to people (llmops-git review, llmops-git calibrate --write)"
    if known.labels < rules.min_labels:
        return f"it was held to {known.labels} labels, and {rules.min_labels} are asked for"
    if known.kappa is None or known.kappa < rules.min_kappa:
        said = "is not known" if known.kappa is None else f"is {known.kappa:.2f}"
        return f"its agreement with people (kappa) {said}, and {rules.min_kappa:g} is asked for"
    return ""
