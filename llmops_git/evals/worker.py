"""One sample from its reply on: take the reply apart, score it, and say what happened."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.values import Config
from llmops_git.errors import NotMeasured
from llmops_git.evals.agent import Step
from llmops_git.evals.buyer import Buyer, Purchase
from llmops_git.evals.judging import JudgeSession
from llmops_git.evals.retry import Clock
from llmops_git.evals.sample_trace import steps_of
from llmops_git.evals.samples import Job, Prepared
from llmops_git.evals.values import SampleResult, ScorerDeclaration
from llmops_git.providers.base import Reply
from llmops_git.scorers.base import Sample, Score, Scorer
from llmops_git.scorers.weighted import combined
from llmops_git.traces.recorder import RunIdentity, SampleSteps, trace_id_of

_SHOWN = 300  # characters of an error that go into a score's explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A job made ready: its scorers built once, its identity in traces."""

    job: Job
    scorers: Mapping[str, Scorer]
    judges: Mapping[str, tuple[Config, ...]]
    embedders: Mapping[str, Mapping[str, str]]
    identity: RunIdentity

    def declarations(self) -> tuple[ScorerDeclaration, ...]:
        """What its scorers say of themselves, in the evaluation's order."""
        return tuple(
            ScorerDeclaration(
                name=settings.name,
                use=settings.use,
                direction=self.scorers[settings.name].direction,
                scale=self.scorers[settings.name].scale,
                step=self.scorers[settings.name].step,
                ratio=self.scorers[settings.name].ratio,
            )
            for settings in self.job.evaluation.scorers
        )


def set_up(job: Job, identity: RunIdentity, allowed: Collection[str] = ()) -> Bench:
    """Build the job's scorers; `allowed` names those of other packages. Raises LlmopsError when one cannot be built."""
    from llmops_git.scorers.table import build_scorers

    return Bench(
        job=job,
        scorers=build_scorers(job.evaluation.scorers, allowed),
        judges={settings.name: settings.asked for settings in job.evaluation.scorers},
        embedders={one.name: one.options["embedder"] for one in job.evaluation.scorers if "embedder" in one.options},
        identity=identity,
    )


def measure(
    bench: Bench, prepared: Prepared, purchase: Purchase, buyer: Buyer, clock: Clock, steps: Sequence[Step] = ()
) -> tuple[SampleResult, SampleSteps]:
    """Score what was bought for a sample; without a reply every score is "not measured". `steps` are those of a tool loop,
    which `purchase` sums up."""
    if purchase.reply is None:
        result = _unmeasured(bench, prepared, purchase)
    else:
        result = _measured(bench, prepared, purchase, purchase.reply, buyer, max(len(steps), 1))
    return result, steps_of(prepared, purchase, result, clock, steps)


def _unmeasured(bench: Bench, prepared: Prepared, purchase: Purchase) -> SampleResult:
    return SampleResult(
        case=prepared.case.id,
        repeat=prepared.repeat,
        error=purchase.error,
        scores={name: Score(state="not_measured", explanation=purchase.message[:_SHOWN]) for name in bench.scorers},
        trace_id=trace_id_of(bench.identity, prepared.case.id, prepared.repeat),
    )


def _measured(bench: Bench, prepared: Prepared, purchase: Purchase, reply: Reply, buyer: Buyer, steps: int) -> SampleResult:
    sample = Sample(
        inputs=prepared.case.inputs,
        expected=prepared.case.expected,
        output=output_of(reply),
        finish_reason=reply.finish_reason,
        latency_seconds=reply.latency_seconds,
        cost_usd=purchase.cost_usd,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        reasoning_tokens=reply.usage.reasoning_tokens,
        ttft_seconds=reply.ttft_seconds,
        tool_calls=reply.tool_calls,
        steps=steps,
        query=prepared.retrieved.query if prepared.retrieved else "",
        documents=prepared.retrieved.documents if prepared.retrieved else (),
    )
    return SampleResult(
        case=prepared.case.id,
        repeat=prepared.repeat,
        output=sample.output,
        finish_reason=reply.finish_reason,
        usage=reply.usage,
        latency_seconds=reply.latency_seconds,
        cost_usd=purchase.cost_usd,
        cached=purchase.cached,
        scores=_scores(bench, sample, prepared.repeat, buyer),
        trace_id=trace_id_of(bench.identity, prepared.case.id, prepared.repeat),
    )


def output_of(reply: Reply) -> str:
    """What scorers see of a reply: its text, or the tools it called as JSON where it says nothing else."""
    if reply.text or not reply.tool_calls:
        return reply.text
    return json.dumps([{"name": call.get("name"), "arguments": call.get("arguments")} for call in reply.tool_calls])


def _scores(bench: Bench, sample: Sample, repeat: int, buyer: Buyer) -> dict[str, Score]:
    scores = {}
    for name, scorer in bench.scorers.items():
        judges = bench.judges.get(name, ())
        embedder = bench.embedders.get(name)
        session = JudgeSession(judges, embedder, repeat, buyer) if judges or embedder else None
        score = score_with(scorer, sample, session)
        scores[name] = replace(score, judgements=tuple(session.judgements)) if session else score
    return combined(bench.scorers, scores)


def score_with(scorer: Scorer, sample: Sample, session: JudgeSession | None) -> Score:
    """The scorer's score; one that fails, or is not a finite number, is "not measured" and says why."""
    try:
        score = scorer.score(sample, session)
    except NotMeasured as error:
        return Score(state="not_measured", label="judge" if session else "", explanation=error.message[:_SHOWN])
    except Exception as error:  # noqa: BLE001  # a scorer's fault is evidence of nothing about the config
        return Score(state="not_measured", explanation=f"the scorer failed: {type(error).__name__}: {error}"[:_SHOWN])
    if score.state == "measured" and (score.value is None or not math.isfinite(score.value)):
        return Score(state="not_measured", explanation=f"the scorer gave {score.value}")
    return score
