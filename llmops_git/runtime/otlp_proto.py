"""Spans as OTLP protobuf, and what a collector said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmops_git import __version__
from llmops_git.errors import LlmopsError
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import SERVICE
from llmops_git.traces.profiles import Profile, answers_of, with_answer
from llmops_git.traces.span import Span

_INT64 = 1 << 63


def require_proto() -> None:
    """Raises LlmopsError where the messages of OTLP are not installed."""
    try:
        import opentelemetry.proto.collector.trace.v1.trace_service_pb2  # noqa: F401
    except ImportError:
        raise LlmopsError("OtlpSink needs opentelemetry-proto", hint='pip install "llmops-git[otlp]"') from None


def export_request(spans: Iterable[Span], resource: Mapping[str, Any], profile: Profile) -> bytes:
    """The body of an export: all spans, under one resource."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

    spans = tuple(spans)
    answers = answers_of(spans)
    scope = ScopeSpans(
        scope=InstrumentationScope(name=SERVICE, version=__version__),
        spans=[_span(span, with_answer(profile(span), answers.get(span.span_id))) for span in spans],
    )
    whole = ResourceSpans(resource=Resource(attributes=_attributes(resource)), scope_spans=[scope])
    body: bytes = ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()
    return body


def refused_spans(content: bytes) -> tuple[int, str]:
    """How many spans a collector refused of an export that it took, and why. (0, "") where it says nothing that can be read."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        partial = ExportTraceServiceResponse.FromString(content).partial_success
    except DecodeError:
        return 0, ""
    return max(int(partial.rejected_spans), 0), str(partial.error_message)


def _span(span: Span, named: Mapping[str, Any]) -> Any:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    attributes = dict(named)
    status = None
    if span.error:
        attributes[names.ERROR_TYPE] = span.error
        status = Status(code=Status.STATUS_CODE_ERROR, message=span.error)
    return Message(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        name=span.name,
        kind=Message.SPAN_KIND_CLIENT if span.kind == "client" else Message.SPAN_KIND_INTERNAL,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_attributes(attributes),
        status=status,
    )


def _attributes(values: Mapping[str, Any]) -> list[Any]:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> Any:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value) if -_INT64 <= value < _INT64 else AnyValue(string_value=str(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=_attributes(value)))
    if isinstance(value, list | tuple):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    return AnyValue() if value is None else AnyValue(string_value=str(value))
