"""From requests that ended to sinks: one queue in, one exporter, a queue for each sink."""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from llmops_git.runtime.channel import Channel
from llmops_git.runtime.counts import Counts
from llmops_git.runtime.export import Exporter
from llmops_git.runtime.privacy import cleaner
from llmops_git.runtime.settings import Settings
from llmops_git.runtime.sinks import Sink
from llmops_git.runtime.steps import Trace
from llmops_git.runtime.worker import Worker, flush_all
from llmops_git.traces import attributes as names

EXIT_SECONDS = 3.0  # that the end of a program waits for what is not written yet


class Pipeline:
    """Takes finished requests. Nothing in it makes an application wait, or raises."""

    def __init__(self, settings: Settings, sinks: Sequence[Sink], *, environ: Mapping[str, str] | None = None) -> None:
        """Raises LlmopsError when a sink cannot be used at all."""
        self.settings = settings
        self.counts = Counts()
        found = os.environ if environ is None else environ
        for sink in sinks:
            sink.open(resource_of(settings), self.counts)
        self.channels = [Channel(sink, self.counts, most=settings.most_spans) for sink in sinks]
        self._clean = partial(cleaner, settings, found)
        self._exporter = self._new_exporter()
        self._front = Worker(self._handle, most=settings.most_spans, trouble=self._trouble)
        self._watched = False
        self.is_in_otel = any(type(sink).__name__ == "OtelSink" for sink in sinks)
        _PIPELINES.add(self)

    def post(self, trace: Trace) -> None:
        """A request that ended, or a step that came later."""
        size = len(trace.steps)
        if not self._front.put(trace, size):
            self.counts.trouble("spans_dropped", "spans come faster than they are written", size)
        if not self._watched:
            self._watch_children()

    def flush(self, seconds: float = EXIT_SECONDS) -> bool:
        """Write what was recorded so far; whether nothing is left."""
        handled = flush_all([self._front, *(channel.worker for channel in self.channels)], seconds)
        return handled and self.waiting == 0

    def stats(self) -> dict[str, int]:
        """What became of the spans since the process began."""
        return {"spans_waiting": self.waiting, **self.counts.all()}

    @property
    def waiting(self) -> int:
        """Spans that were recorded and are not written yet."""
        return self._front.waiting + sum(channel.worker.waiting for channel in self.channels)

    def close(self, seconds: float = EXIT_SECONDS) -> None:
        """Write what is left, end the threads and close the files. What is recorded later begins them anew."""
        self.flush(seconds)
        self._front.close()
        for channel in self.channels:
            channel.worker.close()
            channel.close()

    def after_fork(self) -> None:
        """In a child: it begins with nothing, and its files are its own."""
        self.counts.after_fork()
        self._exporter = self._new_exporter()
        self._watched = False
        for channel in self.channels:
            channel.after_fork()

    def _new_exporter(self) -> Exporter:
        return Exporter(self.settings, self.counts, self._clean, time.monotonic)

    def _handle(self, traces: list[Any], flushing: bool) -> None:  # noqa: ARG002
        for trace in traces:  # one after the other, so that the first is written while the last is worked on
            for ready in self._exporter.ready(trace):
                for channel in self.channels:
                    channel.put(ready)

    def _trouble(self, error: BaseException) -> None:
        self.counts.trouble("spans_failed", error)

    def _watch_children(self) -> None:
        """A child of `multiprocessing` ends without the interpreter's own end, but calls this."""
        self._watched = True
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            finalize: Any = util.Finalize
            finalize(None, _flush_at_exit, exitpriority=0)


def resource_of(settings: Settings) -> dict[str, Any]:
    """What the spans come from, as OpenTelemetry names it."""
    found = {names.SERVICE_NAME: settings.service}
    if settings.environment:
        found[names.ENVIRONMENT] = settings.environment
    return found


_PIPELINES: weakref.WeakSet[Pipeline] = weakref.WeakSet()


def _flush_at_exit() -> None:
    until = time.monotonic() + EXIT_SECONDS
    for pipeline in list(_PIPELINES):
        pipeline.flush(max(until - time.monotonic(), 0.0))


def _after_fork() -> None:
    for pipeline in list(_PIPELINES):
        pipeline.after_fork()


atexit.register(_flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
