"""Gets replies: from the cache, from another process that is buying the same, or from the model; each key at most once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from llmops_git.configs.policy import Price
from llmops_git.evals.budget import BudgetExceeded, Ledger, Reservation, Stopped
from llmops_git.evals.cache import Cache
from llmops_git.evals.lane import Lane
from llmops_git.evals.program import most_input_tokens, output_token_limit
from llmops_git.evals.retry import SLICE, Clock, Patience, jitter_of, wait_for
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.providers.prices import cost_of, most_it_can_cost, price_of

_HELD = 2048  # latest purchases that are held for whoever wants the same; earlier ones are in the cache
_OTHERS = 0.05  # seconds between looks at whether another process has bought what we want


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What came of one request. Without a reply, `error` is the class of what went wrong and `message` says it.

    Times are nanoseconds since 1970; `cost_usd` is what the reply cost whoever bought it, None where nobody knows.
    """

    reply: Reply | None = None
    error: str = ""
    message: str = ""
    cached: bool = False
    start_ns: int = 0
    end_ns: int = 0
    cost_usd: float | None = None


Receive = Callable[[Purchase], None]


class Buyer:
    """Shared by all threads of a run."""

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        *,
        cache: Cache | None,
        ledger: Ledger,
        prices: Mapping[str, Price],
        clock: Clock,
        stop: threading.Event,
        patience: Patience,
    ) -> None:
        self._lanes = lanes
        self._cache = cache
        self._ledger = ledger
        self._prices = prices
        self._clock = clock
        self._stop = stop
        self._patience = patience
        self._lock = threading.Lock()
        self._bought: dict[str, Purchase] = {}
        self._evictable: deque[str] = deque()  # keys of purchases that the cache has as well, the earliest first
        self._waiting: dict[str, list[Receive]] = {}
        self.sent = self.cached = 0
        self.input_tokens = self.output_tokens = 0
        self.trouble: list[str] = []  # what went wrong beside the measuring, as a cache that cannot be written

    def order(self, request: Request, key: str, receive: Receive) -> None:
        """Hand the purchase of `key` to `receive`: in this thread, or later in the one that is already buying it.

        Raises Stopped, and whatever a provider raises that is not about this one request (a missing recording).
        """
        with self._lock:
            purchase = self._bought.get(key)
            if purchase is None and key in self._waiting:
                self._waiting[key].append(receive)
                return
            if purchase is None:
                self._waiting[key] = []
        if purchase is not None:
            receive(purchase)
            return
        purchase = self._buy(request, key)
        with self._lock:
            self._hold(key, purchase)
            others = self._waiting.pop(key)
        for hand_over in (receive, *others):
            hand_over(purchase)

    def _hold(self, key: str, purchase: Purchase) -> None:
        """Hold a purchase for others who want the same; with a cache only the latest, so that memory does not grow."""
        self._bought[key] = purchase
        if self._cache is None or self.trouble or purchase.reply is None:
            return
        self._evictable.append(key)
        if len(self._evictable) > _HELD:
            del self._bought[self._evictable.popleft()]

    def buy(self, request: Request, key: str) -> Purchase:
        """The purchase of `key`. Raises what `order` raises."""
        received: list[Purchase] = []
        arrived = threading.Event()

        def receive(purchase: Purchase) -> None:
            received.append(purchase)
            arrived.set()

        self.order(request, key, receive)
        while not arrived.wait(SLICE):
            if self._stop.is_set():
                raise Stopped
        return received[0]

    def _buy(self, request: Request, key: str) -> Purchase:
        lane = self._lanes[request.provider]
        if self._cache is None:
            return self._ask(request, key, lane)
        found = self._find(request, key, lane)
        while found is None and not self._cache.claim(key):
            wait_for(_OTHERS, self._clock, self._stop)
            found = self._find(request, key, lane)
        if found is not None:
            return found
        try:  # the one who held the claim until now may have left a reply
            return self._find(request, key, lane) or self._ask(request, key, lane)
        finally:
            self._cache.release(key)

    def _find(self, request: Request, key: str, lane: Lane) -> Purchase | None:
        reply = self._cache.get(key, lane.fingerprint) if self._cache is not None else None
        if reply is None:
            return None
        with self._lock:
            self.cached += 1
        now = self._clock.wall_ns()
        return self._purchase(request, reply, start_ns=now, cached=True)

    def _ask(self, request: Request, key: str, lane: Lane) -> Purchase:
        """Ask until there is a reply, or no more patience, or no more money."""
        price = price_of(self._prices, request.provider, request.model)
        most = most_it_can_cost(price, input_tokens=most_input_tokens(request), output_tokens=output_token_limit(request))
        failures = refusals = 0
        while True:
            start_ns = self._clock.wall_ns()
            try:
                reservation = self._ledger.reserve(most, self._stop)
                return self._try(request, key, lane, reservation)
            except BudgetExceeded as error:
                return Purchase(error="budget", message=error.message, start_ns=start_ns, end_ns=start_ns)
            except _Lost as lost:
                return self._failed(lost.error, start_ns)
            except ProviderError as error:
                if error.kind == "replay_miss":
                    raise
                refusals += error.kind == "rate_limit"
                failures += error.kind != "rate_limit"
                wait = self._patience.wait(error, failures, refusals, jitter_of(key))
                if wait is None:
                    lane.gave_up(request.model, error)
                    return self._failed(error, start_ns)
            wait_for(wait, self._clock, self._stop)

    def _try(self, request: Request, key: str, lane: Lane, reservation: Reservation) -> Purchase:
        """One call, paid out of the reservation. Raises ProviderError, or _Lost when the model is not asked any more."""
        try:
            turn = lane.enter(request, self._stop)
        except BaseException as error:
            self._ledger.cancel(reservation)
            if isinstance(error, ProviderError):
                raise _Lost(error) from None
            raise
        with self._lock:
            self.sent += 1
        start_ns = self._clock.wall_ns()
        try:
            reply = _sound(lane.provider.generate(request, worker=turn.worker))
            lane.succeeded(turn, request.model, reply)
        except BaseException as error:
            charged = not isinstance(error, ProviderError) or error.charged
            self._ledger.settle(reservation, None if charged else 0.0)
            if isinstance(error, ProviderError) and error.kind == "rate_limit":
                lane.refused(turn, error, self._patience.pause(error))
            raise
        finally:
            lane.leave(turn)
        purchase = self._purchase(request, reply, start_ns=start_ns, cached=False)
        self._ledger.settle(reservation, purchase.cost_usd)
        self._keep(key, reply, lane)
        return purchase

    def _keep(self, key: str, reply: Reply, lane: Lane) -> None:
        with self._lock:
            self.input_tokens += reply.usage.input_tokens or 0
            self.output_tokens += reply.usage.output_tokens or 0
        if self._cache is None:
            return
        try:
            self._cache.put(key, reply, lane.fingerprint)
        except OSError as error:
            with self._lock:
                if not self.trouble:
                    self.trouble.append(f"bought replies cannot be kept: {error}")

    def _purchase(self, request: Request, reply: Reply, *, start_ns: int, cached: bool) -> Purchase:
        price = price_of(self._prices, request.provider, request.model)
        end_ns = start_ns + int(reply.latency_seconds * 1e9)
        return Purchase(reply=reply, cached=cached, start_ns=start_ns, end_ns=end_ns, cost_usd=cost_of(price, reply.usage))

    def _failed(self, error: ProviderError, start_ns: int) -> Purchase:
        return Purchase(error=error.kind, message=error.message, start_ns=start_ns, end_ns=self._clock.wall_ns())


class _Lost(Exception):
    """The model is not asked any more; `error` says why."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.message)
        self.error = error


def _sound(reply: Reply) -> Reply:
    """The reply with a text that every file can hold: without lone surrogates."""
    try:
        reply.text.encode()
    except UnicodeEncodeError:
        return replace(reply, text=reply.text.encode("utf-8", "replace").decode())
    return reply
