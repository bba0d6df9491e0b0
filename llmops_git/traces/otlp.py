"""Spans as OTLP JSON and back: one TracesData object a line, as the OpenTelemetry file exporter writes it.

Ids are hex, 64-bit integers are strings, enumerations are numbers (opentelemetry-proto, `trace/v1/trace.proto`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from llmops_git import __version__
from llmops_git.errors import LlmopsError
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

SERVICE = "llmops-git"
_KINDS = {"internal": 1, "client": 3}
_STATUS_ERROR = 2
_INT64 = 1 << 63
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def to_otlp_line(spans: Iterable[Span], resource_attributes: Mapping[str, Any] | None = None) -> str:
    """One line (without its newline) that holds all `spans`. `resource_attributes` say what they come from: an evaluation
    where there are none."""
    scope = {"scope": {"name": SERVICE, "version": __version__}, "spans": [_span(span) for span in spans]}
    resource = {"attributes": _attributes(resource_attributes or {names.SERVICE_NAME: SERVICE})}
    return _ENCODER.encode({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]})


def from_otlp_line(line: str) -> tuple[Span, ...]:
    """The spans of one line, whoever wrote it. Raises LlmopsError when the line is not OTLP JSON."""
    try:
        document = json.loads(line)
        return tuple(_read_span(span) for span in _spans_of(document))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LlmopsError(f"not a line of OTLP JSON: {type(error).__name__}: {str(error)[:200]}") from None


def _spans_of(document: Any) -> Iterator[Any]:
    for resource in document["resourceSpans"]:
        for scope in resource.get("scopeSpans", ()):
            yield from scope.get("spans", ())


def _span(span: Span) -> dict[str, Any]:
    written: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
    }
    if span.parent_id:
        written["parentSpanId"] = span.parent_id
    attributes = dict(span.attributes)
    if span.error:
        attributes[names.ERROR_TYPE] = span.error
        written["status"] = {"code": _STATUS_ERROR, "message": span.error}
    if attributes:
        written["attributes"] = _attributes(attributes)
    return written


def _read_span(written: Any) -> Span:
    attributes = {item["key"]: _read_value(item.get("value", {})) for item in written.get("attributes", ())}
    error = attributes.pop(names.ERROR_TYPE, "")
    status = written.get("status", {})
    if not error and status.get("code") in {_STATUS_ERROR, "STATUS_CODE_ERROR"}:
        error = status.get("message") or "error"
    kind: Literal["internal", "client"] = "client" if written.get("kind") in {3, "SPAN_KIND_CLIENT"} else "internal"
    return Span(
        trace_id=str(written["traceId"]).lower(),
        span_id=str(written["spanId"]).lower(),
        parent_id=str(written.get("parentSpanId", "")).lower(),
        name=str(written.get("name", "")),
        kind=kind,
        start_ns=int(written["startTimeUnixNano"]),
        end_ns=int(written["endTimeUnixNano"]),
        attributes=attributes,
        error=str(error),
    )


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    kind = type(value)
    if kind is str:
        return {"stringValue": value}
    if kind is bool:
        return {"boolValue": value}
    if kind is int:
        return {"intValue": str(value)} if -_INT64 <= value < _INT64 else {"stringValue": str(value)}
    if kind is float:
        return {"doubleValue": value if math.isfinite(value) else _non_finite(value)}
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value)}}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    raise TypeError(f"a span attribute cannot be a {kind.__name__}")


def _non_finite(value: float) -> str:
    """The names that the JSON form of Protocol Buffers gives to numbers that JSON has not."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _read_value(written: Any) -> Any:
    if not written:
        return None
    kind, value = next(iter(written.items()))
    match kind:
        case "intValue":
            return int(value)
        case "doubleValue":
            return float(value)
        case "arrayValue":
            return tuple(_read_value(item) for item in value.get("values", ()))
        case "kvlistValue":
            return {item["key"]: _read_value(item.get("value", {})) for item in value.get("values", ())}
        case _:
            return value
