"""When to ask again, and how long to wait first. Nothing here is random: the jitter comes from the request's key."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from llmops_git.evals.budget import Stopped
from llmops_git.providers.base import ProviderError

SLICE = 0.2  # seconds of sleep between looks at whether the run was stopped


class Clock(Protocol):
    """Where a run's times come from, and how it waits."""

    def wall_ns(self) -> int: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often one request is asked, in all. A server that asks for a longer wait than `longest_wait` seconds is not
    waited for."""

    attempts: int = 5
    rate_limited: int = 40
    longest_wait: float = 90.0
    first_wait: float = 0.5

    def wait(self, error: ProviderError, failures: int, refusals: int, jitter: float) -> float | None:
        """Seconds to wait before asking again, None to give up.

        `failures` counts what went wrong so far, this time included; `refusals` how often the rate limit was met;
        `jitter` lies in 0..1 and stretches the wait by up to a quarter.
        """
        if not error.retryable or failures >= self.attempts or refusals >= self.rate_limited:
            return None
        steps = refusals if error.kind == "rate_limit" else failures
        wait = min(self.first_wait * 2.0 ** (steps - 1), self.longest_wait / 2)
        if error.retry_after is not None:
            wait = error.retry_after if error.kind == "rate_limit" else max(wait, error.retry_after)
        return None if wait > self.longest_wait else wait * (1 + jitter / 4)

    def pause(self, error: ProviderError) -> float:
        """Seconds for which nobody asks a provider that said it is asked too fast."""
        return self.first_wait if error.retry_after is None else min(error.retry_after, self.longest_wait)


def jitter_of(key: str) -> float:
    """A number in 0..1 that follows from a request's key."""
    return int(key[:4], 16) / 0xFFFF


def wait_for(seconds: float, clock: Clock, stop: threading.Event) -> None:
    """Sleep, looking up now and then. Raises Stopped when `stop` is set."""
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        if stop.is_set():
            raise Stopped
        clock.sleep(min(left, SLICE))
