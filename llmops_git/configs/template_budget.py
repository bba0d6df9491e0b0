"""What one render may use: steps and characters. Everything that can grow in a template is charged here before it grows."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from contextvars import ContextVar
from typing import Any

from jinja2.runtime import Undefined
from jinja2.utils import Namespace

MAX_STEPS = 100_000  # loop rounds, calls, outputs, items touched
MAX_CHARACTERS = 10_000_000  # text written, joined, compared or copied
MAX_DEPTH = 40  # macros, blocks and includes inside each other
MAX_RANGE = 100_000
MAX_INTEGER_BITS = 4096


class LimitExceeded(Exception):  # says what happened; never shown by this name
    """A render wants more than its budget."""


class Budget:
    """What is left of one render's budget."""

    __slots__ = ("characters", "depth", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.characters = MAX_CHARACTERS
        self.depth = MAX_DEPTH

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise LimitExceeded(f"the template needs more than {MAX_STEPS:,} steps")

    def text(self, length: int) -> None:
        self.characters -= length
        if self.characters < 0:
            raise LimitExceeded(f"the template handles more than {MAX_CHARACTERS:,} characters")

    def measure(self, value: Any) -> None:
        """Charge a value by its size, as if shared parts were copies. Never calls code of the value."""
        kind = type(value)
        if kind is str:
            self.text(len(value))
        elif kind is int:
            if value.bit_length() > MAX_INTEGER_BITS:
                raise LimitExceeded("a number grows too large")
        elif kind is not bool and kind is not float and value is not None:
            self._measure_parts(value)

    def _measure_parts(self, value: Any) -> None:
        pending = [value]
        while pending:
            self.step()
            part = pending.pop()
            if isinstance(part, str):
                self.text(len(part))
            elif isinstance(part, int):
                self.measure(int(part))
            elif isinstance(part, list | tuple):
                self._room(pending, len(part))
                pending.extend(part)
            elif isinstance(part, dict):
                self._room(pending, 2 * len(part))
                pending.extend(part)
                pending.extend(part.values())
            elif isinstance(part, KeysView | ValuesView | ItemsView):
                self._room(pending, len(part))
                pending.extend(part)
            elif isinstance(part, range):
                self.step(len(part))
            elif isinstance(part, Namespace):
                pending.append(object.__getattribute__(part, "_Namespace__attrs"))
            elif isinstance(part, Undefined) and part is not value:
                str(part)  # inside a list it would be shown, and not raise, as a strict one should

    def _room(self, pending: list[Any], count: int) -> None:
        if len(pending) + count > self.steps:
            self.step(len(pending) + count)


_CURRENT: ContextVar[Budget] = ContextVar("budget")


def current() -> Budget:
    """The budget of the render under way in this thread. Raises LookupError outside of one: nothing runs unbounded."""
    return _CURRENT.get()


def start() -> Budget:
    """Begin a render with a full budget."""
    budget = Budget()
    _CURRENT.set(budget)
    return budget


def each(iterable: Iterable[Any]) -> Iterator[Any]:
    """The items of an iterable, each of them charged."""
    budget = current()
    for item in iterable:
        budget.step()
        yield item
