"""Which live requests failed, why, and which of them are worth a case in the eval set first. Pure.

A request is as bad as all that speaks against it together: what a person said of it counts most, what merely cost much least.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llmops_git.errors import LlmopsError

Kind = Literal["signal", "score", "guardrail", "error", "cost", "latency"]

DEFAULT = "thumbs_down,score<.5,guardrail,error,cost"
NEGATIVE = ("thumbs_down", "escalation", "retry", "edit")  # what users do when an answer was no good
FEWEST = 20  # requests of a config below which nothing is an outlier
_BOUND = re.compile(r"([A-Za-z0-9_.-]+)\s*<\s*(\d*\.?\d+)", re.ASCII)
_SPREADS = 3.0  # interquartile ranges above the upper quartile, of logarithms: Tukey's "far out"
_LEAST_RATIO = 2.0  # and at least so many times the upper quartile, where the usual requests hardly differ
_WEIGHTS: Mapping[Kind, float] = {
    "signal": 1.0, "guardrail": 0.9, "error": 0.8, "score": 0.8, "cost": 0.3, "latency": 0.2
}  # fmt: skip
_ACTED = frozenset({"block", "redact"})
_GUARDED = {
    "miss": "a person says it should have been stopped",
    "false alarm": "a person says it should have been let through",
    "flag": "was flagged and let through",
    "shadow": "would have been stopped by a rule in shadow mode",
    "error": "the rule failed to decide",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One kind of failure that is looked for. `name` is a signal's or a scorer's, "" for any; `below` is of scores."""

    kind: Kind
    name: str = ""
    below: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the store knows of one live request. `start_ns` is in nanoseconds since 1970, `cost_usd` and `duration_ms` are
    of the whole request; signals are (name, value), scores (scorer, value, label), guards (pack/rule, side, result)."""

    trace_id: str
    config: str
    start_ns: int
    release: str = ""
    digest: str = ""
    environment: str = ""
    model: str = ""
    error: str = ""
    cost_usd: float | None = None
    duration_ms: float | None = None
    signals: tuple[tuple[str, float | None], ...] = ()
    scores: tuple[tuple[str, float, str], ...] = ()
    guards: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What is usual for the requests of a config: the quartiles of cost (US dollars) and latency (milliseconds); None where
    there are too few to say."""

    cost: tuple[float, float] | None = None
    latency: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks against a request. `name` is the signal's, scorer's, rule's or error's; `detail` is in words;
    `bound` is what a score was held to, or what was usual at most."""

    kind: Kind
    name: str
    detail: str
    severity: float
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request and everything that speaks against it, the worst first."""

    live: Live
    reasons: tuple[Reason, ...]

    @property
    def severity(self) -> float:
        """All reasons together; several do not make up for what one does not weigh."""
        return sum(reason.severity for reason in self.reasons)


def read_wishes(text: str) -> tuple[Wish, ...]:
    """What `--from` asks for: `thumbs_down`, `signal`, `score<.5`, `helpful<.7`, `guardrail`, `error`, `cost`, `latency`,
    `signal:NAME`; separated by commas. Raises LlmopsError for anything else."""
    wishes = tuple(_wish(part.strip()) for part in text.split(",") if part.strip())
    if not wishes:
        raise LlmopsError("nothing to look for", hint=f"--from {DEFAULT!r}")
    return wishes


def _wish(text: str) -> Wish:
    bound = _BOUND.fullmatch(text)
    if bound:
        return Wish(kind="score", name="" if bound[1] == "score" else bound[1], below=float(bound[2]))
    if text in NEGATIVE:
        return Wish(kind="signal", name=text)
    if text.startswith("signal:") and text != "signal:":
        return Wish(kind="signal", name=text.removeprefix("signal:"))
    if text == "signal" or text in ("guardrail", "error", "cost", "latency"):
        kind: Kind = text  # type: ignore[assignment]
        return Wish(kind=kind)
    known = f"{', '.join(NEGATIVE)}, signal, signal:NAME, score<.5, SCORER<.5, guardrail, error, cost, latency"
    raise LlmopsError(f"`{text[:80]}` is no kind of failure", hint=f"--from takes, separated by commas: {known}")


