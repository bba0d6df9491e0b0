"""What a run will ask for, before the first call: requests, tokens and money. Nothing is sent to find out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Config
from llmops_git.evals.cache import Cache
from llmops_git.evals.program import DEFAULT_OUTPUT_TOKENS, estimated_input_tokens, output_token_limit
from llmops_git.evals.retry import Clock, SystemClock
from llmops_git.evals.worker import Job, Prepared, prepare
from llmops_git.providers.prices import most_it_can_cost, price_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """One job's part. A request that several jobs share counts for the first of them and is `shared` for the others.

    `requests` are to be sent, `cached` are paid for already; `judge_requests` is the most that its judges can be asked.
    Tokens: `input_tokens` is an estimate, `output_tokens_max` the most that the requests allow. `cost_usd` is in US dollars,
    with replies of that greatest length; None where a price is not known.
    """

    config: str
    config_digest: str
    eval_digest: str
    model: str
    samples: int
    requests: int = 0
    cached: int = 0
    shared: int = 0
    judge_requests: int = 0
    input_tokens: int = 0
    output_tokens_max: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All jobs together; `unpriced` names the models (provider/model) whose price nobody knows."""

    requests: int
    cached: int
    shared: int
    judge_requests: int
    input_tokens: int
    output_tokens_max: int
    cost_usd: float | None
    unpriced: tuple[str, ...]
    per_job: tuple[JobPlan, ...]


def make_plan(
    jobs: Sequence[Job],
    *,
    cache: Cache | None,
    prices: Mapping[str, Price],
    fingerprints: Mapping[str, str] | None = None,
    first_repeat: int = 0,
    clock: Clock | None = None,
) -> Plan:
    """Render every request and look it up in the cache.

    `fingerprints` are the open providers' by name; without them a cached reply of any engine counts. Raises LlmopsError
    when a request cannot be rendered, so that a broken template costs nothing.
    """
    ours = clock or SystemClock()
    seen: set[str] = set()
    unpriced: set[str] = set()
    per_job = tuple(_job_plan(job, cache, prices, fingerprints or {}, first_repeat, ours, seen, unpriced) for job in jobs)
    costs = [plan.cost_usd for plan in per_job]
    known = [cost for cost in costs if cost is not None]
    return Plan(
        requests=sum(plan.requests for plan in per_job),
        cached=sum(plan.cached for plan in per_job),
        shared=sum(plan.shared for plan in per_job),
        judge_requests=sum(plan.judge_requests for plan in per_job),
        input_tokens=sum(plan.input_tokens for plan in per_job),
        output_tokens_max=sum(plan.output_tokens_max for plan in per_job),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        unpriced=tuple(sorted(unpriced)),
        per_job=per_job,
    )


def over_budget(plan: Plan, budget: Budget) -> tuple[str, ...]:
    """Which limits the plan would meet, in words; empty when it fits."""
    found = []
    if budget.max_requests is not None and plan.requests + plan.judge_requests > budget.max_requests:
        found.append(f"{plan.requests + plan.judge_requests} requests are planned, {budget.max_requests} are allowed")
    if budget.max_usd is not None and plan.cost_usd is not None and plan.cost_usd > budget.max_usd:
        found.append(f"up to ${plan.cost_usd:.4f} is planned, ${budget.max_usd:g} is allowed")
    return tuple(found)


def _job_plan(
    job: Job,
    cache: Cache | None,
    prices: Mapping[str, Price],
    fingerprints: Mapping[str, str],
    first_repeat: int,
    clock: Clock,
    seen: set[str],
    unpriced: set[str],
) -> JobPlan:
    config = job.config
    plan = JobPlan(
        config=config.name,
        config_digest=config.digest,
        eval_digest=job.evaluation.digest,
        model=f"{config.provider}/{config.model}",
        samples=len(job.evaluation.cases) * job.repeats,
    )
    judges = [settings.judge for settings in job.evaluation.scorers if settings.judge is not None]
    for case in job.evaluation.cases:
        for repeat in range(first_repeat, first_repeat + job.repeats):
            prepared = prepare(config, case, repeat, clock)
            for judge in judges:
                plan = _with_judge(plan, judge, prepared, prices, unpriced)
            if prepared.key in seen:
                plan = replace(plan, shared=plan.shared + 1)
                continue
            seen.add(prepared.key)
            if cache is not None and cache.get(prepared.key, fingerprints.get(config.provider)) is not None:
                plan = replace(plan, cached=plan.cached + 1)
                continue
            request = prepared.request
            plan = replace(plan, requests=plan.requests + 1)
            plan = _with_tokens(plan, config, estimated_input_tokens(request), output_token_limit(request), prices, unpriced)
    return plan


def _with_judge(plan: JobPlan, judge: Config, prepared: Prepared, prices: Mapping[str, Price], unpriced: set[str]) -> JobPlan:
    """The plan with one call of a judge: its own text, the case's, and a reply as long as allowed."""
    text = sum(len(message["template"]) for message in judge.resolved["messages"]) // 4
    read = text + estimated_input_tokens(prepared.request) + output_token_limit(prepared.request)
    parameters = judge.resolved["model"].get("parameters") or {}
    written = int(parameters.get("max_completion_tokens") or parameters.get("max_tokens") or DEFAULT_OUTPUT_TOKENS)
    plan = replace(plan, judge_requests=plan.judge_requests + 1)
    return _with_tokens(plan, judge, read, written, prices, unpriced)


def _with_tokens(
    plan: JobPlan, config: Config, read: int, written: int, prices: Mapping[str, Price], unpriced: set[str]
) -> JobPlan:
    price = price_of(prices, config.provider, config.model)
    cost = most_it_can_cost(price, input_tokens=read, output_tokens=written)
    if cost is None:
        unpriced.add(f"{config.provider}/{config.model}")
    return replace(
        plan,
        input_tokens=plan.input_tokens + read,
        output_tokens_max=plan.output_tokens_max + written,
        cost_usd=None if cost is None or plan.cost_usd is None else plan.cost_usd + cost,
    )
