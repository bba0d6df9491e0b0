"""Decides on runs that are there: every comparison, the gate, and whether more repeats could settle what is open. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from llmops_git.commands.advisory import held_to_people
from llmops_git.commands.pairings import Pairing
from llmops_git.configs.policy import Policy
from llmops_git.configs.values import Evaluation, Repeats
from llmops_git.evals.compare import compare
from llmops_git.evals.escalation import alpha_for, next_repeats
from llmops_git.evals.gate import Decision, decide
from llmops_git.evals.values import Comparison, Run

Looks = Callable[[Evaluation], Repeats]
NO_LEVELS: Mapping[str, float] = {}


def looks_asked(repeats: int | None) -> Looks:
    """A number of repeats asked for by hand is one look; the config's own may be several."""
    return lambda evaluation: Repeats(start=repeats, max=repeats) if repeats else evaluation.repeats


def first_looks(pairings: Sequence[Pairing], repeats: int | None) -> dict[str, int]:
    """Eval digest -> samples per case to begin with."""
    looks = looks_asked(repeats)
    return {pairing.evaluation.digest: looks(pairing.evaluation).start for pairing in pairings}


def decision_on(
    pairings: Sequence[Pairing],
    runs: Sequence[Run],
    *,
    policy: Policy,
    looks: Looks,
    levels: Mapping[str, float] = NO_LEVELS,
) -> Decision:
    """Every comparison, and what the gate says of them. `levels` are those of looks at a part of the cases, by eval digest."""
    by_key = {(run.config_digest, run.eval_digest): run for run in runs}
    comparisons = [
        compare(
            by_key[(pairing.base.config.digest, pairing.evaluation.digest)] if pairing.base.config else None,
            _named(by_key[(pairing.candidate.head.digest, pairing.evaluation.digest)], pairing.candidate.head.name),
            evaluation=held_to_people(pairing.evaluation, policy),
            settings=replace(policy.gate, alpha=_level(pairing.evaluation, policy, looks, levels)),
            against=pairing.base.against,
            base_name=pairing.base.name,
            instrument=pairing.instrument,
        )
        for pairing in pairings
    ]
    critical = frozenset(pairing.candidate.head.name for pairing in pairings if pairing.candidate.head.critical)
    return decide(comparisons, settings=policy.gate, critical=critical)


def _level(evaluation: Evaluation, policy: Policy, looks: Looks, levels: Mapping[str, float]) -> float:
    return levels.get(evaluation.digest, alpha_for(looks(evaluation), policy.gate))


def _named(run: Run, config: str) -> Run:
    """Configs of equal content share a run, which has the name of one of them. The very same value where the name fits: a run
    that is compared with itself is known by that."""
    return run if run.config == config else replace(run, config=config)


def escalated(
    pairings: Sequence[Pairing],
    comparisons: Sequence[Comparison],
    repeats: Mapping[str, int],
    *,
    looks: Looks,
    policy: Policy,
) -> dict[str, int]:
    """Eval digest -> repeats at the next look, of those that are open and have one; none where the policy says so."""
    wanted: dict[str, int] = {}
    if not policy.gate.escalate:
        return wanted
    for evaluation in {pairing.evaluation.digest: pairing.evaluation for pairing in pairings}.values():
        own = [comparison for comparison in comparisons if comparison.eval_digest == evaluation.digest]
        after = next_repeats(own, repeats[evaluation.digest], looks(evaluation))
        if after > repeats[evaluation.digest]:
            wanted[evaluation.digest] = after
    return wanted
