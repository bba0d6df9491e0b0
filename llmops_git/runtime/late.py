"""Requests that ended lately: those that were kept, so that later steps find them, and those that were not, so that a signal
can still bring one back. Used by one thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from llmops_git.runtime.steps import Step, Trace

MOST_KEPT = 10_000
MOST_SIZE = 32 << 20  # characters of texts that requests which were not kept may hold


class Known:
    """What is remembered of a request: `trace` without its steps where it was kept, with them where it was not. `weight` is
    None for one that was not kept."""

    __slots__ = ("at", "root_id", "size", "trace", "weight")

    def __init__(self, trace: Trace, root_id: str, weight: float | None, at: float, size: int = 0) -> None:
        self.trace = trace
        self.root_id = root_id
        self.weight = weight
        self.at = at
        self.size = size


class Recent:
    """The requests that ended lately, by the id of their root."""

    def __init__(self, *, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[str, Known] = OrderedDict()
        self._left_out: OrderedDict[str, Known] = OrderedDict()
        self._size = 0

    def keep(self, trace: Trace, weight: float) -> None:
        """Remember that a request was kept."""
        root = trace.steps[0]
        bare = Trace(trace.trace_id, [], bundle=trace.bundle, user=trace.user, feature=trace.feature)
        self._kept[root.span_id] = Known(bare, root.span_id, weight, self._clock())
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def leave_out(self, trace: Trace) -> None:
        """Hold on to a request that is not kept, for a while."""
        size = sum(map(_size, trace.steps))
        self._left_out[trace.steps[0].span_id] = Known(trace, trace.steps[0].span_id, None, self._clock(), size)
        self._size += size
        while self._left_out and (len(self._left_out) > self._most or self._size > MOST_SIZE):
            self._size -= self._left_out.popitem(last=False)[1].size

    def find(self, trace_id: str, root_id: str) -> Known | None:
        """A request by its root, or by its trace where the root is not known; None where it is forgotten."""
        self._forget()
        if root_id:
            return self._left_out.get(root_id) or self._kept.get(root_id)
        for found in (*reversed(self._left_out.values()), *reversed(self._kept.values())):
            if found.trace.trace_id == trace_id:
                return found
        return None

    def bring_back(self, found: Known, weight: float) -> Trace:
        """A request that was left out and is now kept."""
        self._left_out.pop(found.root_id, None)
        self._size -= found.size
        self.keep(found.trace, weight)
        return found.trace

    def _forget(self) -> None:
        oldest = self._clock() - self._seconds
        while self._left_out:
            first = next(iter(self._left_out.values()))
            if first.at >= oldest:
                return
            self._left_out.popitem(last=False)
            self._size -= first.size


def _size(step: Step) -> int:
    """About how many characters a step holds on to."""
    return 200 + sum(len(value) for value in step.attributes.values() if type(value) is str)
