"""The way to one provider: its free workers, the pace at which requests start, and models that no longer answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from queue import Empty, SimpleQueue

from llmops_git.evals.budget import Stopped
from llmops_git.evals.pacing import Charge, Limits, Pace, Turn
from llmops_git.evals.program import estimated_input_tokens
from llmops_git.evals.retry import SLICE, Clock
from llmops_git.providers.base import Provider, ProviderError, Reply, Request

_LOOK = 0.05  # seconds of sleep between looks at whether the next start has moved
_LOST_AFTER = 10  # requests in a row that a model left unanswered before the rest are not sent
_UNKNOWN_OUTPUT = 256  # tokens that a reply is reckoned with where neither a limit nor earlier replies say


class Lane:
    """Shared by all threads that ask one provider.

    One thread at a time waits for the next start; the others wait for it, in a queue that costs nothing. So starts are
    paced however many threads there are, and what an answer teaches holds for the very next start.
    """

    def __init__(self, provider: Provider, clock: Clock, limits: Limits | None = None) -> None:
        self.provider = provider
        self.fingerprint = provider.fingerprint()
        self._clock = clock
        self._pace = Pace(limits or Limits(), provider.concurrency)
        self._door = threading.Lock()  # held by the thread whose start is next
        self._lock = threading.Lock()  # held while anything below is changed
        self._free: SimpleQueue[int] = SimpleQueue()
        for worker in range(provider.concurrency):
            self._free.put(worker)
        self._written: dict[str, tuple[int, int]] = {}  # model -> replies, and their tokens
        self._unanswered: dict[str, int] = {}
        self._lost: dict[str, ProviderError] = {}

    def enter(self, request: Request, stop: threading.Event) -> Turn:
        """Wait for a free worker and for a turn to start.

        Raises Stopped when `stop` is set, and the ProviderError that lost the model when it no longer answers.
        """
        worker = self._take(stop)
        try:
            while not self._door.acquire(timeout=SLICE):
                self._check(request.model, stop)
            try:
                return replace(self._turn(request, stop), worker=worker)
            finally:
                self._door.release()
        except BaseException:
            self._free.put(worker)
            raise

    def leave(self, turn: Turn) -> None:
        """The call is over; the worker is free."""
        with self._lock:
            self._pace.ended(turn)
        self._free.put(turn.worker)

    def check(self, model: str) -> None:
        """Raises the error that lost the model, if it is lost."""
        lost = self._lost.get(model)
        if lost is not None:
            raise ProviderError(lost.kind, lost.message, hint=lost.hint)

    def succeeded(self, turn: Turn, model: str, reply: Reply) -> None:
        """A reply came. Call it before `leave`."""
        with self._lock:
            self._pace.succeeded(turn, self._clock.monotonic(), reply.rate_limits, reply.usage)
            self._unanswered.pop(model, None)
            if reply.usage.output_tokens is not None:
                count, tokens = self._written.get(model, (0, 0))
                self._written[model] = (count + 1, tokens + reply.usage.output_tokens)

    def refused(self, turn: Turn, error: ProviderError, wait: float) -> None:
        """The request met the rate limit; the provider is not asked for `wait` seconds. Call it before `leave`."""
        with self._lock:
            hinted = error.retry_after is not None
            self._pace.refused(turn, self._clock.monotonic(), wait, error.rate_limits, hinted=hinted)

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

    def _check(self, model: str, stop: threading.Event) -> None:
        self.check(model)
        if stop.is_set():
            raise Stopped

    def _turn(self, request: Request, stop: threading.Event) -> Turn:
        charge = self._charge(request)
        while True:
            self._check(request.model, stop)
            with self._lock:
                now = self._clock.monotonic()
                wait = self._pace.wait(now, charge)
                if wait <= 0:
                    return self._pace.start(now, charge)
            self._clock.sleep(min(wait, _LOOK))

    def _charge(self, request: Request) -> Charge:
        """About what the request counts for: its reply is reckoned as long as earlier ones of the model were."""
        parameters = request.parameters
        limit = int(parameters.get("max_completion_tokens") or parameters.get("max_tokens") or 0)
        count, tokens = self._written.get(request.model, (0, 0))
        written = tokens // count if count else limit or _UNKNOWN_OUTPUT
        return Charge(input_tokens=estimated_input_tokens(request), output_tokens=written, output_limit=limit)
