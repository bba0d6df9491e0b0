"""pii: what identifies or can harm a person: addresses, numbers of telephones, cards, accounts and insurances.

Patterns and checksums of our own by default; with `engine: presidio` those of presidio-analyzer, without a language model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Check, Finding, Session
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.pii_kinds import KINDS, Kind, compiled
from llmops_git.guardrails.settings import CheckSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Pii:
    """Every value of one of the kinds is a finding, labelled with its kind. The kinds share the rule's time."""

    kinds: tuple[Kind, ...]
    seconds: float

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        for kind in self.kinds:
            if not compiled(kind.needs).search(text):
                continue
            for match in matches(compiled(kind.pattern), text, time, overlapped=kind.overlapped):
                span = kind.span(match)
                if span is not None:
                    yield Finding(label=kind.name, start=span[0], end=span[1])


def build(settings: CheckSettings) -> Check:
    wanted = tuple(settings.options.get("kinds", ()))
    if settings.options.get("engine", "own") == "presidio":
        from llmops_git.guardrails.presidio import Presidio

        return Presidio.of(wanted, settings)
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        raise LlmopsError(f"there is no kind `{unknown[0]}`", hint=f"there are {', '.join(KINDS)}")
    return Pii(kinds=tuple(KINDS[name] for name in wanted or KINDS), seconds=settings.timeout)
