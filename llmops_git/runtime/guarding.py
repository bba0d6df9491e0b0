"""Holds texts to the bundle's guardrails, and says of each rule what it came to."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops_git.runtime.ids import new_span_id
from llmops_git.runtime.steps import Step
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.guardrails.base import GuardVerdict, RuleResult, Session, Side
    from llmops_git.guardrails.packs import Pack
    from llmops_git.runtime.asking import Asker
    from llmops_git.runtime.inference import Inference

BLOCKED = "guardrail"  # the finish reason of a reply that a guardrail gave in the model's place


class Guards:
    """The packs of one bundle, made once."""

    def __init__(self, resolved: Mapping[str, Any], allowed: Callable[[], Collection[str]]) -> None:
        """`allowed` gives the checks of other packages that the policy allows; it is asked where a rule uses one."""
        self._resolved = resolved.get("guardrails") or {}
        self._whole = resolved
        self._allowed = allowed
        self._packs: dict[str, tuple[Pack, ...]] = {}

    def faults(self) -> list[str]:
        """Why rules can never decide here: a library that is not installed, a check that the policy does not allow."""
        from llmops_git.errors import LlmopsError
        from llmops_git.guardrails.packs import SIDES, faults_of

        try:
            return [fault.message for side in SIDES for fault in faults_of(self._built(side))]
        except LlmopsError as error:
            return [error.message]

    def has(self, side: Side) -> bool:
        """Whether any pack guards this side."""
        return bool(self._resolved.get(side))

    def inputs(
        self, inputs: Mapping[str, Any], known: Mapping[str, GuardVerdict], session: Session
    ) -> tuple[dict[str, Any], str | None, tuple[RuleResult, ...]]:
        """Inputs as they may be passed on, the message of what blocks them (None: nothing), and what each rule came to for the
        texts that were not held to the rules before (`known`). Where something blocks, the inputs are what was held back,
        redacted as far as rules redact, or {} where that is not known: for the record, and for nobody else."""
        from llmops_git.guardrails.base import Undecided
        from llmops_git.guardrails.leaves import texts_of, with_texts

        try:
            texts = texts_of(inputs)
        except Undecided:  # too much for one look: the packs say so
            return self._applied(inputs, session)
        blocked = next((known[text].text for text in texts if text in known and not known[text].allowed), None)
        if blocked is not None:
            return {}, blocked, ()
        new = {str(number): text for number, text in enumerate(texts) if text not in known}
        seen, message, results = self._applied(new, session) if new else ({}, None, ())
        if message is not None and not seen:
            return {}, message, results
        kept = [seen[str(number)] if str(number) in new else known[text].text for number, text in enumerate(texts)]
        return dict(with_texts(inputs, kept)), message, results

    def _applied(
        self, inputs: Mapping[str, Any], session: Session
    ) -> tuple[dict[str, Any], str | None, tuple[RuleResult, ...]]:
        started = time.time_ns()
        try:
            from llmops_git.guardrails.apply import apply_to_inputs

            verdict = apply_to_inputs(self._built("input"), inputs, clock_ns=time.time_ns, session=session)
            if not verdict.allowed:
                return dict(verdict.held), verdict.message, verdict.results
            return dict(verdict.inputs), None, verdict.results
        except Exception as error:  # noqa: BLE001  # an application must not fall over what guards it
            failed = self._failed("input", "", started, error)
            return (dict(inputs), None, failed.results) if failed.allowed else ({}, failed.text, failed.results)

    def verdict(self, side: Side, text: str, session: Session) -> GuardVerdict:
        """What the packs of a side come to. Where they fail altogether, a text passes unless a rule says that it may not."""
        from llmops_git.guardrails.base import GuardVerdict

        if not self.has(side):
            return GuardVerdict(allowed=True, text=text)
        started = time.time_ns()
        try:
            from llmops_git.guardrails.apply import apply_packs

            return apply_packs(self._built(side), side, text, clock_ns=time.time_ns, session=session)
        except Exception as error:  # noqa: BLE001  # an application must not fall over what guards it
            return self._failed(side, text, started, error)

    def _built(self, side: Side) -> tuple[Pack, ...]:
        from llmops_git.guardrails.packs import packs_of

        if side not in self._packs:
            foreign = any("." in rule["use"] for pack in self._resolved.get(side, ()) for rule in pack["rules"])
            self._packs[side] = packs_of(self._whole, side, self._allowed() if foreign else ())
        return self._packs[side]

    def _failed(self, side: Side, text: str, started: int, error: Exception) -> GuardVerdict:
        """The verdict of packs that could not be applied at all: each rule failed to decide."""
        from llmops_git.guardrails.base import GuardVerdict, RuleResult

        rules = [(pack, rule) for pack in self._resolved[side] for rule in pack.get("rules") or ()]
        results = [
            RuleResult(
                pack=str(pack.get("name", "")),
                version="",
                rule=str(rule.get("name", "")),
                side=side,
                outcome="error",
                start_ns=started,
                end_ns=time.time_ns(),
                reason=f"the pack failed: {type(error).__name__}",
            )
            for pack, rule in rules
        ]
        blocking = [str(pack.get("message", "")) for pack, rule in rules if rule.get("on_error") == "block"]
        return GuardVerdict(allowed=not blocking, text=blocking[0] if blocking else text, results=tuple(results))


class JudgeSession:
    """Asks the judges of rules in the name of a request, whose trace says so."""

    def __init__(self, request: Inference, asker: Asker) -> None:
        self._request = request
        self._asker = asker

    def generate(self, judge: Mapping[str, Any], text: str) -> str:
        """The judge's words about a text. Raises Undecided when there are none."""
        from llmops_git.errors import LlmopsError
        from llmops_git.guardrails.base import Undecided
        from llmops_git.guardrails.judge import question
        from llmops_git.runtime.asking import request_of

        try:
            messages, schema = question(judge, labels_of(self._request.bundle.resolved, judge), text)
            asked = request_of(judge, messages)
            asked = asked if asked.output_schema else replace(asked, output_schema=schema)
            return self._request.ask_as(asked).text
        except LlmopsError as error:
            raise Undecided(error.message) from None


def labels_of(resolved: Mapping[str, Any], judge: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels that the rule of a judge may be answered with."""
    packs = (pack for side in (resolved.get("guardrails") or {}).values() for pack in side)
    rules = (rule for pack in packs for rule in pack.get("rules") or ())
    return next((tuple(map(str, rule["scale"])) for rule in rules if rule.get("judge") == judge), ())


def guard_step(result: RuleResult, parent_id: str) -> Step:
    """The span of what one rule came to. Anything but a pass is a hit."""
    scores = [finding.score for finding in result.findings if finding.score is not None]
    labels = sorted({finding.label for finding in result.findings})
    attributes: dict[str, Any] = {
        names.OPERATION: names.APPLY_GUARDRAIL,
        names.GUARD_PACK: result.pack,
        names.GUARD_VERSION: result.version,
        names.GUARD_RULE: result.rule,
        names.GUARD_SIDE: result.side,
        names.GUARD_RESULT: result.outcome,
        names.GUARD_REASON: result.reason or ", ".join(labels) or None,
        names.GUARD_SCORE: max(scores) if scores else None,
    }
    return Step(
        f"{names.APPLY_GUARDRAIL} {result.pack}/{result.rule}",
        new_span_id(),
        parent_id,
        result.start_ns,
        attributes,
        end=result.end_ns,
        hit=result.outcome != "pass",
    )
