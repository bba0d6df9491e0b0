"""trajectory: the way to the answer is short, does not go in circles, and takes the expected steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.call_matching import Call, made_calls
from llmops_git.scorers.results import failed, not_applicable, not_measured, passed, quoted

Order = Literal["exact", "in_order", "any_order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """A step is a call of the model. The case's `expected: {trajectory: [names of tools]}` goes before `sequence`."""

    max_steps: int | None = None
    max_calls: int | None = None
    max_repeats: int | None = None
    sequence: tuple[str, ...] | None = None
    order: Order = "in_order"
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        sequence: Sequence[str] | None = self.sequence
        if isinstance(sample.expected, Mapping) and "trajectory" in sample.expected:
            sequence = sample.expected["trajectory"]
            if not isinstance(sequence, list) or not all(isinstance(name, str) for name in sequence):
                return not_measured("expected", f"{quoted(sequence)} is no list of names of tools")
        if sequence is None and self.max_steps is None and self.max_calls is None and self.max_repeats is None:
            return not_applicable("the case expects no trajectory")
        calls = made_calls(sample.tool_calls)
        found = self._too_long(sample.steps, calls) or self._in_circles(calls) or self._led_elsewhere(sequence, calls)
        return found or passed()

    def _too_long(self, steps: int, calls: Sequence[Call]) -> Score | None:
        if self.max_steps is not None and steps > self.max_steps:
            return failed(f"{steps} steps, more than {self.max_steps}", label="too many steps")
        if self.max_calls is not None and len(calls) > self.max_calls:
            return failed(f"{len(calls)} calls of tools, more than {self.max_calls}", label="too many calls")
        return None

    def _in_circles(self, calls: Sequence[Call]) -> Score | None:
        if self.max_repeats is None:
            return None
        counts: dict[tuple[str, str], int] = {}
        for call in calls:
            key = (call.name, _canonical(call.arguments))
            counts[key] = counts.get(key, 0) + 1
            if counts[key] > self.max_repeats + 1:
                return failed(f"{call.name} was called {counts[key]} times with {quoted(call.arguments)}", label="loop")
        return None

    def _led_elsewhere(self, sequence: Sequence[str] | None, calls: Sequence[Call]) -> Score | None:
        names = [call.name for call in calls]
        if sequence is None or _follows(sequence, names, self.order):
            return None
        return failed(f"expected {' > '.join(sequence) or 'no call'}, went {' > '.join(names[:20]) or 'nowhere'}")


def _follows(wanted: Sequence[str], names: Sequence[str], order: Order) -> bool:
    match order:
        case "exact":
            return list(wanted) == list(names)
        case "in_order":
            rest = iter(names)
            return all(name in rest for name in wanted)
        case "any_order":
            left = list(names)
            for name in wanted:
                if name not in left:
                    return False
                left.remove(name)
            return True


def _canonical(arguments: Any) -> str:
    try:
        return json.dumps(arguments, sort_keys=True)
    except RecursionError:
        return repr(type(arguments))


def build(settings: ScorerSettings) -> Trajectory:
    options = settings.options
    sequence = options.get("sequence")
    return Trajectory(
        max_steps=_whole(options.get("max_steps")),
        max_calls=_whole(options.get("max_calls")),
        max_repeats=_whole(options.get("max_repeats", 0 if options.get("no_loops", False) else None)),
        sequence=None if sequence is None else tuple(sequence),
        order=options.get("order", "in_order"),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
