"""One sample from its reply on: take the reply apart, score it, and say what happened."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from llmops_git.configs.values import Config
from llmops_git.errors import NotMeasured
from llmops_git.evals.agent import Step
from llmops_git.evals.buyer import Buyer, Purchase
from llmops_git.evals.guarding import FINISH, Guard, Guarded, Judges, guard_of, with_guards
from llmops_git.evals.judging import JudgeSession
from llmops_git.evals.retry import Clock
from llmops_git.evals.sample_trace import steps_of
from llmops_git.evals.samples import Job, Prepared
from llmops_git.evals.values import SampleResult, ScorerDeclaration
from llmops_git.providers.base import Reply, Usage
from llmops_git.scorers.base import Sample, Score, Scorer
from llmops_git.scorers.weighted import combined
from llmops_git.traces.recorder import RunIdentity, SampleSteps, trace_id_of

_SHOWN = 300  # characters of an error that go into a score's explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A job made ready: its scorers and guardrails built once, its identity in traces."""

    job: Job
    scorers: Mapping[str, Scorer]
    judges: Mapping[str, tuple[Config, ...]]
    embedders: Mapping[str, Mapping[str, str]]
    identity: RunIdentity
    guard: Guard | None = None

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


def set_up(job: Job, identity: RunIdentity, allowed: Collection[str] = (), allowed_checks: Collection[str] = ()) -> Bench:
    """Build the job's scorers and the checks of its guardrails; `allowed` and `allowed_checks` name those of other packages.
    Raises LlmopsError when one cannot be built."""
    from llmops_git.scorers.table import build_scorers

    return Bench(
        job=job,
        scorers=build_scorers(job.evaluation.scorers, allowed),
        judges={settings.name: settings.asked for settings in job.evaluation.scorers},
        embedders={one.name: one.options["embedder"] for one in job.evaluation.scorers if "embedder" in one.options},
        identity=identity,
        guard=guard_of(job.config, allowed_checks, check=True),
    )


def measure(
    bench: Bench, prepared: Prepared, purchase: Purchase, buyer: Buyer, clock: Clock, steps: Sequence[Step] = ()
) -> tuple[SampleResult, SampleSteps]:
    """Hold what was bought for a sample to the guardrails, and score it; without a reply every score is "not measured".
    `steps` are those of a tool loop, which `purchase` sums up."""
    if purchase.reply is None:
        result = _unmeasured(bench, prepared, purchase)
        return result, steps_of(prepared, purchase, result, clock, steps)
    after = None
    if bench.guard is not None and not prepared.blocked:
        judges = Judges(bench.guard, prepared.repeat, buyer.buy)
        after = bench.guard.guard_output(purchase.reply.text, clock.wall_ns, judges)
    given = with_guards(purchase, prepared.guarded, after)
    result = _measured(bench, prepared, given, buyer, max(len(steps), 1), (prepared.guarded, after))
    return result, steps_of(prepared, purchase, result, clock, steps, after)


def blocked(prepared: Prepared, now_ns: int) -> Purchase:
    """What stands in the place of a reply where a guardrail blocks the inputs: the pack's message, once the rules are done."""
    guarded = prepared.guarded or Guarded(message="")
    reply = Reply(
        text=guarded.message or "",
        finish_reason=FINISH,
        usage=Usage(input_tokens=0, output_tokens=0),
        latency_seconds=0.0,
    )
    return Purchase(reply=reply, start_ns=now_ns, end_ns=now_ns, cost_usd=0.0)


def _unmeasured(bench: Bench, prepared: Prepared, purchase: Purchase) -> SampleResult:
    return SampleResult(
        case=prepared.case.id,
        repeat=prepared.repeat,
        error=purchase.error,
        scores={name: Score(state="not_measured", explanation=purchase.message[:_SHOWN]) for name in bench.scorers},
        trace_id=trace_id_of(bench.identity, prepared.case.id, prepared.repeat),
    )


def _measured(
    bench: Bench,
    prepared: Prepared,
    purchase: Purchase,
    buyer: Buyer,
    steps: int,
    guards: Sequence[Guarded | None],
) -> SampleResult:
    """`purchase` is what the caller gets."""
    reply = cast("Reply", purchase.reply)
    hits = tuple(hit for side in guards if side is not None for hit in side.hits)
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
        guards=hits,
        guarded=bench.guard is not None or not bench.job.config.resolved.get("guardrails"),
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
        scores=scores_of(bench, sample, prepared.repeat, buyer),
        trace_id=trace_id_of(bench.identity, prepared.case.id, prepared.repeat),
        guards=hits,
    )


def output_of(reply: Reply) -> str:
    """What scorers see of a reply: its text, or the tools it called as JSON where it says nothing else."""
    if reply.text or not reply.tool_calls:
        return reply.text
    return json.dumps([{"name": call.get("name"), "arguments": call.get("arguments")} for call in reply.tool_calls])


def scores_of(bench: Bench, sample: Sample, repeat: int, buyer: Buyer) -> dict[str, Score]:
    """What each scorer of the bench says of a sample, and those that combine others."""
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
