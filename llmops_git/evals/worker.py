"""One sample, step by step: find documents, render the request, take the reply apart, score it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.template import render_query
from llmops_git.configs.values import Case, Config, Evaluation, JsonObject
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.buyer import Buyer, Purchase
from llmops_git.evals.program import render_request
from llmops_git.evals.retry import Clock
from llmops_git.evals.values import SampleResult, ScorerDeclaration
from llmops_git.providers.base import Reply, Request
from llmops_git.retrievers.table import DEFAULT_TOP_K, retrieve
from llmops_git.scorers.base import Sample, Score, Scorer
from llmops_git.traces.recorder import ChatStep, RetrievalStep, RunIdentity, SampleSteps, trace_id_of

_SHOWN = 300  # characters of an error that go into a score's explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One config to be measured under one evaluation, `repeats` samples for each case."""

    config: Config
    evaluation: Evaluation
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A job made ready: its scorers built once, its identity in traces."""

    job: Job
    scorers: Mapping[str, Scorer]
    judges: Mapping[str, Config]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A sample whose request is rendered."""

    case: Case
    repeat: int
    request: Request
    key: str
    start_ns: int
    retrieval: RetrievalStep | None


def set_up(job: Job, identity: RunIdentity) -> Bench:
    """Build the job's scorers. Raises LlmopsError when one cannot be built."""
    from llmops_git.scorers.table import build_scorer  # noqa: PLC0415

    return Bench(
        job=job,
        scorers={settings.name: build_scorer(settings) for settings in job.evaluation.scorers},
        judges={settings.name: settings.judge for settings in job.evaluation.scorers if settings.judge is not None},
        identity=identity,
    )


def prepare(config: Config, case: Case, repeat: int, clock: Clock) -> Prepared:
    """Find the documents and render the request. Raises LlmopsError, naming config and case, when that is impossible."""
    start_ns = clock.wall_ns()
    try:
        documents, retrieval = _retrieved(config, case, clock)
        request = render_request(config, case, documents)
        if repeat:
            request = _drawn(request, repeat)
        key = request.key(repeat)
    except (LlmopsError, ValueError) as error:
        raise LlmopsError(f"config `{config.name}`, case `{case.id}`: {error}", hint=getattr(error, "hint", "")) from None
    return Prepared(case=case, repeat=repeat, request=request, key=key, start_ns=start_ns, retrieval=retrieval)


def _drawn(request: Request, repeat: int) -> Request:
    return Request(
        provider=request.provider,
        model=request.model,
        messages=request.messages,
        parameters=request.parameters,
        output_schema=request.output_schema,
        tools=request.tools,
        sample=repeat,
    )


def _retrieved(config: Config, case: Case, clock: Clock) -> tuple[list[JsonObject], RetrievalStep | None]:
    settings = config.resolved.get("retrieval")
    if not settings:
        return [], None
    start_ns = clock.wall_ns()
    query = render_query(config.resolved, case.inputs) if settings.get("query") else ""
    documents = retrieve(config, query, case)
    step = RetrievalStep(
        retriever=settings["retriever"],
        top_k=settings.get("top_k", DEFAULT_TOP_K),
        start_ns=start_ns,
        end_ns=clock.wall_ns(),
        documents=tuple((str(document.get("id", "")), float(document.get("score") or 0.0)) for document in documents),
    )
    return documents, step


def measure(
    bench: Bench, prepared: Prepared, purchase: Purchase, buyer: Buyer, clock: Clock
) -> tuple[SampleResult, SampleSteps]:
    """Score what was bought for a sample; without a reply every score is "not measured"."""
    if purchase.reply is None:
        result = _unmeasured(bench, prepared, purchase)
    else:
        result = _measured(bench, prepared, purchase, purchase.reply, buyer)
    return result, _steps(prepared, purchase, result, clock)


def _unmeasured(bench: Bench, prepared: Prepared, purchase: Purchase) -> SampleResult:
    return SampleResult(
        case=prepared.case.id,
        repeat=prepared.repeat,
        error=purchase.error,
        scores={name: Score(state="not_measured", explanation=purchase.message[:_SHOWN]) for name in bench.scorers},
        trace_id=trace_id_of(bench.identity, prepared.case.id, prepared.repeat),
    )


def _measured(bench: Bench, prepared: Prepared, purchase: Purchase, reply: Reply, buyer: Buyer) -> SampleResult:
    sample = Sample(
        inputs=prepared.case.inputs,
        expected=prepared.case.expected,
        output=output_of(reply),
        finish_reason=reply.finish_reason,
        latency_seconds=reply.latency_seconds,
        cost_usd=purchase.cost_usd,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
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
        judge = bench.judges.get(name)
        session = JudgeSession(judge, repeat, buyer) if judge is not None else None
        scores[name] = score_with(scorer, sample, session)
    return scores


def score_with(scorer: Scorer, sample: Sample, session: JudgeSession | None) -> Score:
    """The scorer's score; one that fails, or is not a finite number, is "not measured" and says why."""
    try:
        score = scorer.score(sample, session)
    except NotMeasured as error:
        return Score(state="not_measured", explanation=error.message[:_SHOWN])
    except Exception as error:  # noqa: BLE001  # a scorer's fault is evidence of nothing about the config
        return Score(state="not_measured", explanation=f"the scorer failed: {type(error).__name__}: {error}"[:_SHOWN])
    if score.state == "measured" and (score.value is None or not math.isfinite(score.value)):
        return Score(state="not_measured", explanation=f"the scorer gave {score.value}")
    return score


class JudgeSession:
    """How a scorer asks its judge: through the run's cache, budget and patience."""

    def __init__(self, judge: Config, repeat: int, buyer: Buyer) -> None:
        self._judge = judge
        self._repeat = repeat
        self._buyer = buyer

    def generate(self, messages: tuple[Mapping[str, Any], ...]) -> str:
        """The judge's words. Raises NotMeasured when it gave none."""
        model, output = self._judge.resolved["model"], self._judge.resolved.get("output") or {}
        request = Request(
            provider=model["provider"],
            model=model["id"],
            messages=messages,
            parameters=model.get("parameters") or {},
            output_schema=output.get("schema"),
            sample=self._repeat,
        )
        purchase = self._buyer.buy(request, request.key(self._repeat))
        if purchase.reply is None:
            raise NotMeasured(f"judge `{self._judge.name}`: {purchase.message}")
        return purchase.reply.text


def _steps(prepared: Prepared, purchase: Purchase, result: SampleResult, clock: Clock) -> SampleSteps:
    reply = purchase.reply
    chat = None
    if reply is not None:
        usage = reply.usage
        chat = ChatStep(
            start_ns=purchase.start_ns,
            end_ns=purchase.end_ns,
            model=reply.model,
            engine=reply.engine,
            finish_reason=reply.finish_reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cost_usd=purchase.cost_usd,
            cached=purchase.cached,
        )
    elif purchase.error != "budget":
        chat = ChatStep(start_ns=purchase.start_ns, end_ns=purchase.end_ns, error=purchase.error)
    values = {name: score.value for name, score in result.scores.items() if score.value is not None}
    return SampleSteps(
        case=result.case,
        repeat=result.repeat,
        start_ns=min(prepared.start_ns, purchase.start_ns),
        end_ns=max(clock.wall_ns(), purchase.end_ns),
        retrieval=prepared.retrieval,
        chat=chat,
        scores=values,
        error=result.error,
    )
