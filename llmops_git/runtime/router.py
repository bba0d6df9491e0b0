"""A loaded config in an application: hands out requests, and keeps what they share."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from llmops_git.errors import LlmopsError
from llmops_git.runtime.asking import Asker
from llmops_git.runtime.bundle import Bundle
from llmops_git.runtime.guarding import Guards
from llmops_git.runtime.ids import new_span_id, new_trace_id, parse_request_id
from llmops_git.runtime.pipeline import EXIT_SECONDS, Pipeline
from llmops_git.runtime.request import Request
from llmops_git.runtime.source import Source
from llmops_git.runtime.steps import Step, Trace
from llmops_git.traces import attributes as names


class Router:
    """One config that runs. Made by `runtime.load`; used by all threads and tasks of an application."""

    def __init__(self, source: Source, pipeline: Pipeline, asker: Asker) -> None:
        self._source = source
        self._pipeline = pipeline
        self.asker = asker
        self.settings = pipeline.settings
        self.counts = pipeline.counts
        self._guards: tuple[Bundle, Guards] | None = None
        _ROUTERS.add(self)

    @property
    def bundle(self) -> Bundle:
        """What runs now."""
        return self._source.now()

    def reload(self) -> Bundle:
        """Read the bundle again at once. Raises LlmopsError when there is no good one, and then the old one keeps running."""
        return self._source.reload()

    def request(
        self,
        *,
        user: Any = None,
        feature: Any = None,
        conversation: Any = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Request:
        """A new request: `with router.request(user="u-17") as request:`, or `async with`."""
        trace_id, parent_id = self._outer() or (new_trace_id(), "")
        return Request(
            self,
            self._source.now(),
            trace_id,
            parent_id,
            user=user,
            feature=feature,
            conversation=conversation,
            attributes=attributes,
        )

    def signal(
        self,
        request_id: str,
        name: str,
        value: float | None = None,
        *,
        comment: str | None = None,
        user: Any = None,
        feature: Any = None,
    ) -> bool:
        """What a user did or said, also long after the request. `request_id` is its `id`, or that of its trace. False where it
        is neither."""
        try:
            known = parse_request_id(request_id)
            if known is None:
                self.counts.trouble("signals_refused", "not the id of a request")
                return False
            step = self.signal_step(name, value, comment, parent_id=known.span_id, at=time.time_ns())
            late = Trace(
                known.trace_id, [step], bundle=None, user=user, feature=feature, late=True, root_id=known.span_id,
                config=known.config, release=known.release,
            )  # fmt: skip
            self.post(late)
        except Exception as error:  # noqa: BLE001
            self.counts.trouble("steps_failed", error)
            return False
        return True

    def flush(self, seconds: float = EXIT_SECONDS) -> bool:
        """Write what was recorded so far; whether nothing is left."""
        return self._pipeline.flush(seconds)

    def stats(self) -> dict[str, int]:
        """What became of the spans: written by sink, dropped, refused, waiting."""
        return self._pipeline.stats()

    def close(self, seconds: float = EXIT_SECONDS) -> None:
        """Write what is left, close files and connections, end threads. A program that ends does the writing by itself."""
        self._pipeline.close(seconds)
        self.asker.close()
        _ROUTERS.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pipeline(self) -> Pipeline:
        return self._pipeline

    def _outer(self) -> tuple[str, str] | None:
        """The application's own span that is active, where it uses OpenTelemetry."""
        if "opentelemetry.trace" not in sys.modules:
            return None
        try:
            from llmops_git.runtime.otel import outer_span

            return outer_span()
        except Exception as error:  # noqa: BLE001
            self.counts.trouble("joins_failed", error)
            return None

    def after_fork(self) -> None:
        """In a child: connections and locks are the parent's."""
        self._source.after_fork()
        self.asker.after_fork()

    # for requests

    def inside(self, trace_id: str, span_id: str) -> Callable[[], None] | None:
        """Make spans of the application's instrumentations those of a request, where both leave by the same way; the function
        that ends this."""
        if not self._pipeline.is_in_otel:
            return None
        try:
            from llmops_git.runtime.otel import make_parent

            return make_parent(trace_id, span_id)
        except Exception as error:  # noqa: BLE001
            self.counts.trouble("joins_failed", error)
            return None

    def post(self, trace: Trace) -> None:
        try:
            self._pipeline.post(trace)
        except Exception as error:  # noqa: BLE001
            self.counts.trouble("spans_dropped", error, len(trace.steps))

    def signal_step(self, name: str, value: float | None, comment: str | None, *, parent_id: str, at: int) -> Step:
        attributes: dict[str, Any] = {names.OPERATION: names.GIVE_SIGNAL, names.SIGNAL: name}
        if value is not None:
            attributes[names.SIGNAL_VALUE] = float(value)
        if comment is not None:
            attributes[names.SIGNAL_COMMENT] = comment
        negative = name in self.settings.negative or (value is not None and value < 0)
        return Step(f"{names.GIVE_SIGNAL} {name}", new_span_id(), parent_id, at, attributes, end=at, hit=negative, signal=True)

    def render(self, bundle: Bundle, inputs: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The bundle's messages. Raises LlmopsError for an input that is missing, TemplateError."""
        from llmops_git.configs.template import render_messages

        missing = [name for name in bundle.resolved.get("inputs", {}).get("required", ()) if name not in inputs]
        if missing:
            raise LlmopsError(f"`{bundle.config}` needs the input `{missing[0]}`", hint=f"generate({missing[0]}=…)")
        return list(render_messages(bundle.resolved, inputs, documents=tuple(documents)))

    def guards(self, bundle: Bundle) -> Guards:
        """The guardrails of a bundle."""
        known = self._guards
        if known is None or known[0] is not bundle:
            made = Guards(bundle.resolved, lambda: self.asker.policy.allowed_checks)
            known = self._guards = (bundle, made)
            for fault in made.faults() if bundle.resolved.get("guardrails") else ():
                self.counts.trouble("rules_that_cannot_decide", fault)
        return known[1]

    def chat_attributes(self, known: Mapping[str, Any], reply: Any) -> Mapping[str, Any]:
        """What a model's answer says, worked out on the exporter's thread."""
        from llmops_git.runtime.chat import chat_attributes

        return chat_attributes(known, reply, self.asker.cost_of)


def signal(
    request_id: str, name: str, value: float | None = None, *, comment: str | None = None, user: Any = None, feature: Any = None
) -> bool:
    """`Router.signal` of the router that serves the request's config, or of any router of this process. False where there is
    none, or the id is none."""
    known = parse_request_id(request_id)
    routers = sorted(_ROUTERS, key=lambda router: known is None or router.bundle.config != known.config)
    if not routers:
        return False
    return routers[0].signal(request_id, name, value, comment=comment, user=user, feature=feature)


def flush(seconds: float = EXIT_SECONDS) -> bool:
    """Write what all routers of this process recorded so far; whether nothing is left."""
    until = time.monotonic() + seconds
    done = [pipeline.flush(max(until - time.monotonic(), 0.0)) for pipeline in {router.pipeline for router in _ROUTERS}]
    return all(done)


def stats() -> dict[str, int]:
    """What became of the spans of all routers of this process."""
    total: dict[str, int] = {}
    for pipeline in {router.pipeline for router in _ROUTERS}:
        for name, number in pipeline.stats().items():
            total[name] = total.get(name, 0) + number
    return total


_ROUTERS: set[Router] = set()  # those that were loaded and not closed


def _after_fork() -> None:
    for router in list(_ROUTERS):
        router.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
