"""tool_calls: the model called the tools that the case expects, with the arguments that it expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.call_matching import MOST_CALLS, Arguments, Call, expected_calls, made_calls, matched
from llmops_git.scorers.results import failed, not_applicable, not_measured, passed, quoted
from llmops_git.scorers.similarity import GRADED_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalls:
    """Pass or fail: exactly the expected calls, or with `extra` at least those. With `graded` the F1 of both sets."""

    arguments: Arguments = "exact"
    ordered: bool = False
    extra: bool = False
    graded: bool = False
    scale: Scale = "binary"
    step: float = 1.0
    direction: Direction = "higher"
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if sample.expected is None:
            return not_applicable("the case expects nothing")
        expected = expected_calls(sample.expected)
        if expected is None:
            return not_measured("expected", f"{quoted(sample.expected)} is no list of tool calls")
        made = made_calls(sample.tool_calls)
        if len(made) > MOST_CALLS:
            return failed(f"{len(made)} calls, more than {MOST_CALLS} are not compared", label="too many calls")
        hits = matched(expected, made, self.arguments, ordered=self.ordered)
        told = f"expected {_shown(expected)}, called {_shown(made)}"
        if self.graded:
            return _f1(hits, len(expected), len(made), told)
        if hits == len(expected) and (self.extra or len(made) == len(expected)):
            return passed()
        return failed(told, label="no calls" if not made else "fail")


def _f1(hits: int, expected: int, made: int, told: str) -> Score:
    value = 2 * hits / (expected + made) if expected + made else 1.0
    return Score(value=value, explanation="" if value == 1.0 else f"{hits} of {expected} calls match; {told}"[:2000])


def _shown(calls: Sequence[Call]) -> str:
    named = [f"{call.name}({'' if call.arguments in (None, {}) else quoted(call.arguments)})" for call in calls[:10]]
    return ", ".join([*named, *(["…"] if len(calls) > len(named) else [])]) or "nothing"


def build(settings: ScorerSettings) -> ToolCalls:
    options = settings.options
    graded = options.get("score", "all") == "f1"
    return ToolCalls(
        arguments=options.get("arguments", "exact"),
        ordered=options.get("ordered", False),
        extra=options.get("extra", False),
        graded=graded,
        scale="continuous" if graded else "binary",
        step=GRADED_STEP if graded else 1.0,
    )
