"""Packs of one rule, applied to one text: for the tests of checks."""

from __future__ import annotations

from typing import Any

from llmops_git.guardrails.apply import apply_packs
from llmops_git.guardrails.base import GuardVerdict, RuleResult, Session
from llmops_git.guardrails.packs import Pack, pack_of

RULE = {"name": "rule", "action": "block", "on_error": "pass"}


def one_rule(use: str, **options: Any) -> Pack:
    """A pack with one rule, for either side."""
    return pack_of({"name": "house", "message": "No.", "rules": [{**RULE, "use": use, **options}]}, "input")


class Clock:
    """Nanoseconds that pass one by one."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


def verdict(text: str, *packs: Pack, session: Session | None = None) -> GuardVerdict:
    return apply_packs(packs, "input", text, clock_ns=Clock(), session=session)


def result(text: str, use: str, **options: Any) -> RuleResult:
    """What one rule came to."""
    (only,) = verdict(text, one_rule(use, **options)).results
    return only


def found(text: str, use: str, **options: Any) -> list[tuple[str, str]]:
    """(label, found text) of each finding; the rule has to decide."""
    one = result(text, use, **options)
    assert one.outcome != "error", one.reason
    return [(finding.label, text[finding.start : finding.end]) for finding in one.findings]
