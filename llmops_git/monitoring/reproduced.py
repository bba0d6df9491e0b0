"""Whether a failure comes back when the request is asked again: what a re-run says about the reasons. Pure.

Nobody has said yet what the right answer would be, so only that counts which needs no label: the same error, the same rule, the
same low score, the same answer that a user was unhappy with, the same cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmops_git.monitoring.mining import Kind, Reason

_OTHER = "the answer is another one now, and nobody has said whether it is right"
_UNKNOWN: Mapping[Kind, str] = {
    "signal": _OTHER,
    "score": "the scorer measures nothing without a label, and the answer is another one now",
    "guardrail": "no rule acts on it now, and the answer is another one",
    "error": _OTHER,
    "cost": "what it costs is not known: the model has no price",
    "latency": "how long it takes depends on the machine and the hour",
}

State = Literal["reproduced", "not reproduced", "cannot tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The request asked once more. `error` is what left it without an answer that is the outside's fault (a limit, a lost
    connection), `scores` are those that were measured, `hits` the rules (pack/rule) that did not just let it pass."""

    output: str = ""
    error: str = ""
    cost_usd: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    hits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of it: in `times` of `of` samples the failure came back. `why` is in words."""

    state: State
    why: str
    times: int = 0
    of: int = 0


def verdict_of(reasons: Sequence[Reason], observed: str, samples: Sequence[Again]) -> Verdict:
    """Reproduced where one of the reasons comes back in at least half of the samples that say anything about it."""
    if not samples:
        return Verdict(state="cannot tell", why="it was not asked again")
    best: tuple[float, int, int, str] | None = None
    for reason in reasons:
        answers = [_comes_back(reason, observed, sample) for sample in samples]
        known = [answer for answer in answers if answer is not None]
        if known:
            found = (sum(known) / len(known), sum(known), len(known), f"{reason.kind} {reason.name}".strip())
            best = found if best is None or found[0] > best[0] else best
    if best is None:
        return Verdict(state="cannot tell", why=_why_unknown(reasons, samples), of=len(samples))
    share, times, of, what = best
    counted = f"{times} of {of}"
    if share >= 0.5:  # noqa: PLR2004  # half
        return Verdict(state="reproduced", why=f"{what}: {counted}", times=times, of=of)
    flaky = "flaky: it came back" if times else "it came back"
    return Verdict(state="not reproduced", why=f"{what}: {flaky} in {counted}", times=times, of=of)


def _comes_back(reason: Reason, observed: str, sample: Again) -> bool | None:
    """Whether a sample shows the reason again; None where it says nothing about it."""
    if sample.error and reason.kind != "error":
        return None
    match reason.kind:
        case "error":
            # where another error is in the way, this one cannot be seen
            return True if sample.error == reason.name else None if sample.error else False
        case "signal":
            return True if _same(observed, sample.output) else None
        case "score":
            value = sample.scores.get(reason.name)
            if value is None or reason.bound is None:
                return True if _same(observed, sample.output) else None  # the answer that was scored is there again
            return value < reason.bound
        case "guardrail":
            return True if reason.name in sample.hits else True if _same(observed, sample.output) else None
        case "cost":
            return None if sample.cost_usd is None or reason.bound is None else sample.cost_usd > reason.bound
        case "latency":
            return None  # another machine, another hour


def _same(observed: str, output: str) -> bool:
    return bool(observed.strip()) and " ".join(observed.split()) == " ".join(output.split())


def _why_unknown(reasons: Sequence[Reason], samples: Sequence[Again]) -> str:
    errors = sorted({sample.error for sample in samples if sample.error})
    if errors and all(sample.error for sample in samples):
        return f"no answer: {', '.join(errors)}"
    return _UNKNOWN[reasons[0].kind]
