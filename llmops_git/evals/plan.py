"""What a run will ask for, before the first call: requests, tokens and money. Nothing is sent to find out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmops_git.configs.judge_prompts import ASKED
from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case, Config, JsonObject
from llmops_git.evals.agent import max_steps_of
from llmops_git.evals.cache import Cache
from llmops_git.evals.finding import Finder, NotKnown
from llmops_git.evals.foresight import foreseen
from llmops_git.evals.guarding import Guard, Guarded, guard_judges_of, guard_of, input_texts
from llmops_git.evals.history import History
from llmops_git.evals.program import CHARACTERS_PER_TOKEN, DEFAULT_OUTPUT_TOKENS, estimated_input_tokens, output_token_limit
from llmops_git.evals.retry import Clock, SystemClock
from llmops_git.evals.samples import Job, Prepared, guessed, prepare
from llmops_git.providers.base import Reply, Request
from llmops_git.providers.prices import most_it_can_cost, price_of
from llmops_git.scorers.pairwise import NAME as PAIRWISE

SampleKey = tuple[str, str, str, int]
ASKED_BYTES = 16  # of a request's key that tell whether two cases ask the same
_PREPARED = 2000  # samples whose requests are kept, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """One job's part. A request that several jobs share counts for the first of them and is `shared` for the others.

    `requests` are to be sent, `cached` are paid for already; `judge_requests` is the most that its judges can be asked.
    `further` is the most that can follow where the model calls tools: what they ask nobody knows yet, so neither they nor their
    tokens and cost are in the other figures.
    Tokens: `input_tokens` is an estimate, `output_tokens_max` the most that the requests allow. `cost_usd` is in US dollars,
    with replies of that greatest length; None where a price is not known. `output_tokens_likely` and `likely_usd` reckon
    with replies as long as earlier ones, for the `from_history` requests of which there are some.
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
    further: int = 0
    input_tokens: int = 0
    output_tokens_max: int = 0
    cost_usd: float | None = 0.0
    output_tokens_likely: int = 0
    likely_usd: float | None = 0.0
    from_history: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All jobs together; `unpriced` names the models (provider/model) whose price nobody knows.

    `prepared` holds requests that `evaluate` need not render again: (config digest, eval digest, case, repeat) -> sample.
    `asked` tells which cases two jobs ask the same for: (config digest, eval digest) -> 16 bytes of the request's key for each
    case, in the evaluation's order.
    """

    requests: int
    cached: int
    shared: int
    judge_requests: int
    input_tokens: int
    output_tokens_max: int
    cost_usd: float | None
    unpriced: tuple[str, ...]
    per_job: tuple[JobPlan, ...]
    output_tokens_likely: int = 0
    likely_usd: float | None = 0.0
    from_history: int = 0
    prepared: Mapping[SampleKey, Prepared] = field(default_factory=dict, repr=False, compare=False)
    asked: Mapping[tuple[str, str], bytes] = field(default_factory=dict, repr=False, compare=False)
    further: int = 0


def make_plan(
    jobs: Sequence[Job],
    *,
    cache: Cache | None,
    prices: Mapping[str, Price],
    fingerprints: Mapping[str, str] | None = None,
    first_repeat: int = 0,
    clock: Clock | None = None,
    known: Collection[SampleKey] = (),
    history: History | None = None,
    stubbed: Container[str] = (),
) -> Plan:
    """Render every request and look it up in the cache.

    `fingerprints` are the open providers' by name; without them a cached reply of any engine counts. Samples that are `known`
    count as shared, and are not rendered. `history` knows of earlier replies; those in the cache are
    added to it. `stubbed` are the tools that have a stub. Raises LlmopsError when a request
    cannot be rendered, so that a broken template costs nothing.
    """
    desk = _Desk(cache, prices, fingerprints or {}, clock or SystemClock(), known, stubbed, history or History())
    per_job = tuple(desk.plan(job, range(first_repeat, first_repeat + job.repeats)) for job in jobs)
    costs = [plan.cost_usd for plan in per_job]
    priced = [cost for cost in costs if cost is not None]
    return Plan(
        requests=sum(plan.requests for plan in per_job),
        cached=sum(plan.cached for plan in per_job),
        shared=sum(plan.shared for plan in per_job),
        judge_requests=sum(plan.judge_requests for plan in per_job),
        input_tokens=sum(plan.input_tokens for plan in per_job),
        output_tokens_max=sum(plan.output_tokens_max for plan in per_job),
        cost_usd=sum(priced) if len(priced) == len(costs) else None,
        output_tokens_likely=sum(plan.output_tokens_likely for plan in per_job),
        likely_usd=sum(plan.likely_usd or 0.0 for plan in per_job) if len(priced) == len(costs) else None,
        from_history=sum(plan.from_history for plan in per_job),
        unpriced=tuple(sorted(desk.unpriced)),
        per_job=per_job,
        prepared=desk.prepared,
        asked={key: bytes(marks) for key, marks in desk.asked.items()},
        further=sum(plan.further for plan in per_job),
    )


def over_budget(plan: Plan, budget: Budget) -> tuple[str, ...]:
    """Which limits the plan would meet, in words; empty when it fits."""
    found = []
    if budget.max_requests is not None and plan.requests + plan.judge_requests > budget.max_requests:
        found.append(f"{plan.requests + plan.judge_requests} requests are planned, {budget.max_requests} are allowed")
    if budget.max_usd is not None and plan.cost_usd is not None and plan.cost_usd > budget.max_usd:
        found.append(f"up to ${plan.cost_usd:.4f} is planned, ${budget.max_usd:g} is allowed")
    return tuple(found)


class _Desk:
    """Plans one job after the other, remembering what earlier ones asked for."""

    def __init__(
        self,
        cache: Cache | None,
        prices: Mapping[str, Price],
        fingerprints: Mapping[str, str],
        clock: Clock,
        known: Collection[SampleKey],
        stubbed: Container[str],
        history: History,
    ) -> None:
        self._history = history
        self._cache = cache
        self._prices = prices
        self._fingerprints = fingerprints
        self._clock = clock
        self._known = known
        self._finder = Finder(self._kept)
        self._stubbed = stubbed
        self._seen: set[str] = set()
        self.asked: dict[tuple[str, str], bytearray] = {}
        self.unpriced: set[str] = set()
        self.prepared: dict[SampleKey, Prepared] = {}

    def plan(self, job: Job, repeats: range) -> JobPlan:
        config = job.config
        plan = JobPlan(
            config=config.name,
            config_digest=config.digest,
            eval_digest=job.evaluation.digest,
            model=f"{config.answered_by}/{config.model}",
            samples=len(job.evaluation.cases) * len(repeats),
        )
        # a scorer asks each of its judges once, or with one request for each text that it has of its own, or in both orders
        judges = [
            judge
            for settings in job.evaluation.scorers
            for judge in settings.asked
            for _ in range(2 * job.opponents if settings.use == PAIRWISE else len(ASKED.get(settings.use, ("its own",))))
        ]
        guard = guard_of(config)
        asked = self.asked[config.digest, job.evaluation.digest] = bytearray()
        for case in job.evaluation.cases:
            for repeat in repeats:
                if (config.digest, job.evaluation.digest, case.id, repeat) in self._known:
                    plan = replace(plan, shared=plan.shared + 1)
                    continue
                prepared = self._prepared(config, case, repeat, guard)
                if repeat == repeats[0]:
                    others = guard.mark(prepared.guarded) if guard is not None and prepared.guarded is not None else ""
                    asked += _mark(prepared.key, max_steps_of(config), others)
                if not prepared.guess and len(self.prepared) < _PREPARED:
                    self.prepared[config.digest, job.evaluation.digest, case.id, repeat] = prepared
                if not prepared.blocked:
                    plan = self._with_guards(plan, config, prepared)
                    plan = self._with_sample(plan, config, prepared)
                for judge in judges:
                    plan = self._with_judge(plan, judge, prepared.request)
        return plan

    def _prepared(self, config: Config, case: Case, repeat: int, guard: Guard | None) -> Prepared:
        """The sample as far as it is known: judges of guardrails are not asked, and taken to let everything pass."""
        sure = True

        def foreseen_of(case: Case, _repeat: int) -> Guarded:
            nonlocal sure
            found, sure = guard.foresee(case, self._clock.wall_ns)  # type: ignore[union-attr]
            return found

        try:
            guarding = None if guard is None else foreseen_of
            prepared = prepare(config, case, repeat, self._clock, self._finder.find, guard=guarding)
        except NotKnown:
            return guessed(config, case, repeat)
        return prepared if sure else replace(prepared, guess=True)

    def _kept(self, request: Request) -> str:
        """What a search or an embedder has said before."""
        key = request.key(0)
        reply = self._cache.get(key, self._fingerprints.get(request.provider)) if self._cache is not None else None
        if reply is None:
            raise NotKnown("nobody was asked yet")
        return reply.text

    def _with_sample(self, plan: JobPlan, config: Config, prepared: Prepared) -> JobPlan:
        if prepared.key in self._seen:
            return replace(plan, shared=plan.shared + 1)
        self._seen.add(prepared.key)
        fingerprint = self._fingerprints.get(config.answered_by)

        def find(key: str) -> Reply | None:
            return None if self._cache is None else self._cache.get(key, fingerprint)

        for request, key, reply, left in foreseen(prepared, max_steps_of(config) or 1, find, self._stubbed):
            if key != prepared.key and key in self._seen:
                return replace(plan, shared=plan.shared + 1)
            self._seen.add(key)
            plan = replace(plan, further=plan.further + left)
            if reply is not None:
                self._history.learn(plan.eval_digest, prepared.case.id, reply.usage.output_tokens)
                plan = replace(plan, cached=plan.cached + 1)
                continue
            if config.answered_by != config.provider:  # an application: its tokens are its own
                plan = self._with_tokens(replace(plan, requests=plan.requests + 1), config, 0, 0)
                continue
            most = output_token_limit(request)
            before = self._history.tokens(plan.eval_digest, prepared.case.id)
            plan = replace(plan, requests=plan.requests + 1, from_history=plan.from_history + (before is not None))
            likely = most if before is None else min(before, most)
            plan = self._with_tokens(plan, config, estimated_input_tokens(request), most, likely)
        return plan

    def _with_judge(self, plan: JobPlan, judge: Config, request: Request) -> JobPlan:
        """The plan with one call of a judge: its own text, the case's, and a reply as long as allowed."""
        return self._with_guard(plan, judge.resolved, estimated_input_tokens(request) + output_token_limit(request))

    def _with_guards(self, plan: JobPlan, config: Config, prepared: Prepared) -> JobPlan:
        """The plan with what the judges of guardrails are asked about one sample: each text of the inputs, and the reply."""
        for judge in guard_judges_of(config, "input"):
            for text in input_texts(prepared.case):
                plan = self._with_guard(plan, judge, len(text) // CHARACTERS_PER_TOKEN)
        for judge in guard_judges_of(config, "output"):
            plan = self._with_guard(plan, judge, output_token_limit(prepared.request))
        return plan

    def _with_guard(self, plan: JobPlan, judge: JsonObject, tokens: int) -> JobPlan:
        """The plan with one call of a (resolved) judge about a text of so many tokens."""
        text = sum(len(message["template"]) for message in judge["messages"]) // CHARACTERS_PER_TOKEN
        model = judge["model"]
        parameters = model.get("parameters") or {}
        written = int(parameters.get("max_completion_tokens") or parameters.get("max_tokens") or DEFAULT_OUTPUT_TOKENS)
        more = replace(plan, judge_requests=plan.judge_requests + 1)
        return self._with_priced(more, (model["provider"], model["id"]), text + tokens, written, written)

    def _with_tokens(self, plan: JobPlan, config: Config, read: int, most: int, likely: int | None = None) -> JobPlan:
        return self._with_priced(plan, (config.answered_by, config.model), read, most, most if likely is None else likely)

    def _with_priced(self, plan: JobPlan, model: tuple[str, str], read: int, most: int, written: int) -> JobPlan:
        price = price_of(self._prices, *model)
        cost, likely_cost = (most_it_can_cost(price, input_tokens=read, output_tokens=tokens) for tokens in (most, written))
        if cost is None:
            self.unpriced.add("/".join(model))
        return replace(
            plan,
            input_tokens=plan.input_tokens + read,
            output_tokens_max=plan.output_tokens_max + most,
            output_tokens_likely=plan.output_tokens_likely + written,
            cost_usd=None if cost is None or plan.cost_usd is None else plan.cost_usd + cost,
            likely_usd=None if likely_cost is None or plan.likely_usd is None else plan.likely_usd + likely_cost,
        )


def _mark(key: str, max_steps: int, others: str) -> bytes:
    """What tells two samples' requests apart; where there is a tool loop, how far it may go is a part of them, and `others`
    is what guardrails add."""
    if max_steps or others:
        key = hashlib.sha256(f"{key} {max_steps} {others}".rstrip().encode()).hexdigest()
    return bytes.fromhex(key[: ASKED_BYTES * 2])
