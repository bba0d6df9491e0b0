"""Trying again after a lost race: a bounded number of times, after a random pause, always from a fresh plan."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from llmops_git.errors import NotMeasured

_Result = TypeVar("_Result")

ATTEMPTS = 25
_FIRST_PAUSE = 0.02  # seconds
_LONGEST_PAUSE = 1.0


def until_published(attempt: Callable[[int], _Result | None], *, wait: Callable[[int], None] | None = None) -> _Result:
    """The first result of `attempt(number)` that is not None, which stands for a lost race. Raises NotMeasured after 25."""
    for number in range(ATTEMPTS):
        result = attempt(number)
        if result is not None:
            return result
        (wait or pause)(number)
    raise NotMeasured(f"others published first {ATTEMPTS} times; nothing was published", hint="run the command again")


def pause(number: int) -> None:
    """Sleep for a random time that grows with each attempt, so that competitors do not meet again."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**number)))  # noqa: S311
