"""How far each evaluation of a run has come that may stop early: which cases are in, and at which level. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmops_git.commands.deciding import Looks
from llmops_git.commands.pairings import Key, Pairing
from llmops_git.configs.policy import Policy
from llmops_git.configs.values import Evaluation
from llmops_git.evals.early import level, looks_at, seen_at, wants_more, with_cases
from llmops_git.evals.escalation import alpha_for
from llmops_git.evals.gate import Decision
from llmops_git.evals.values import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Eval digest -> (look, of), from 1; what is not named is looked at as a whole. `ended` are those that stopped: their
    must-pass cases are in, all of them. `kept` are the cases that a re-run is held to: earlier attempts have no others."""

    at: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def seen(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation with the cases that are in."""
        if evaluation.digest in self.kept:
            return with_cases(evaluation, self.kept[evaluation.digest])
        look, of = self.at.get(evaluation.digest, (1, 1))
        return seen_at(evaluation, look, of, must_pass=evaluation.digest in self.ended)


def first_stage(pairings: Sequence[Pairing], policy: Policy, earlier: Mapping[Key, Run]) -> Stage:
    """Where to begin: with all cases, unless the policy lets a run stop early."""
    evaluations = {pairing.evaluation.digest: pairing.evaluation for pairing in pairings}
    kept = {
        run.eval_digest: frozenset(run.cases)
        for run in earlier.values()
        if run.eval_digest in evaluations and len(run.cases) < len(evaluations[run.eval_digest].cases)
    }
    if not policy.gate.stop_early or earlier:  # a re-run answers the question that is open, with more repeats
        return Stage(kept=kept)
    compared = {pairing.evaluation.digest for pairing in pairings if pairing.base.config is not None}
    return Stage(at={digest: (1, looks_at(evaluations[digest])) for digest in compared})


def seen_pairings(pairings: Sequence[Pairing], stage: Stage) -> list[Pairing]:
    """The pairings with the cases that are in."""
    return [replace(pairing, evaluation=stage.seen(pairing.evaluation)) for pairing in pairings]


def levels_of(
    pairings: Sequence[Pairing], stage: Stage, repeats: Mapping[str, int], looks: Looks, policy: Policy
) -> dict[str, float]:
    """Eval digest -> the level of this look, of the evaluations that are looked at in parts; more repeats have their own."""
    found = {}
    for pairing in pairings:
        allowed, digest = looks(pairing.evaluation), pairing.evaluation.digest
        if digest in stage.at and repeats[digest] == allowed.start:
            found[digest] = level(*stage.at[digest], alpha_for(allowed, policy.gate))
    return found


def next_stage(pairings: Sequence[Pairing], stage: Stage, decision: Decision) -> Stage | None:
    """Where to go on: with more cases where something is open, with the rest of the must-pass cases where nothing is. None
    where all that is wanted is there."""
    at, ended = dict(stage.at), set(stage.ended)
    evaluations = {pairing.evaluation.digest: pairing.evaluation for pairing in pairings}
    for digest, (look, of) in stage.at.items():
        own = [comparison for comparison in decision.comparisons if comparison.eval_digest == digest]
        if look == of:
            continue
        if wants_more(own):
            at[digest] = (look + 1, of)
            ended.discard(digest)
        elif any(case.must_pass for case in evaluations[digest].cases):
            ended.add(digest)
    following = replace(stage, at=at, ended=frozenset(ended))
    return None if following == stage else following


def stopped_notes(pairings: Sequence[Pairing], stage: Stage) -> tuple[str, ...]:
    """What to say of evaluations that were not asked as a whole."""
    notes = {}
    for pairing in pairings:
        whole, seen = pairing.evaluation, stage.seen(pairing.evaluation)
        if len(seen.cases) < len(whole.cases):
            name, digest = pairing.candidate.head.name, whole.digest
            counted = f"{name}: {len(seen.cases)} of {len(whole.cases)} cases were asked"
            look, of = stage.at.get(digest, (0, 0))
            why = f"the answer was clear at look {look} of {of}" if of else "as in the attempt before"
            notes[name, digest] = f"{counted}, {why}"
    return tuple(notes.values())
