"""Applies packs to a text, or to every text of some inputs. No I/O: the clock and whoever asks models come in.

All rules are applied, in the order of packs and rules, also after one that blocks, so that the rates of each rule can be known;
rules that ask a model come after all others, and not at all where the text is blocked already. A redaction counts at once: the
rules after it see the redacted text, and so does the model that a rule asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmops_git.errors import NotMeasured
from llmops_git.guardrails.base import Action, Finding, GuardVerdict, Outcome, RuleResult, Session, Side, Undecided
from llmops_git.guardrails.leaves import texts_of, with_texts
from llmops_git.guardrails.packs import Pack, Rule
from llmops_git.guardrails.redaction import redact

ClockNs = Callable[[], int]
_TOLD = 300  # characters of a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class InputsVerdict:
    """What all packs came to for some inputs. `inputs` are what may be passed on: redacted, as they came where nothing redacts,
    or {} where one blocks, and then `message` is the pack's and `held` what was held back, redacted as far as rules redact: for
    the record, never for the model."""

    allowed: bool
    inputs: Mapping[str, Any]
    message: str = ""
    results: tuple[RuleResult, ...] = ()
    held: Mapping[str, Any] = field(default_factory=dict)


def apply_packs(
    packs: Sequence[Pack], side: Side, text: str, *, clock_ns: ClockNs, session: Session | None = None
) -> GuardVerdict:
    """Apply the packs of one side to a text; there is one result for each rule that was applied. Never raises for any text."""
    going = _Application(packs, side, [text], clock_ns, session)
    going.run()
    blocked = going.message is not None
    return GuardVerdict(
        allowed=not blocked, text=going.message if going.message is not None else going.texts[0], results=tuple(going.results)
    )


def apply_to_inputs(
    packs: Sequence[Pack],
    inputs: Mapping[str, Any],
    *,
    clock_ns: ClockNs,
    session: Session | None = None,
    side: Side = "input",
) -> InputsVerdict:
    """Apply the packs to every string of the inputs, however deep. A rule has one result for all of them: its findings are
    those of the texts one after the other, with places in the text that each was found in. Never raises for any inputs."""
    if not packs:
        return InputsVerdict(allowed=True, inputs=inputs)
    try:
        texts, fault = texts_of(inputs), ""
    except Undecided as error:
        texts, fault = [], error.message
    going = _Application(packs, side, texts, clock_ns, session, fault)
    going.run()
    changed = going.texts != texts
    kept = with_texts(inputs, going.texts) if changed else inputs
    if going.message is not None:
        held = {} if fault else kept
        return InputsVerdict(allowed=False, inputs={}, message=going.message, results=tuple(going.results), held=held)
    return InputsVerdict(allowed=True, inputs=kept, results=tuple(going.results))


class _Application:
    """Some texts going through the rules. `message` is None until a rule blocks."""

    def __init__(
        self,
        packs: Sequence[Pack],
        side: Side,
        texts: Sequence[str],
        clock_ns: ClockNs,
        session: Session | None,
        fault: str = "",
    ) -> None:
        self._rules = [(pack, rule) for pack in packs for rule in pack.rules]
        self._side = side
        self._clock_ns = clock_ns
        self._session = session
        self._fault = fault  # why no rule can decide
        self.texts = list(texts)
        self.message: str | None = None
        self.results: list[RuleResult] = []

    def run(self) -> None:
        for pack, rule in self._rules:
            if not rule.asks:
                self._apply(pack, rule)
        for pack, rule in self._rules:
            if rule.asks and self.message is None:
                self._apply(pack, rule)

    def _apply(self, pack: Pack, rule: Rule) -> None:
        start_ns = self._clock_ns()
        found, reason = self._found(rule)
        outcome = _outcome(rule.action, found, reason)
        if rule.action == "redact" and any(found):  # also where another text could not be decided
            self.texts = [redact(text, findings) for text, findings in zip(self.texts, found, strict=True)]
        if self.message is None and (outcome == "block" or (outcome == "error" and rule.blocks_errors)):
            self.message = pack.message
        self.results.append(
            RuleResult(
                pack=pack.name,
                version=pack.version,
                rule=rule.name,
                side=self._side,
                outcome=outcome,
                findings=tuple(finding for findings in found for finding in findings),
                start_ns=start_ns,
                end_ns=self._clock_ns(),
                reason=reason,
            )
        )

    def _found(self, rule: Rule) -> tuple[list[tuple[Finding, ...]], str]:
        """The findings in each text, and why the rule failed to decide. What was found counts, even where another text could
        not be decided."""
        if self._fault:
            return [], self._fault
        found: list[tuple[Finding, ...]] = []
        reason = ""
        for text in self.texts:
            try:
                found.append(tuple(_inside(finding, text) for finding in rule.check.find(text, self._session)))
            except NotMeasured as error:  # Undecided among them
                found.append(())
                reason = reason or error.message[:_TOLD]
            except Exception as error:  # noqa: BLE001  # a check that breaks has not decided, and breaks nothing else
                found.append(())
                reason = reason or f"the check failed: {type(error).__name__}: {error}"[:_TOLD]
        return found, reason


def _outcome(action: Action, found: Sequence[tuple[Finding, ...]], reason: str) -> Outcome:
    """A finding blocks, whatever else could not be decided; otherwise an undecided text is an error, never a pass."""
    some = any(found)
    if some and (action == "block" or not reason):
        return action
    return "error" if reason else "pass"


def _inside(finding: Finding, text: str) -> Finding:
    """The finding with places that are in the text."""
    start, end = max(0, min(finding.start, len(text))), max(0, min(finding.end, len(text)))
    return finding if (start, end) == (finding.start, finding.end) else replace(finding, start=start, end=end)
