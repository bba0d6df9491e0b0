"""injection: texts that try to take over the model: orders to ignore its own, other personas, asking for its prompt, hidden
payloads, faked markup, links that carry data away. By rules, in milliseconds; a suite says what they catch of which family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.encoded import encoded_places
from llmops_git.guardrails.folding import fold
from llmops_git.guardrails.injection_rules import FAMILIES, RULES, InjectionRule
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.pii_kinds import compiled
from llmops_git.guardrails.settings import CheckSettings

ENCODED = "encoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """Every match of a rule is a finding, labelled with its family. A text in Base64 or hexadecimal digits is one, whatever it
    says."""

    rules: tuple[InjectionRule, ...]
    encoded: bool
    seconds: float

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        folded = fold(text)
        for rule in self.rules:
            for match in matches(compiled(rule.pattern), text if rule.raw else folded.text, time):
                start, end = match.span() if rule.raw else folded.span(*match.span())
                yield Finding(label=_label(rule.family), start=start, end=end)
        if self.encoded:
            for start, end in encoded_places(text, time):
                yield Finding(label=_label(ENCODED), start=start, end=end)


def _label(family: str) -> str:
    return family.upper().replace("-", "_")


def build(settings: CheckSettings) -> Injection:
    families = tuple(settings.options.get("families", ())) or FAMILIES
    return Injection(
        rules=tuple(rule for rule in RULES if rule.family in families), encoded=ENCODED in families, seconds=settings.timeout
    )
