"""Trying again after a lost race: a bounded number of times, after a random pause, always from a fresh plan."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from llmops_git.errors import NotMeasured
from llmops_git.repo.publish import Lost, Update, publish

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_Result = TypeVar("_Result")

ATTEMPTS = 25
_FIRST_PAUSE = 0.02  # seconds
_LONGEST_PAUSE = 1.0


class LostRace(Exception):
    """Somebody else published first."""


def publish_or_lose(git: Git, remote: str | None, updates: Sequence[Update]) -> None:
    """Publish, as `repo.publish.publish` does. Raises LostRace where that returns Lost."""
    if isinstance(publish(git, remote, updates, wait=pause), Lost):
        raise LostRace


def until_published(attempt: Callable[[int], _Result], *, wait: Callable[[int], None] | None = None) -> _Result:
    """The result of the first `attempt(number)` that does not raise LostRace. Raises NotMeasured after 25 of them."""
    for number in range(ATTEMPTS):
        try:
            return attempt(number)
        except LostRace:
            (wait or pause)(number)
    raise NotMeasured(f"others published first {ATTEMPTS} times; nothing was published", hint="run the command again")


def pause(number: int) -> None:
    """Sleep for a random time that grows with each attempt, so that competitors do not meet again."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**number)))  # noqa: S311