def reviewed(live: Live, attack: bool) -> Live:
    """The request with what a person said of it: an attack that was let through is a miss, a benign text that was stopped or
    changed a false alarm."""
    acted = [guard for guard in live.guards if guard[2] in _ACTED]
    if attack and not acted:
        return replace(live, guards=(*live.guards, ("review", "input", "miss")))
    if not attack and acted:
        return replace(live, guards=(*live.guards, *((rule, side, "false alarm") for rule, side, _ in acted)))
    return live


def failures(
    requests: Iterable[Live],
    wishes: Sequence[Wish],
    fences: Mapping[str, Fence],
    *,
    lower_is_better: frozenset[str] = frozenset(),
) -> list[Failure]:
    """The requests against which something speaks, the worst first; the newer first where they are equally bad.

    `fences` are by config. Scores of the scorers in `lower_is_better` (a cost, a latency) are no reason.
    """
    found = []
    for live in requests:
        reasons = reasons_of(live, wishes, fences.get(live.config, Fence()), lower_is_better=lower_is_better)
        if reasons:
            found.append(Failure(live=live, reasons=reasons))
    return sorted(found, key=lambda failure: (-failure.severity, -failure.live.start_ns, failure.live.trace_id))


def reasons_of(
    live: Live, wishes: Sequence[Wish], fence: Fence, *, lower_is_better: frozenset[str] = frozenset()
) -> tuple[Reason, ...]:
    """Everything that speaks against a request, each thing once, the worst first."""
    found: dict[tuple[Kind, str], Reason] = {}
    for wish in wishes:
        for reason in _reasons(live, wish, fence, lower_is_better):
            known = found.get((reason.kind, reason.name))
            if known is None or known.severity < reason.severity:
                found[reason.kind, reason.name] = reason
    return tuple(sorted(found.values(), key=lambda reason: -reason.severity))


def _reasons(live: Live, wish: Wish, fence: Fence, lower_is_better: frozenset[str]) -> Iterable[Reason]:
    weight = _WEIGHTS[wish.kind]
    if wish.kind == "signal":
        for name, value in live.signals:
            if name == wish.name or (not wish.name and (name in NEGATIVE or (value is not None and value < 0))):
                yield Reason(kind="signal", name=name, detail="a user said so", severity=weight)
    elif wish.kind == "score":
        for name, value, label in live.scores:
            if value < wish.below and (name == wish.name or (not wish.name and name not in lower_is_better)):
                short = (wish.below - max(value, 0.0)) / wish.below
                said = f"{value:.2f}{f' ({label})' if label else ''}, less than {wish.below:g}"
                yield Reason(kind="score", name=name, detail=said, severity=weight * (1 + short) / 2, bound=wish.below)
    elif wish.kind == "guardrail":
        for rule, side, result in live.guards:
            if result in _GUARDED:
                yield Reason(kind="guardrail", name=rule, detail=f"{side}: {_GUARDED[result]}", severity=weight)
    elif wish.kind == "error" and live.error:
        yield Reason(kind="error", name=live.error, detail="the request failed", severity=weight)
    elif wish.kind == "cost" and fence.cost is not None:
        yield from _outlier("cost", live.cost_usd, upper_fence(*fence.cost), fence.cost[1], "${:.4g}")
    elif wish.kind == "latency" and fence.latency is not None:
        yield from _outlier("latency", live.duration_ms, upper_fence(*fence.latency), fence.latency[1], "{:.0f} ms")


def _outlier(kind: Kind, value: float | None, most: float, usual: float, form: str) -> Iterable[Reason]:
    if value is not None and value > most > 0:
        said = f"{form.format(value)}, where three of four requests take at most {form.format(usual)}"
        yield Reason(kind=kind, name="", detail=said, severity=_WEIGHTS[kind], bound=most)


def upper_fence(lower: float, upper: float) -> float:
    """The most that is no outlier, from the quartiles. Costs and times have long tails: the spread is that of logarithms."""
    if lower <= 0 or upper <= 0:
        return max(upper, 0.0) * _LEAST_RATIO
    spread: float = (upper / lower) ** _SPREADS
    return upper * max(spread, _LEAST_RATIO)
