"""Servers that limit requests, and workers that ask them, in a time that passes by itself: for tests of pace."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from llmops_git.evals.pacing import Charge, Limits, Pace, Turn
from llmops_git.providers.base import RateLimit, RateLimits, Usage

LATENCY, REFUSAL, ON_THE_WAY = 0.2, 0.01, 0.004  # seconds: of a reply, of a refusal, of a request at most


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Fills by `rate` a second up to `burst`; a refused request takes something too where refused ones `count`."""

    rate: float
    burst: int
    headers: bool = True
    hints: bool = True
    counts: bool = False
    whole: bool = False  # it speaks in whole seconds
    level: float = math.nan
    at: float = 0.0

    def ask(self, now: float) -> tuple[bool, RateLimits | None]:
        """Whether a request that arrives now is answered, and what the headers say."""
        before = self.burst if math.isnan(self.level) else self.level
        self.level, self.at = min(before + (now - self.at) * self.rate, self.burst), now
        allowed = self.level >= 1
        self.level = self.level - 1 if allowed or self.counts else self.level
        self.level = max(self.level, -self.burst)
        hint = None if allowed or not self.hints else self._said((1 - self.level) / self.rate)
        left = max(self.level, 0.0)
        limit = RateLimit(limit=self.burst, remaining=int(left), reset_seconds=self._said((self.burst - left) / self.rate))
        return allowed, RateLimits(requests=limit if self.headers else None, retry_after=hint)

    def _said(self, seconds: float) -> float:
        return math.ceil(seconds) if self.whole else seconds


@dataclass(slots=True, kw_only=True)
class Window:
    """Allows `limit` requests in each `seconds`."""

    limit: int
    seconds: float
    number: int = 0
    used: int = 0

    def ask(self, now: float) -> tuple[bool, RateLimits | None]:
        number = int(now // self.seconds)
        if number != self.number:
            self.number, self.used = number, 0
        allowed = self.used < self.limit
        self.used += allowed
        reset = (number + 1) * self.seconds - now
        limit = RateLimit(limit=self.limit, remaining=self.limit - self.used, reset_seconds=reset)
        return allowed, RateLimits(requests=limit, retry_after=None if allowed else reset)


def _jitter() -> Iterator[float]:
    """Numbers in 0..1 that look like chance and are none."""
    for number in itertools.count(1):
        yield number * 0.6180339887 % 1.0


def simulate(
    server: Bucket | Window,
    requests: int,
    workers: int,
    *,
    limits: Limits | None = None,
    latency: float = LATENCY,
    refusal: float = REFUSAL,
) -> tuple[float, int]:
    """(seconds until every request is answered, how many were refused)."""
    pace, chance, order = Pace(limits or Limits(), workers), _jitter(), itertools.count()
    events: list[tuple[float, int, str, Turn | None, bool, RateLimits | None]] = []
    now, waiting, free, answered, refused = 0.0, requests, workers, 0, 0

    def later(seconds: float, what: str, turn: Turn | None, allowed: bool = False, said: RateLimits | None = None) -> None:
        heapq.heappush(events, (now + seconds, next(order), what, turn, allowed, said))

    while answered < requests:
        wait = pace.wait(now, Charge()) if free and waiting else math.inf
        if wait <= 1e-9:
            later(next(chance) * ON_THE_WAY, "arrived", pace.start(now, Charge()))
            waiting, free = waiting - 1, free - 1
            continue
        if not events or now + wait < events[0][0]:
            now += wait
            continue
        now, _, what, turn, allowed, said = heapq.heappop(events)
        if what == "arrived":
            allowed, said = server.ask(now)
            later((latency if allowed else refusal) + next(chance) * ON_THE_WAY, "ended", turn, allowed, said)
        elif what == "again":
            waiting, free = waiting + 1, free + 1
        elif turn is not None and allowed:
            pace.succeeded(turn, now, said, Usage())
            pace.ended(turn)
            answered, free = answered + 1, free + 1
        elif turn is not None:
            hint = said.retry_after if said else None
            pace.refused(turn, now, 0.5 if hint is None else hint, said, hinted=hint is not None)
            pace.ended(turn)
            refused += 1
            later((0.5 if hint is None else hint) * (1 + next(chance) / 4), "again", None)
    return now, refused
