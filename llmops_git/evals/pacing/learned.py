"""The pace of a provider whose limits nobody told: found by going faster until it refuses. Pure: times are passed in."""

from __future__ import annotations

FIRST_UNDER_WAY = 32  # requests under way before the first answer has come
_MORE_PER_REPLY = 2  # by how many the requests under way may grow with each reply, as long as nothing was refused
_FIRST_GUESS = 0.6  # share of what went through before the first refusal that is tried next
_KEPT = 0.95  # share of the measured pace that is kept after a refusal
_HALF = 0.5  # share of the pace that is kept where it could not be measured
_MEASURED = 4  # starts between two refusals that it takes to know the pace
_LONG_ENOUGH = 0.5  # seconds between two refusals after which the measured pace may be faster than the one tried
_GROWTH = 0.04  # by which the pace grows in a second,
_DOUBLING = 10.0  # seconds without refusal after which it grows twice as fast
_SHORTEST = 0.001  # seconds that two refusals are apart at least, whatever the clock says
_SLACK = 0.05  # seconds by which a late start may be made up for


class Learned:
    """Starts per second, additive up and multiplicative down.

    What a server let through between two refusals, over the time between them, is its limit exactly: both times it had
    nothing left. So one refusal is a guess and the second one a measurement.
    """

    def __init__(self) -> None:
        self._under_way = float(FIRST_UNDER_WAY)
        self._rate = 0.0  # 0: nothing was refused yet
        self._next = float("-inf")
        self._admitted = 0
        self._since = float("-inf")  # of the latest refusal that counted, at first of the first start
        self._grown = 0.0
        self._calm_since = 0.0

    @property
    def rate(self) -> float:
        """Starts per second; 0 while it is not limited."""
        return self._rate

    def wait(self, now: float, under_way: int, poll: float) -> float:
        """Seconds until the next start."""
        if self._rate:
            return max(self._next - now, 0.0)
        return poll if under_way >= self._under_way else 0.0

    def started(self, now: float) -> None:
        if not self._admitted and self._since == float("-inf"):
            self._since = now
        self._admitted += 1
        if self._rate:
            self._next = (self._next if self._next >= now - _SLACK else now) + 1 / self._rate

    def succeeded(self, now: float) -> None:
        if not self._rate:
            self._under_way += _MORE_PER_REPLY
            return
        elapsed = now - self._grown
        if elapsed > 0:
            calm = max(now - self._calm_since, 0.0)
            self._rate *= 1 + min(_GROWTH * 2 ** min(calm / _DOUBLING, 10.0) * elapsed, 1.0)
            self._grown = now

    def not_yet(self, now: float, pause: float) -> None:
        """The one that tried whether the pause was long enough was refused: it was not."""
        self._admitted -= 1
        self._next = self._grown = self._calm_since = now + pause

    def refused(self, now: float, pause: float) -> None:
        """A refusal that is not of the same burst as the last; nothing starts for `pause` seconds."""
        elapsed = max(now - self._since, _SHORTEST)
        admitted = self._admitted - 1
        if not self._rate:
            self._rate = _FIRST_GUESS * max(admitted, 1) / (elapsed + pause)
        elif admitted >= _MEASURED:
            measured = _KEPT * admitted / elapsed
            self._rate = measured if elapsed >= _LONG_ENOUGH else min(measured, self._rate)
        else:
            self._rate *= _HALF
        self._admitted, self._since = 0, now
        self._next = self._grown = self._calm_since = now + pause
