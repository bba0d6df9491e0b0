"""An application that already uses OpenTelemetry: requests join its traces, and can leave through its own exporters.

OpenTelemetry is looked for among what the application has imported, and never imported for its own sake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from llmops_git.runtime.counts import Counts
    from llmops_git.runtime.export import Ready
    from llmops_git.runtime.sinks import Resource
    from llmops_git.traces.span import Span


def outer_span() -> tuple[str, str] | None:
    """The trace id and the span id of the application's span that is active now; None where there is none."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def make_parent(trace_id: str, span_id: str) -> Callable[[], None]:
    """Put spans of the application's instrumentations below the span with this id; the function that ends this."""
    from opentelemetry import context, trace

    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    ours = trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=flags)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(ours)))
    return lambda: context.detach(token)


class OtelSink:
    """Spans leave through the application's own tracer provider, and so to wherever its other spans go."""

    name = "otel"

    def __init__(self, provider: Any = None) -> None:
        """`provider` is a TracerProvider of the OpenTelemetry SDK, the global one unless it is given."""
        self._provider = provider
        self._processor: Any = None
        self._resource: Any = None

    def open(self, resource: Resource, counts: Counts) -> None:  # noqa: ARG002
        """Raises LlmopsError where OpenTelemetry's SDK is not installed or not set up."""
        try:
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
        except ImportError:
            raise LlmopsError("OtelSink needs the OpenTelemetry SDK", hint="pip install opentelemetry-sdk") from None
        provider = self._provider or trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            raise LlmopsError(
                "OpenTelemetry has no tracer provider of its SDK yet", hint="opentelemetry.trace.set_tracer_provider(…) first"
            )
        self._processor = provider._active_span_processor  # noqa: SLF001  # the only way to hand over spans that have ids
        self._resource = provider.resource

    def write(self, ready: Sequence[Ready]) -> int:
        for one in ready:
            for span in one:
                self._processor.on_end(_readable(span, self._resource))
        return 0

    def close(self) -> None:
        return

    def after_fork(self) -> None:
        return


def _readable(span: Span, resource: Any) -> Any:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from llmops_git import __version__

    def context(span_id: str) -> Any:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        return trace.SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=flags)

    attributes = {name: _flat(value) for name, value in span.attributes.items()}
    if span.error:
        attributes[names.ERROR_TYPE] = span.error
    status = trace.Status(trace.StatusCode.ERROR, span.error) if span.error else trace.Status()
    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=resource,
        attributes=attributes,
        kind=trace.SpanKind.CLIENT if span.kind == "client" else trace.SpanKind.INTERNAL,
        instrumentation_scope=InstrumentationScope("llmops-git", __version__),
        status=status,
        start_time=span.start_ns,
        end_time=span.end_ns,
    )


def _flat(value: Any) -> Any:
    """OpenTelemetry's Python attributes are scalars and lists of one kind of them; anything else goes as JSON."""
    if isinstance(value, str | bool | int | float):
        return value
    if (
        isinstance(value, tuple | list)
        and len({type(item) for item in value}) <= 1
        and all(isinstance(item, str | bool | int | float) for item in value)
    ):
        return tuple(value)
    import json

    return json.dumps(_listed(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value
