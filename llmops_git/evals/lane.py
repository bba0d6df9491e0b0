"""The way to one provider: its free workers, the pace at which requests start, and models that no longer answer."""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, SimpleQueue

from llmops_git.evals.budget import Stopped
from llmops_git.evals.retry import SLICE, Clock, wait_for
from llmops_git.providers.base import Provider, ProviderError

_FIRST_STARTS = 0.0015  # seconds between the first starts, so that they do not end, and are read, in one burst
_CUT = 0.6  # share of the pace that is kept when the provider says it is too fast
_RECOVER = 0.99  # the interval shrinks by this factor with every success
_MEASURED = 8  # successes that it takes to know the pace
_REMEMBERED = 64  # latest successes, of which the pace is measured
_LOST_AFTER = 10  # requests in a row that a model left unanswered before the rest are not sent


class Lane:
    """Shared by all threads that ask one provider.

    A refusal for going too fast stops all starts until the server's hint is over and then slows them; refusals of requests
    that started before that change nothing more, so that one burst is answered once.
    """

    def __init__(self, provider: Provider, clock: Clock) -> None:
        self.provider = provider
        self.fingerprint = provider.fingerprint()
        self._clock = clock
        self._lock = threading.Lock()
        self._free: SimpleQueue[int] = SimpleQueue()
        for worker in range(provider.concurrency):
            self._free.put(worker)
        self._first_starts = provider.concurrency
        self._interval = 0.0
        self._next_start = float("-inf")
        self._slowed = 0  # how often; turns given before the latest slow-down are void
        self._slowed_at = float("-inf")
        self._successes: deque[float] = deque(maxlen=_REMEMBERED)
        self._unanswered: dict[str, int] = {}
        self._lost: dict[str, ProviderError] = {}

    def enter(self, model: str, stop: threading.Event) -> tuple[int, float]:
        """Wait for a free worker and for a turn to start: (worker, the clock's time of the start).

        Raises Stopped when `stop` is set, and the ProviderError that lost the model when it no longer answers.
        """
        worker = self._take(stop)
        try:
            while True:
                self.check(model)
                now = self._clock.monotonic()
                turn, slowed = self._turn(now)
                if turn > now:
                    wait_for(turn - now, self._clock, stop)
                if slowed == self._slowed:
                    return worker, self._clock.monotonic()
        except BaseException:
            self._free.put(worker)
            raise

    def leave(self, worker: int) -> None:
        """The call is over; the worker is free."""
        self._free.put(worker)

    def check(self, model: str) -> None:
        """Raises the error that lost the model, if it is lost."""
        lost = self._lost.get(model)
        if lost is not None:
            raise ProviderError(lost.kind, lost.message, hint=lost.hint)

    def succeeded(self, model: str) -> None:
        """A reply came."""
        with self._lock:
            self._successes.append(self._clock.monotonic())
            self._interval *= _RECOVER
            self._unanswered.pop(model, None)

    def refused(self, started: float, wait: float) -> None:
        """A request that started at `started` met the rate limit, and is to wait for `wait` seconds."""
        with self._lock:
            if started <= self._slowed_at:
                return
            now = self._clock.monotonic()
            measured = self._interval_of_late(now)
            guess = wait / max(self.provider.concurrency, 1)
            self._interval = max(self._interval, measured or guess) / _CUT
            self._next_start = now + wait
            self._slowed_at = now
            self._slowed += 1
            self._successes.clear()

    def gave_up(self, model: str, error: ProviderError) -> None:
        """A request stays unanswered. After a refused key, or ten such in a row, nothing more is asked of the model."""
        with self._lock:
            self._unanswered[model] = self._unanswered.get(model, 0) + 1
            if error.kind == "auth" or self._unanswered[model] >= _LOST_AFTER:
                self._lost.setdefault(model, error)

    def _take(self, stop: threading.Event) -> int:
        while not stop.is_set():
            try:
                return self._free.get(timeout=SLICE)
            except Empty:
                continue
        raise Stopped

    def _turn(self, now: float) -> tuple[float, int]:
        """The next start, and how often the lane had been slowed when it was given."""
        with self._lock:
            turn = max(now, self._next_start)
            interval = self._interval
            if self._first_starts:
                self._first_starts -= 1
                interval = max(interval, _FIRST_STARTS)
            self._next_start = turn + interval
            return turn, self._slowed

    def _interval_of_late(self, now: float) -> float:
        """Seconds between the latest replies; 0 when there were too few since the last slow-down to say."""
        if len(self._successes) < _MEASURED:
            return 0.0
        return (now - self._successes[0]) / len(self._successes)
