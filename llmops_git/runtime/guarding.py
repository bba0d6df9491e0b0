"""Holds texts to the bundle's guardrails, and says of each rule what it came to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmops_git.runtime.ids import new_span_id
from llmops_git.runtime.steps import Step
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.guardrails.base import GuardVerdict, RuleResult, Session, Side
    from llmops_git.guardrails.packs import Pack

BLOCKED = "guardrail"  # the finish reason of a reply that a guardrail gave in the model's place


class Guards:
    """The packs of one bundle, made once."""

    def __init__(self, resolved: Mapping[str, Any], session: Session | None) -> None:
        self._resolved = resolved.get("guardrails") or {}
        self._whole = resolved
        self._session = session
        self._packs: dict[str, tuple[Pack, ...]] = {}

    def has(self, side: Side) -> bool:
        """Whether any pack guards this side."""
        return bool(self._resolved.get(side))

    def verdict(self, side: Side, text: str) -> GuardVerdict:
        """What the packs of a side come to. Where they fail altogether, a text passes unless a rule says that it may not."""
        from llmops_git.guardrails.base import GuardVerdict

        if not self.has(side):
            return GuardVerdict(allowed=True, text=text)
        started = time.time_ns()
        try:
            from llmops_git.guardrails.apply import apply_packs
            from llmops_git.guardrails.packs import packs_of

            if side not in self._packs:
                self._packs[side] = packs_of(self._whole, side)
            return apply_packs(self._packs[side], side, text, clock_ns=time.time_ns, session=self._session)
        except Exception as error:  # noqa: BLE001  # an application must not fall over what guards it
            return self._failed(side, text, started, error)

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
