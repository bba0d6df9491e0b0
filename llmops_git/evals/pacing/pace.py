"""All that holds a request back, put together: the tightest of what is configured, told and learned. Pure: times are
passed in, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.evals.pacing.learned import Learned
from llmops_git.evals.pacing.mirror import Mirror
from llmops_git.providers.base import RateLimits, Usage

POLL = 0.005  # seconds to look again where the time of the next start depends on an answer
_APART = 0.0015  # seconds between the first starts, so that they do not end, and are read, in one burst
_MINUTE = 60.0
_SLACK = 0.05  # seconds by which a late start may be made up for
_CONVINCED = 20  # replies between refusals without which the headers do not tell the limit that bites
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the policy allows: requests and tokens (in and out) per minute; 0 means not limited here."""

    rpm: int = 0
    tpm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a request counts for, reckoned before it is sent. `output_limit` is the most that its reply may have: servers
    set that aside until they know better."""

    input_tokens: int = 0
    output_tokens: int = 0
    output_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A start that was given: its number, its time, its worker, and what had been spent of each limit, itself included."""

    number: int
    started: float
    charge: Charge
    spent: tuple[float, ...]
    worker: int = 0


class Pace:
    """When requests to one provider start. Not safe for threads: the caller holds a lock."""

    def __init__(self, limits: Limits, first_starts: int) -> None:
        self._limits = limits
        self._first_starts = first_starts
        self._next = float("-inf")
        self._mirrors = (Mirror(), Mirror(), Mirror(), Mirror())  # requests, all tokens, those in, those out
        self._learned = Learned()
        self._starts = 0
        self._under_way = 0
        self._paused_until = float("-inf")
        self._pause = 0.0
        self._last_before_pause = 0  # number of the latest start before it
        self._probe_due = False
        self._probe = 0  # number of the start that tries whether a pause was long enough; 0: none is under way
        self._calm = 0  # replies since the latest refusal

    def wait(self, now: float, charge: Charge) -> float:
        """Seconds until a request may start; 0 when it may now. Ask again then: answers in between change it."""
        if now < self._paused_until:
            return self._paused_until - now
        if self._probe:
            return POLL
        waits = [self._next - now]
        if not self._configured:
            amounts = _amounts(charge)
            waits += [mirror.wait(now, amount) for mirror, amount in zip(self._mirrors, amounts, strict=True)]
            waits.append(self._learned.wait(now, self._under_way, POLL))
        return max(0.0, *waits)

    def start(self, now: float, charge: Charge) -> Turn:
        """Give the turn that `wait` allowed."""
        self._starts += 1
        self._under_way += 1
        if self._probe_due:
            self._probe, self._probe_due = self._starts, False
        for mirror, amount in zip(self._mirrors, _amounts(charge), strict=True):
            mirror.spent += amount
        self._learned.started(now)
        self._next = (self._next if self._next >= now - _SLACK else now) + self._interval(charge)
        return Turn(number=self._starts, started=now, charge=charge, spent=tuple(mirror.spent for mirror in self._mirrors))

    def ended(self, turn: Turn) -> None:
        """The call is over, however it went. A probe that was neither answered nor refused is followed by another."""
        self._under_way -= 1
        if turn.number == self._probe:
            self._probe, self._probe_due = 0, True

    def succeeded(self, turn: Turn, now: float, limits: RateLimits | None, usage: Usage) -> None:
        """A reply came. Call it before `ended`."""
        self._calm += 1
        if self._probe and turn.number >= self._probe:
            self._probe = 0
            self._pause = 0.0
        self._tell(turn, limits)
        self._learned.succeeded(now)
        if self._limits.tpm and usage.input_tokens is not None and usage.output_tokens is not None:
            reckoned = turn.charge.input_tokens + turn.charge.output_tokens
            self._next += (usage.input_tokens + usage.output_tokens - reckoned) * _MINUTE / self._limits.tpm

    def refused(self, turn: Turn, now: float, wait: float, limits: RateLimits | None, *, hinted: bool) -> None:
        """The server says that it is asked too fast: nothing starts for `wait` seconds, then one request tries. Where the
        wait is not the server's own (`hinted`), it doubles with every try that is refused.

        Refusals of requests from before the pause make it longer where their own hint is, and nothing else: one burst is
        answered once.
        """
        self._tell(turn, limits)
        if turn.number <= self._last_before_pause:
            self._paused_until = max(self._paused_until, now + wait)
            return
        if turn.number == self._probe:
            self._probe = 0
            if not hinted:
                wait = max(wait, min(2 * self._pause, _LONGEST_PAUSE))
            self._learned.not_yet(now, wait)
        elif not self._told or (self._calm < _CONVINCED and self._last_before_pause):
            self._learned.refused(now, wait)
        self._calm, self._pause = 0, wait
        self._paused_until = now + wait
        self._last_before_pause, self._probe_due = self._starts, True

    @property
    def _configured(self) -> bool:
        return bool(self._limits.rpm or self._limits.tpm)

    @property
    def _told(self) -> bool:
        return any(mirror.known for mirror in self._mirrors)

    def _interval(self, charge: Charge) -> float:
        interval = 0.0
        if self._limits.rpm:
            interval = _MINUTE / self._limits.rpm
        if self._limits.tpm:
            interval = max(interval, (charge.input_tokens + charge.output_tokens) * _MINUTE / self._limits.tpm)
        return max(interval, _APART) if self._starts <= self._first_starts else interval

    def _tell(self, turn: Turn, limits: RateLimits | None) -> None:
        if limits is None:
            return
        said = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
        for mirror, one, spent in zip(self._mirrors, said, turn.spent, strict=True):
            mirror.tell(one, turn.started, spent)


def _amounts(charge: Charge) -> tuple[float, ...]:
    read, written = float(charge.input_tokens), float(max(charge.output_tokens, charge.output_limit))
    return (1.0, read + written, read, written)
