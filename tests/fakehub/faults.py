"""Misfortunes on order: bad statuses, cut connections, lost replies, requests that arrive twice, races."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Drop = Literal["before", "after", "partial"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to the next `times` requests that match. `path` is searched in the path with its query."""

    method: str  # "" or "*": any
    path: re.Pattern[str]
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    drop: Drop | None = None  # before: nothing is done; after: done, no answer; partial: done, half an answer
    after: bool = False  # answer with `status`, but do the work first
    twice: bool = False
    meanwhile: Callable[[], object] | None = None  # done before the request is, as by somebody else
    hold: threading.Event | None = None  # answered only when it is set, after at most 30 seconds

    @property
    def works(self) -> bool:
        """Whether the request is carried out."""
        return self.drop != "before" and (self.status is None or self.after)


class Faults:
    """The orders, oldest first. A request takes the first that matches and has times left."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self._lock = threading.Lock()

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.orders:
                if fault.times > 0 and fault.method in {"", "*", method} and fault.path.search(path):
                    fault.times -= 1
                    return fault
        return None

    @property
    def left(self) -> list[Fault]:
        """Orders that have not all been carried out: a test may assert that there are none."""
        return [fault for fault in self.orders if fault.times > 0]


def secondary_limit(retry_after: int | None = 1, status: int = 403) -> dict[str, Any]:
    """Arguments of `Hub.fail` for GitHub's secondary rate limit; None leaves the retry-after header out."""
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return {"status": status, "headers": headers, "body": {"message": message, "documentation_url": "https://docs.github.com"}}


def primary_limit(seconds: int = 1, status: int = 403) -> dict[str, Any]:
    """Arguments of `Hub.fail` for the hourly limit, which is over in so many seconds."""
    reset = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
    message = "API rate limit exceeded for installation ID 1."
    return {"status": status, "headers": reset, "body": {"message": message, "documentation_url": "https://docs.github.com"}}


class Misfortunes:
    """How a test orders faults."""

    faults: Faults

    def fail(
        self,
        method: str,
        path: str,
        times: int = 1,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        drop: Drop | None = None,
        after: bool = False,
    ) -> Fault:
        """Order a misfortune for the next requests that match; see Fault, secondary_limit and primary_limit."""
        if status is None and drop is None:
            raise ValueError("say what goes wrong: a status or a drop")
        return self._order(method, path, times, status=status, headers=headers or {}, body=body, drop=drop, after=after)

    def twice(self, method: str, path: str, times: int = 1) -> Fault:
        """The next matching requests are carried out twice, as when they are delivered twice."""
        return self._order(method, path, times, twice=True)

    def meanwhile(self, method: str, path: str, act: Callable[[], object], times: int = 1) -> Fault:
        """Something that somebody else does just before the next matching request is carried out."""
        return self._order(method, path, times, meanwhile=act)

    def hold(self, method: str, path: str, until: threading.Event, times: int = 1) -> Fault:
        """The next matching requests wait (30 seconds at most)."""
        return self._order(method, path, times, hold=until)

    def _order(self, method: str, path: str, times: int, **facts: Any) -> Fault:
        fault = Fault(method=method.upper(), path=re.compile(path), times=times, **facts)
        self.faults.orders.append(fault)
        return fault
