"""A sink with its queue: what the sink cannot take now waits here, within bounds, and is given again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from llmops_git.runtime.counts import Counts
from llmops_git.runtime.export import Ready
from llmops_git.runtime.sinks import Sink, SinkUnavailable
from llmops_git.runtime.worker import Worker
from llmops_git.traces import attributes as names

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
_INTERVAL = 0.1  # seconds that spans gather; they did that before already


class Channel:
    """Carries spans to one sink. What has no room is dropped and counted; the first spans written after that say how many."""

    def __init__(self, sink: Sink, counts: Counts, *, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._counts = counts
        self._clock = clock
        self._held: list[Ready] = []
        self._failures = 0
        self._not_before = 0.0
        self._lost = 0  # spans dropped since the last ones that were written
        self.worker = Worker(self._handle, most=most, trouble=self._trouble, interval=_INTERVAL)

    @property
    def name(self) -> str:
        return self._sink.name

    def put(self, ready: Ready) -> None:
        """Spans to be written. Never waits."""
        if not self.worker.put(ready, len(ready)):
            self._lost += len(ready)
            self._counts.trouble("spans_dropped", f"{self._sink.name} does not keep up", len(ready))

    def close(self) -> None:
        self._sink.close()

    def after_fork(self) -> None:
        self._held, self._failures, self._not_before, self._lost = [], 0, 0.0, 0
        self._sink.after_fork()

    def _handle(self, items: list[Any], flushing: bool) -> float | None:
        self._held += items
        wait = self._not_before - self._clock()
        if not self._held or (wait > 0 and not flushing):
            return self._keep(wait if self._held else None)
        if self._lost:
            self._held[0] = _with_loss(self._held[0], self._lost)
            self._lost = 0
        try:
            refused = self._sink.write(self._held)
        except SinkUnavailable as error:
            self._written(error.done, error.refused)
            self._failures += 1
            wait = min(FIRST_WAIT * 2 ** min(self._failures - 1, 10), LONGEST_WAIT)
            wait = wait if error.retry_after is None else min(max(error.retry_after, wait), LONGEST_WAIT)
            self._not_before = self._clock() + wait
            self._counts.trouble(f"failures_{self._sink.name}", error)
            return self._keep(wait)
        self._failures, self._not_before = 0, 0.0
        self._written(len(self._held), refused)
        return self._keep(None)

    def _written(self, number: int, refused: int) -> None:
        written = sum(len(ready) for ready in self._held[:number]) - refused
        if written:
            self._counts.add(f"spans_{self._sink.name}", written)
        del self._held[:number]

    def _keep(self, again: float | None) -> float | None:
        self.worker.held = sum(len(ready) for ready in self._held)
        return again

    def _trouble(self, error: BaseException) -> None:
        """The sink failed in a way that it should not: what it was given is lost, and that is said."""
        lost = sum(len(ready) for ready in self._held)
        self._held = []
        self.worker.held = 0
        self._lost += lost
        self._counts.trouble("spans_dropped", error, lost)


def _with_loss(ready: Ready, lost: int) -> Ready:
    """The spans, the first of which says how many were lost before it."""
    first, *rest = ready
    known = first.attributes.get(names.DROPPED_SPANS, 0)
    said = replace(first, attributes={**first.attributes, names.DROPPED_SPANS: lost + known})
    return (said, *rest)
