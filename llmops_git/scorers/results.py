"""The scores that scorers give, spelled once."""

from __future__ import annotations

import json
from typing import Any, Literal

from llmops_git.scorers.base import Score

# why a score is missing: the judge said nothing usable, a time limit ran out, the case or the config asks for nonsense
Fault = Literal[
    "judge", "embedding", "timeout", "guardrail", "expected", "schema", "latency", "tokens", "finish_reason", "scorer"
]  # fmt: skip

QUOTED = 120
EXPLAINED = 2000


def passed(explanation: str = "") -> Score:
    """1: the output is what was asked for."""
    return Score(value=1.0, label="pass", explanation=explanation)


def failed(explanation: str, *, label: str = "fail") -> Score:
    """0: the output is not what was asked for."""
    return Score(value=0.0, label=label, explanation=explanation[:EXPLAINED])


def empty() -> Score:
    """0: an output of white space only. Every scorer of text fails it, whatever it is compared with."""
    return failed("the output is empty", label="empty")


def not_measured(fault: Fault, explanation: str) -> Score:
    """No value, because something went wrong that is not the output's fault; `label` is its class."""
    return Score(state="not_measured", label=fault, explanation=explanation[:EXPLAINED])


def not_applicable(explanation: str) -> Score:
    """No value, because the case asks nothing of this scorer."""
    return Score(state="not_applicable", explanation=explanation)


def quoted(value: Any) -> str:
    """A value for an explanation: in backticks, on one line, at most 120 characters."""
    text = as_text(value)
    text = " ".join(text.split())
    return f"`{text}`" if len(text) <= QUOTED else f"`{text[:QUOTED]}…`"


def as_text(value: Any) -> str:
    """A string as it is, any other JSON value as compact JSON."""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "(nested too deeply to be shown)"
