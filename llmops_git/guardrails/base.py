"""What every guardrail check speaks: a text in, findings out. "Nothing found" and "could not decide" are different answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from llmops_git.errors import NotMeasured

Side = Literal["input", "output"]
Action = Literal["block", "redact", "flag", "shadow"]
Outcome = Literal["pass", "block", "redact", "flag", "shadow", "error"]  # `shadow`: would have acted; `error`: failed to decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a check found. `start` and `end` are character offsets in the text that was looked at (both 0 where it
    is about the whole text); `label` says what it is, as EMAIL; `score` is in 0..1 where the check has one."""

    label: str
    start: int = 0
    end: int = 0
    score: float | None = None


class Undecided(NotMeasured):
    """The check came to no answer: its time was over, its model did not answer, its library is not installed."""


class Session(Protocol):
    """How a check asks a model: whoever runs the guardrails stands behind it."""

    def generate(self, judge: Mapping[str, Any], text: str) -> str:
        """The reply of a rule's judge (a resolved config) about a text. Raises Undecided when there is none."""


class Check(Protocol):
    """One configured check."""

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:
        """What is found in a text, in the order of the text; () where nothing is. Raises Undecided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What one rule of a pack came to. `version` is the pack's digest; times are nanoseconds since 1970; `reason` is why a
    rule failed to decide, "" otherwise."""

    pack: str
    version: str
    rule: str
    side: Side
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    start_ns: int = 0
    end_ns: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """What all packs of one side came to. `text` is what may be passed on: redacted where rules redact, the pack's message
    where one blocks. `allowed` is False where a rule blocks, or failed to decide and is set to block then."""

    allowed: bool
    text: str
    results: tuple[RuleResult, ...] = ()
