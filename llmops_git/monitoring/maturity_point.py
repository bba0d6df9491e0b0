"""One point of maturity, and the words that evidence is given in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.monitoring.maturity_facts import Facts, RuleFacts, WorkflowFacts
from llmops_git.monitoring.maturity_steps import Step

Level = Literal["none", "baseline", "repeatable", "mature"]

ENOUGH_SHARE = 0.95  # of requests, or calls, of which something is known
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that a level asks for. `evidence` says by what it can be seen that it holds, or how far it does; `step` makes
    it hold, and is None where it does."""

    name: str
    level: Level
    title: str
    evidence: tuple[str, ...]
    step: Step | None = None

    @property
    def holds(self) -> bool:
        return self.step is None


def doing(facts: Facts, what: str) -> list[WorkflowFacts]:
    return [workflow for workflow in facts.workflows if what in workflow.does]


def is_quality(rule: RuleFacts) -> bool:
    return rule.metric.startswith(("score.", "signal."))


def is_drift(rule: RuleFacts) -> bool:
    return rule.metric.startswith("drift.")


def enough(part: int, whole: int) -> bool:
    return whole > 0 and part >= ENOUGH_SHARE * whole


def share(part: int, whole: int) -> str:
    """A share in percent that does not round up to all of it."""
    percent = 100 * part // whole if whole else 0
    return "all" if whole and part == whole else f"{percent} %"


def count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def some(names: Iterable[str]) -> str:
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def few(lines: Sequence[str]) -> tuple[str, ...]:
    """The first lines and the last one, which says what is missing."""
    if len(lines) <= SHOWN + 1:
        return tuple(lines)
    return (*lines[:SHOWN], f"and {len(lines) - SHOWN - 1} more", lines[-1])


def joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
