"""Does a failure come back? What asking again says, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from llmops_git.monitoring.mining import Kind, Reason
from llmops_git.monitoring.reproduced import Again, verdict_of


def reason(kind: Kind, name: str = "", bound: float | None = None) -> Reason:
    return Reason(kind=kind, name=name, detail="", severity=1.0, bound=bound)


SAID = reason("signal", "thumbs_down")
LOW = reason("score", "helpful", 0.5)
ERROR = reason("error", "timeout")
RULE = reason("guardrail", "pii/email")
COST = reason("cost", "", 0.01)


@pytest.mark.parametrize(
    ("reasons", "samples", "expected"),
    [
        ([SAID], [], ("cannot tell", "it was not asked again")),
        ([SAID], [{"output": "no  idea\n"}], ("reproduced", "signal thumbs_down: 1 of 1")),
        ([SAID], [{"output": "billing"}], ("cannot tell", "the answer is another one now, and nobody has said whether it is right")),
        ([LOW], [{"scores": {"helpful": 0.2}}, {"scores": {"helpful": 0.9}}], ("reproduced", "score helpful: 1 of 2")),
        ([LOW], [{"scores": {"helpful": 0.9}}] * 3, ("not reproduced", "score helpful: it came back in 0 of 3")),
        ([LOW], [{"scores": {"helpful": 0.2}}, *[{"scores": {"helpful": 0.9}}] * 2], ("not reproduced", "score helpful: flaky: it came back in 1 of 3")),
        ([LOW], [{"output": "no idea"}], ("reproduced", "score helpful: 1 of 1")),  # the answer that was scored is there again
        ([LOW], [{"output": "x"}], ("cannot tell", "the scorer measures nothing without a label, and the answer is another one now")),
        ([ERROR], [{"error": "timeout"}], ("reproduced", "error timeout: 1 of 1")),
        ([ERROR], [{"output": "fine"}], ("not reproduced", "error timeout: it came back in 0 of 1")),
        ([ERROR], [{"error": "rate_limit"}], ("cannot tell", "no answer: rate_limit")),
        ([SAID], [{"error": "budget"}] * 2, ("cannot tell", "no answer: budget")),
        ([RULE], [{"hits": frozenset({"pii/email"})}], ("reproduced", "guardrail pii/email: 1 of 1")),
        ([RULE], [{"output": "x"}], ("cannot tell", "no rule acts on it now, and the answer is another one")),
        ([COST], [{"cost_usd": 0.02}], ("reproduced", "cost: 1 of 1")),
        ([COST], [{"cost_usd": 0.001}], ("not reproduced", "cost: it came back in 0 of 1")),
        ([COST], [{}], ("cannot tell", "what it costs is not known: the model has no price")),
        ([reason("latency", "", 1.0)], [{"output": "x"}], ("cannot tell", "how long it takes depends on the machine and the hour")),
        ([SAID, COST], [{"output": "x", "cost_usd": 0.02}], ("reproduced", "cost: 1 of 1")),  # one of the reasons is enough
    ],
)  # fmt: skip
def test_what_asking_again_says(reasons: list[Reason], samples: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    verdict = verdict_of(reasons, "no idea", [Again(**{"output": "other", **sample}) for sample in samples])
    assert expected == (verdict.state, verdict.why)


def test_an_answer_that_was_not_captured_is_never_the_same() -> None:
    assert "cannot tell" == verdict_of([SAID], "", [Again(output="")]).state
