"""The guardrails of a config while it is evaluated: what they make of the inputs before a request, and of the reply after it.

Judges of rules are asked through the run like any other model. What they took and cost is the config's: a caller in production
waits for them and pays for them, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, Config
from llmops_git.errors import LlmopsError
from llmops_git.evals.buyer import Purchase
from llmops_git.guardrails.apply import apply_packs, apply_to_inputs
from llmops_git.guardrails.base import RuleResult, Undecided
from llmops_git.guardrails.judge import question
from llmops_git.guardrails.leaves import texts_of
from llmops_git.guardrails.packs import SIDES, Pack, Rule, faults_of, packs_of
from llmops_git.providers.base import Request
from llmops_git.scorers.base import GuardHit

FINISH = "guardrail"  # the finish reason of a reply that a guardrail gave in the model's place
Buy = Callable[[Request, str], Purchase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What the packs of one side came to. `inputs` are what may be passed on (of the input side); `message` is what the caller
    gets instead, None where nothing blocks; `seconds` and `cost_usd` are what all rules took (None: nobody knows)."""

    results: tuple[RuleResult, ...] = ()
    inputs: Mapping[str, Any] | None = None
    text: str = ""
    message: str | None = None
    seconds: float = 0.0
    cost_usd: float | None = 0.0

    @property
    def hits(self) -> tuple[GuardHit, ...]:
        """The rules that found something or failed to decide, as scorers see them."""
        return tuple(
            GuardHit(pack=one.pack, rule=one.rule, side=one.side, outcome=one.outcome)
            for one in self.results
            if one.outcome != "pass"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The packs of one config, built. `foreseen` are those of the inputs as far as a plan may apply them, `redacting` as far as
    they change anything. `labels` are those of each judge's scale, by the judge's digest; `unforeseen` is the digest of what a
    plan cannot know."""

    inputs: tuple[Pack, ...]
    outputs: tuple[Pack, ...]
    foreseen: tuple[Pack, ...]
    redacting: tuple[Pack, ...]
    labels: Mapping[str, tuple[str, ...]]
    unforeseen: str

    def guard_inputs(self, case: Case, clock_ns: Callable[[], int], judges: Judges | None = None) -> Guarded:
        """What the packs make of a case's inputs."""
        found = apply_to_inputs(self.inputs, case.inputs, clock_ns=clock_ns, session=judges)
        message = None if found.allowed else found.message
        return self._with_results(Guarded(inputs=found.inputs, message=message), found.results, judges)

    def guard_output(self, text: str, clock_ns: Callable[[], int], judges: Judges | None = None) -> Guarded:
        """What the packs make of a reply's text."""
        verdict = apply_packs(self.outputs, "output", text, clock_ns=clock_ns, session=judges)
        found = Guarded(text=verdict.text, message=None if verdict.allowed else verdict.text)
        return self._with_results(found, verdict.results, judges)

    def foresee(self, case: Case, clock_ns: Callable[[], int]) -> tuple[Guarded, bool]:
        """What is known of the inputs before anybody is asked, and whether that is all there is to know."""
        found = replace(self, inputs=self.foreseen).guard_inputs(case, clock_ns)
        return found, found.message is not None or self.foreseen == self.inputs

    def redacted(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs of a request that was made, as its templates saw them."""
        return apply_to_inputs(self.redacting, inputs, clock_ns=lambda: 0).inputs

    def mark(self, guarded: Guarded) -> str:
        """What decides about a sample besides its request, as far as it is known: two samples with one mark and one request
        come to the same."""
        outcomes = [[one.pack, one.rule, one.outcome] for one in guarded.results]
        return digest_of([outcomes, guarded.message, self.unforeseen])

    def _with_results(self, found: Guarded, results: tuple[RuleResult, ...], judges: Judges | None) -> Guarded:
        """What was found, with what it took: rules that ask as long as the replies once took, from the cache or not."""
        asking = {(pack.name, rule.name) for pack in (*self.inputs, *self.outputs) for rule in pack.rules if rule.asks}
        own = sum(one.end_ns - one.start_ns for one in results if (one.pack, one.rule) not in asking) / 1e9
        if judges is None:
            return replace(found, results=results, seconds=own)
        return replace(found, results=results, seconds=own + judges.seconds, cost_usd=judges.cost_usd)


class Judges:
    """Asks the judges of rules for one sample, and remembers what they took and cost."""

    def __init__(self, guard: Guard, repeat: int, buy: Buy) -> None:
        self._labels = guard.labels
        self._repeat = repeat
        self._buy = buy
        self.seconds = 0.0
        self.cost_usd: float | None = 0.0

    def generate(self, judge: Mapping[str, Any], text: str) -> str:
        """The judge's words about a text. Raises Undecided when there are none."""
        try:
            request = judge_request(judge, self._labels[digest_of(judge)], text, self._repeat)
        except LlmopsError as error:
            raise Undecided(error.message) from None
        purchase = self._buy(request, request.key(self._repeat))
        if purchase.reply is None:
            raise Undecided(purchase.message or purchase.error)
        self.seconds += purchase.reply.latency_seconds
        known = self.cost_usd is not None and purchase.cost_usd is not None
        self.cost_usd = self.cost_usd + purchase.cost_usd if known else None  # type: ignore[operator]
        return purchase.reply.text


def guard_of(config: Config, allowed: Collection[str] = (), *, check: bool = False) -> Guard | None:
    """The guardrails of a config; None where there are none, or where an application applies them itself. `allowed` names the
    checks of other packages that the policy allows. Raises LlmopsError, with `check`, where a rule could never decide."""
    resolved = config.resolved.get("guardrails")
    if not resolved or config.answered_by != config.provider:
        return None
    inputs, outputs = packs_of(config.resolved, "input", allowed), packs_of(config.resolved, "output", allowed)
    if check and (faults := faults_of((*inputs, *outputs))):
        raise faults[0]
    others = [rule for rule in _rules(resolved, "input") if not _is_local(rule["use"])]
    asking = [rule for side in SIDES for rule in _rules(resolved, side) if rule["use"] == "judge"]
    return Guard(
        inputs=inputs,
        outputs=outputs,
        foreseen=_only(inputs, lambda rule: _is_local(rule.use)),
        redacting=_only(inputs, lambda rule: rule.action == "redact"),
        labels={digest_of(rule["judge"]): tuple(map(str, rule["scale"])) for rule in asking},
        unforeseen=digest_of([others, [[pack["message"], _of(pack, "output")] for pack in resolved.get("output", ())]]),
    )


def with_guards(purchase: Purchase, before: Guarded | None, after: Guarded | None) -> Purchase:
    """What the caller gets of a reply: its text as the guardrails leave it, later and dearer by what they took."""
    reply, cost = purchase.reply, purchase.cost_usd
    if reply is None:
        return purchase
    for side in (before, after):
        if side is not None:
            cost = None if cost is None or side.cost_usd is None else cost + side.cost_usd
            reply = replace(reply, latency_seconds=reply.latency_seconds + side.seconds)
    if after is not None and after.message is not None:
        reply = replace(reply, text=after.message, finish_reason=FINISH)
    elif after is not None:
        reply = replace(reply, text=after.text)
    return replace(purchase, reply=reply, cost_usd=cost)


def guard_judges_of(config: Config, side: str) -> list[Mapping[str, Any]]:
    """The resolved judges that the rules of one side ask, in order."""
    if config.answered_by != config.provider:
        return []
    rules = _rules(config.resolved.get("guardrails") or {}, side)
    return [rule["judge"] for rule in rules if rule["use"] == "judge"]


def input_texts(case: Case) -> list[str]:
    """The texts of a case's inputs that judges of rules are asked about."""
    try:
        return [text for text in texts_of(case.inputs) if text.strip()]
    except Undecided:
        return []  # too much to look at: the rules fail to decide


def judge_request(judge: Mapping[str, Any], labels: tuple[str, ...], text: str, repeat: int = 0) -> Request:
    """What a judge is asked about a text. Raises LlmopsError where its templates do not render."""
    messages, schema = question(judge, labels, text)
    model, output = judge["model"], judge.get("output") or {}
    return Request(
        provider=model["provider"],
        model=model["id"],
        messages=messages,
        parameters=model.get("parameters") or {},
        output_schema=output.get("schema") or schema,
        sample=repeat,
    )


def _is_local(use: str) -> bool:
    """Whether a plan may apply a rule: it asks nobody, and is no code of another package."""
    return use != "judge" and "." not in use


def _rules(resolved: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    return [rule for pack in resolved.get(side, ()) for rule in _of(pack, side)]


def _of(pack: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    """The rules of a pack that count on a side."""
    return [rule for rule in pack["rules"] if side in rule["sides"]]


def _only(packs: tuple[Pack, ...], wanted: Callable[[Rule], bool]) -> tuple[Pack, ...]:
    return tuple(replace(pack, rules=tuple(rule for rule in pack.rules if wanted(rule))) for pack in packs)
