"""secrets: keys, tokens and passwords, by the formats of their issuers and by what stands after a word that announces one.

With `engine: detect-secrets` the formats are those of that package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.entropy import looks_random
from llmops_git.guardrails.limits import Allowance, capped, held_to_length, matches
from llmops_git.guardrails.pii_kinds import compiled
from llmops_git.guardrails.secret_formats import ANNOUNCED, ANNOUNCING, FORMATS
from llmops_git.guardrails.settings import CheckSettings

ANNOUNCED_LABEL = "SECRET"
LEAST_BITS = 3.0  # a character of what is announced; eight different ones have exactly 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """`formats` are (label, what every value has in it, or None, pattern)."""

    formats: tuple[tuple[str, Any, Any], ...]
    entropy: bool
    seconds: float

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        return capped(self._found(held_to_length(text)), text)

    def _found(self, text: str) -> Iterator[Finding]:
        time = Allowance(self.seconds)
        for label, needs, pattern in self.formats:
            if needs is not None and next(matches(needs, text, time), None) is None:
                continue
            for match in matches(pattern, text, time):
                yield Finding(label=label, start=match.start(), end=match.end())
        if self.entropy and next(matches(compiled(ANNOUNCING), text, time), None) is not None:
            for match in matches(compiled(ANNOUNCED), text, time):
                if looks_random(match["value"], least=LEAST_BITS):
                    yield Finding(label=ANNOUNCED_LABEL, start=match.start("value"), end=match.end("value"))


def build(settings: CheckSettings) -> Secrets:
    options = settings.options
    if options.get("engine", "own") == "detect-secrets":
        from llmops_git.guardrails.detect_secrets import patterns

        formats: tuple[tuple[str, Any, Any], ...] = tuple((label, None, pattern) for label, pattern in patterns())
    else:
        formats = tuple((label, compiled(needs), compiled(pattern)) for label, (needs, pattern) in FORMATS.items())
    return Secrets(formats=formats, entropy=bool(options.get("entropy", True)), seconds=settings.timeout)
