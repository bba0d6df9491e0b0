"""Which comparisons a candidate needs, and the runs that serve them all. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmops_git.commands.trial import Base, Candidate
from llmops_git.configs.values import Config, Evaluation, ScorerSettings
from llmops_git.evals.contest import Contest
from llmops_git.evals.run import Job
from llmops_git.evals.values import Instrument, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """One comparison to make: head and base under one evaluation."""

    candidate: Candidate
    base: Base
    instrument: Instrument
    evaluation: Evaluation


Key = tuple[str, str]  # config digest, eval digest
NO_RUNS: Mapping[Key, Run] = {}


def pairings_of(candidate: Candidate) -> Iterable[Pairing]:
    own = candidate.head.evaluation
    if own is not None:
        for base in candidate.bases:
            yield Pairing(candidate=candidate, base=base, instrument="head", evaluation=own)
    primary = candidate.bases[0]
    if edits_instrument(primary.config, candidate.head) and primary.config and primary.config.evaluation:
        yield Pairing(candidate=candidate, base=primary, instrument="base", evaluation=primary.config.evaluation)


def edits_instrument(base: Config | None, head: Config) -> bool:
    """Whether the head is measured by other cases, scorers or gates than its base."""
    return bool(base and base.evaluation and base.eval_digest != head.eval_digest)


def changed_judges(base: Config | None, head: Config) -> tuple[str, ...]:
    """The scorers that both sides have and that other judges answer for: another model, rubric, scale, or other words."""
    if not base or not base.evaluation or not head.evaluation:
        return ()
    before = {scorer.name: _pins(scorer) for scorer in base.evaluation.scorers}
    return tuple(
        scorer.name
        for scorer in head.evaluation.scorers
        if (scorer.asked or before.get(scorer.name)) and before.get(scorer.name, _pins(scorer)) != _pins(scorer)
    )


def _pins(scorer: ScorerSettings) -> tuple[tuple[str, str], ...]:
    return tuple((judge.digest, repr(judge.scale)) for judge in scorer.asked)


def jobs_of(pairings: Sequence[Pairing], repeats: Mapping[str, int]) -> dict[Key, Job]:
    jobs: dict[Key, Job] = {}
    opponents = Counter((one.head_digest, one.eval_digest) for one in contests_of(pairings))
    for pairing in pairings:
        for config in (pairing.base.config, pairing.candidate.head):
            if config is not None:
                key = (config.digest, pairing.evaluation.digest)
                job = Job(
                    config=config,
                    evaluation=pairing.evaluation,
                    repeats=repeats[pairing.evaluation.digest],
                    opponents=opponents[key],
                )
                jobs.setdefault(key, job)
    return jobs


def contests_of(pairings: Sequence[Pairing], known: Mapping[Key, Run] = NO_RUNS) -> tuple[Contest, ...]:
    """Whose answers are compared with whose, each pair of configs once; `known` are the runs of bases that are not made now."""
    found = {}
    for pairing in pairings:
        base, head, evaluation = pairing.base.config, pairing.candidate.head, pairing.evaluation
        if base is not None and base.digest != head.digest:
            found[base.digest, head.digest, evaluation.digest] = Contest(
                base_digest=base.digest,
                head_digest=head.digest,
                eval_digest=evaluation.digest,
                known=known.get((base.digest, evaluation.digest)),
            )
    return tuple(found.values())
