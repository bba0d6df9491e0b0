"""regex: regular expressions that must not be found in a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.scorers.patterns import Pattern, compile_pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """Every match is a finding. The patterns share the rule's time."""

    patterns: tuple[Pattern, ...]
    label: str
    seconds: float

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        for pattern in self.patterns:
            for match in matches(pattern, text, time):
                yield Finding(label=self.label, start=match.start(), end=match.end())


def build(settings: CheckSettings) -> Regex:
    options = settings.options
    written = [options["pattern"]] if "pattern" in options else list(options.get("patterns", ()))
    if not written:
        raise LlmopsError("there is no pattern", hint='pattern: "(?i)internal use only"')
    ignore_case = bool(options.get("ignore_case", False))
    patterns = tuple(compile_pattern(str(pattern), ignore_case=ignore_case) for pattern in written)
    return Regex(patterns=patterns, label=settings.label, seconds=settings.timeout)
