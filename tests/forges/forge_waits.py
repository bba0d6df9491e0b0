"""Waiting that takes no time."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmops_git.forges.http import Pace


@dataclass
class Waits:
    """A clock that moves only when somebody sleeps."""

    now: float = 1_767_323_045.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, most_wait: float = 120.0, jitter: float = 0.0) -> Pace:
        return Pace(sleep=self.sleep, now=lambda: self.now, jitter=lambda: jitter, most_wait=most_wait)
