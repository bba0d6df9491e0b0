"""The second part of a run: judges compare the answers of both sides, pair by pair, once the samples are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llmops_git.errors import NotMeasured
from llmops_git.evals.buyer import Buyer
from llmops_git.evals.judging import JudgeSession
from llmops_git.evals.results import Results
from llmops_git.evals.samples import Job
from llmops_git.evals.values import PairScore, Run, SampleResult
from llmops_git.evals.worker import Bench
from llmops_git.scorers.base import Sample, Score
from llmops_git.scorers.pairwise import Pairwise

_SHOWN = 300  # characters of an error that go into a score's explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Two configs whose answers are to be compared, by the digests of their configs and of the evaluation. `known` is the
    base's run where it is not made now."""

    base_digest: str
    head_digest: str
    eval_digest: str
    known: Run | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What is to be compared: one sample of the head, by its job's number and its place, under one scorer."""

    job: int
    place: int
    repeat: int
    base: SampleResult
    base_digest: str
    scorer: str


def pairwise_of(bench: Bench) -> dict[str, Pairwise]:
    """The scorers of a job that compare two answers."""
    return {name: scorer for name, scorer in bench.scorers.items() if isinstance(scorer, Pairwise)}


def count_of(contests: Sequence[Contest], benches: Sequence[Bench]) -> int:
    """How many pairs there are to compare, at most."""
    return sum(
        len(job.evaluation.cases) * job.repeats * len(pairwise_of(benches[number]))
        for _, number, job in _heads(contests, benches)
    )


def pairs_of(contests: Sequence[Contest], benches: Sequence[Bench], results: Sequence[Results]) -> Iterator[Pair]:
    """The pairs of which both answers are there, by case, all contests side by side."""
    numbers = {(bench.job.config.digest, bench.job.evaluation.digest): number for number, bench in enumerate(benches)}
    heads = [(contest, number, job, _samples(contest, results, numbers)) for contest, number, job in _heads(contests, benches)]
    most = max((len(job.evaluation.cases) for _, _, job, _ in heads), default=0)
    for place in range(most):
        for contest, number, job, samples in heads:
            if place >= len(job.evaluation.cases):
                continue
            for head in results[number].at(place):
                base = samples.get((head.case, head.repeat))
                if base is None or base.error or head.error:
                    continue
                for name in pairwise_of(benches[number]):
                    yield Pair(number, place, head.repeat, base, contest.base_digest, name)


def compared(pair: Pair, bench: Bench, head: SampleResult, buyer: Buyer) -> PairScore:
    """What the judge says of the pair."""
    case = bench.job.evaluation.cases[pair.place]
    session = JudgeSession(bench.judges[pair.scorer], None, pair.repeat, buyer)
    scorer = pairwise_of(bench)[pair.scorer]
    try:
        score = scorer.prefer(pair.base.output, Sample(inputs=case.inputs, expected=case.expected, output=head.output), session)
    except NotMeasured as error:
        score = Score(state="not_measured", label="judge", explanation=error.message[:_SHOWN])
    score = replace(score, judgements=tuple(session.judgements))
    return PairScore(base_digest=pair.base_digest, scorer=pair.scorer, score=score)


def _heads(contests: Sequence[Contest], benches: Sequence[Bench]) -> Iterator[tuple[Contest, int, Job]]:
    """The contests whose head is measured now and has something to compare by, with the head's job."""
    for contest in contests:
        for number, bench in enumerate(benches):
            if (bench.job.config.digest, bench.job.evaluation.digest) == (contest.head_digest, contest.eval_digest):
                if pairwise_of(bench):
                    yield contest, number, bench.job
                break


def _samples(
    contest: Contest, results: Sequence[Results], numbers: dict[tuple[str, str], int]
) -> dict[tuple[str, int], SampleResult]:
    """The base's samples by case and repeat."""
    if contest.known is not None:
        samples = contest.known.samples
    else:
        number = numbers.get((contest.base_digest, contest.eval_digest))
        samples = () if number is None else results[number].samples()
    return {(sample.case, sample.repeat): sample for sample in samples}
