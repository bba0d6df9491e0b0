"""One limit as the server's headers tell it, carried on to now. Pure: times are passed in, in seconds."""

from __future__ import annotations

from collections import deque

from llmops_git.providers.base import RateLimit

_TELLING = 0.3  # share of the limit that must be used for the headers to tell well how fast it comes back
_SPARE_SECONDS = 0.1  # what comes back in this time is left alone: starts overtake each other on their way
_SPARE_SHARE = 0.1  # but never more than this share of the limit
_MINUTE = 60.0
_LATE = 0.02  # seconds for which a new window is not trusted: the server began to count when our request had arrived
_VOTES = 4
_WINDOW_VOTES = 2
_REMEMBERED = 16  # latest answers of which the one that leaves least is believed: requests overtake each other on their way
_WHOLE_SECONDS = 1.5  # two resets in whole seconds that differ by less may be the same moment


class Mirror:
    """How much of one limit is left.

    Most vendors fill a bucket all the time, and say when it will be full; some empty a window, and say when the next one
    begins. Where less is left, a bucket takes longer to be full, and the end of a window is nearer: so they are told apart.
    """

    def __init__(self) -> None:
        self.spent = 0.0  # of what we asked for so far
        self._limit = 0.0
        self._remaining = 0.0
        self._reset = 0.0
        self._at = float("-inf")
        self._rate = 0.0  # per second
        self._told: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)  # (left and spent together, when)
        self._opened = float("-inf")  # when the window began that we are in; what is older tells nothing of it
        self._votes = 0
        self._longest_reset = 0.0

    @property
    def known(self) -> bool:
        return self._limit > 0

    def tell(self, said: RateLimit | None, started: float, spent_then: float) -> None:
        """What came with the answer to a request that started at `started`, when `spent_then` was spent, itself included."""
        if said is None or not said.limit or said.remaining is None or said.reset_seconds is None:
            return
        if self.known:
            self._vote(said.remaining - self._remaining, said.reset_seconds - self._reset, said.reset_seconds)
        if started < self._opened:
            return
        self._told.append((said.remaining + spent_then, started))
        if started < self._at:
            return
        self._limit, self._remaining, self._reset = float(said.limit), float(said.remaining), said.reset_seconds
        self._at = started
        self._longest_reset = max(self._longest_reset, said.reset_seconds)
        used = self._limit - self._remaining
        if used > 0 and said.reset_seconds > 0 and (not self._rate or used >= _TELLING * self._limit):
            self._rate = used / said.reset_seconds

    def wait(self, now: float, amount: float) -> float:
        """Seconds until `amount` may be asked for."""
        if not self.known:
            return 0.0
        if self._votes >= _WINDOW_VOTES:
            return self._wait_for_window(now, min(amount, self._limit))
        rate = self._rate or self._limit / _MINUTE
        left = min(min(sum_then + rate * max(now - then, 0.0) for sum_then, then in self._told) - self.spent, self._limit)
        spare = min(_SPARE_SECONDS * rate, _SPARE_SHARE * self._limit)
        return max(min(amount + spare, self._limit) - left, 0.0) / rate

    def _wait_for_window(self, now: float, amount: float) -> float:
        end = self._at + self._reset + _LATE
        if now < end:
            left = min(sum_then for sum_then, _ in self._told) - self.spent
            return 0.0 if left >= amount else end - now
        self._told.clear()  # a new window, until a header says better
        self._told.append((self._limit + self.spent, now))
        self._remaining, self._reset = self._limit, self._longest_reset
        self._at = self._opened = now
        return 0.0

    def _vote(self, more: float, longer: float, reset: float) -> None:
        """Whether less left means a nearer end, as in a window, or one further off, as in a bucket."""
        if not more or abs(longer) < (_WHOLE_SECONDS if reset == int(reset) else 0.001):
            return
        same = (more > 0) == (longer > 0)
        self._votes = max(-_VOTES, min(_VOTES, self._votes + (1 if same else -1)))
