"""Lines of OTLP JSON into rows, whoever wrote them: this tool, the official exporter, or a collector's file exporter.

Nothing in a line is trusted: what cannot be a span is refused with a reason, what is too much is cut, which is said. A refused
span does not take the others of its line with it.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llmops_git.monitoring.columns import KIND, NOTE, SERVER_KINDS, TEXT_COLUMN_OF, completed, resource_columns
from llmops_git.monitoring.fast_json import dumps, loads
from llmops_git.traces import attributes as names

MOST_ATTRIBUTES = 1_000  # of one span, and values of one list
MOST_TEXT = 500_000  # characters of one value
MOST_DEPTH = 24
MOST_ROW = 4 << 20  # bytes
SHORT = 2_000  # characters of a text, in a row that is longer
EARLIEST_NS = 946_684_800 * 1_000_000_000  # 2000-01-01: a clock that was never set
AHEAD_NS = 86_400 * 1_000_000_000  # how far a clock may be ahead of ours
LONGEST_NS = 366 * 86_400 * 1_000_000_000
DROPPED = "llmops.ingest.dropped"  # how many attributes were too many

_INT64 = 1 << 63
_HUGE = 1e308
_NOTHING: Mapping[str, Any] = {}
_HEX = frozenset("0123456789abcdef")
_INTERNAL = frozenset({0, 1, "SPAN_KIND_INTERNAL", "SPAN_KIND_UNSPECIFIED"})
_SNAKE = re.compile(r"_([a-z])")
_ERROR_CODES = {2, "STATUS_CODE_ERROR"}
_KIND_NAMES = {f"SPAN_KIND_{word.upper()}": number for number, word in SERVER_KINDS.items()}
_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, IndexError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A span that is not taken: why, and it alone as a line of OTLP JSON."""

    reason: str
    line: str


class NotOtlp(ValueError):
    """A line that is no OTLP JSON at all."""


def rows_of_line(line: bytes, now_ns: int) -> tuple[list[dict[str, Any]], list[Refused]]:
    """The rows of a line, and the spans that are refused. Raises NotOtlp."""
    try:
        document = loads(line)
        resources = document["resourceSpans"] if "resourceSpans" in document else camel(document)["resourceSpans"]
        groups = [(resource, *_group(resource)) for resource in resources]
    except _DAMAGED as error:
        raise NotOtlp(f"not a line of OTLP JSON: {type(error).__name__}: {str(error)[:200]}") from None
    rows: list[dict[str, Any]] = []
    refused: list[Refused] = []
    for resource, process, spans in groups:
        for span in spans:
            try:
                rows.append(_row(span, process, now_ns))
            except _DAMAGED as error:
                refused.append(Refused(reason=_reason(error), line=_alone(span, resource)))
    return rows, refused


def _group(resource: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    told = resource.get("resource") or {}
    process = resource_columns(_attributes(told.get("attributes") or ()))
    scopes = resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or ()
    return process, [span for scope in scopes for span in scope.get("spans") or ()]


def _row(written: Mapping[str, Any], process: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
    """The row of a span in a line. Raises ValueError or another error of what is damaged, whose text is the reason."""
    start = int(written["startTimeUnixNano"])
    end = int(written.get("endTimeUnixNano") or 0) or start
    if not EARLIEST_NS <= start <= now_ns + AHEAD_NS:
        raise ValueError(f"it began {'before 2000' if start < EARLIEST_NS else 'in the future'}, at {str(start)[:40]} ns")
    rest: dict[str, Any] = {}
    if not start <= end <= start + LONGEST_NS:
        rest[NOTE] = f"it ended {'before it began' if end < start else 'a year after it began'}, at {str(end)[:40]} ns"
        end = start
    parent = written.get("parentSpanId")
    name = written.get("name", "")
    row: dict[str, Any] = {
        "trace_id": _shared_id(written["traceId"], 32),
        "span_id": _id(written["spanId"], 16),
        "parent_id": "" if not parent or not parent.strip("0") else _shared_id(parent, 16),
        "name": name if type(name) is str and len(name) <= MOST_TEXT else str(name)[:MOST_TEXT],
        "start_ns": start,
        "duration_ms": (end - start) / 1e6,
    }
    others = _sorted_out(written.get("attributes") or (), row, rest)
    if (status := written.get("status")) and status.get("code") in _ERROR_CODES:
        row.setdefault("error", str(status.get("message") or "error")[:MOST_TEXT])
    if written.get("kind", 1) not in _INTERNAL:
        rest.update(_odd_kind(written["kind"], row.get("operation")))
    if "events" in written:
        others.append(("events", [_event(event) for event in written["events"][:MOST_ATTRIBUTES]]))
    if "links" in written:
        others.append(("links", [_link(link) for link in written["links"][:MOST_ATTRIBUTES]]))
    return completed(row, rest, others, process)


def _sorted_out(items: Sequence[Any], row: dict[str, Any], rest: dict[str, Any]) -> list[tuple[str, Any]]:
    """Put the texts among the attributes of a span into their columns, or into the rest; the other attributes.

    Nearly all attributes are texts, and this is where reading in spends its time.
    """
    others: list[tuple[str, Any]] = []
    column_of = TEXT_COLUMN_OF.get
    for item in items if len(items) <= MOST_ATTRIBUTES else items[:MOST_ATTRIBUTES]:
        name = item["key"]
        value = item.get("value") or _NOTHING
        if "stringValue" in value:
            text = value["stringValue"]
            if type(text) is not str or len(text) > MOST_TEXT:
                text = _value("", text, 0)
            column = column_of(name)
            if column is None or column in row:
                rest[name] = text
            else:
                row[column] = text
        elif "doubleValue" in value and type(value["doubleValue"]) is float and -_HUGE < value["doubleValue"] < _HUGE:
            others.append((name, value["doubleValue"]))
        else:
            others.append((name, _any(value, -1)))
    if len(items) > MOST_ATTRIBUTES:
        rest[DROPPED] = len(items) - MOST_ATTRIBUTES
    return others


def _id(written: Any, digits: int) -> str:
    """An id in lower-case hex; the standard JSON form of Protocol Buffers writes base64. Raises ValueError."""
    text: str = written.lower()
    if len(text) == digits and text.isalnum():
        try:
            if any(bytes.fromhex(text)):
                return text
        except ValueError:
            pass
    elif len(text) < digits and _HEX.issuperset(text) and text.strip("0"):
        return text
    if len(read := base64.b64decode(written, validate=True)) == digits // 2 and any(read):
        return read.hex()
    raise ValueError(f"its id is {written[:80]!r}")


_shared_id = lru_cache(maxsize=256)(_id)  # of traces and parents, which several spans of a line name


def trace_id_of(written: Any) -> str:
    """The id of a trace as the store has it; "" where it is none."""
    try:
        return _id(written, 32)
    except _DAMAGED:
        return ""


def _odd_kind(written: Any, operation: str | None) -> dict[str, str]:
    """The kind of a span, where its operation does not say it."""
    kind = SERVER_KINDS.get(_KIND_NAMES.get(written, written))
    expected = "client" if operation in names.BILLED or operation == names.INVOKE_AGENT else "internal"
    return {} if kind is None or kind == expected else {KIND: kind}


def _attributes(items: Sequence[Any]) -> dict[str, Any]:
    """Attributes of a process, an event or a link."""
    return {item["key"]: _any(item.get("value"), -1) for item in items[:MOST_ATTRIBUTES]}


def _value(kind: str, inner: Any, depth: int) -> Any:
    if depth > MOST_DEPTH:
        return "…"
    match kind:
        case "intValue":
            number = int(inner)
            return number if -_INT64 <= number < _INT64 else str(inner)[:MOST_TEXT]
        case "doubleValue":
            value = float(inner)
            return value if math.isfinite(value) else str(value)  # JSON has no name for these
        case "boolValue":
            return bool(inner)
        case "arrayValue":
            return tuple(_any(item, depth) for item in (inner.get("values") or ())[:MOST_ATTRIBUTES])
        case "kvlistValue":
            items = (inner.get("values") or ())[:MOST_ATTRIBUTES]
            return {str(item["key"]): _any(item.get("value"), depth) for item in items}
        case _:
            text = inner if isinstance(inner, str) else json.dumps(inner)
            return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… ({len(text) - MOST_TEXT:,} more characters)"


def _any(value: Any, depth: int) -> Any:
    if not value:
        return None
    if "stringValue" in value and type(text := value["stringValue"]) is str and len(text) <= MOST_TEXT:
        return text
    kind, inner = next(iter(value.items()))
    return _value(kind, inner, depth + 1)


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    time = str(event.get("timeUnixNano", ""))[:40]
    return {"name": str(event.get("name", "")), "time_ns": time, "attributes": _attributes(event.get("attributes") or ())}


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    ids = {"trace_id": str(link.get("traceId", ""))[:64], "span_id": str(link.get("spanId", ""))[:64]}
    return {**ids, "attributes": _attributes(link.get("attributes") or ())}


def camel(value: Any) -> Any:
    """Field names with underscores, as some write them, in the form of the standard. Attribute keys are values, and stay."""
    if isinstance(value, dict):
        return {_SNAKE.sub(lambda found: found.group(1).upper(), key): camel(inner) for key, inner in value.items()}
    return [camel(inner) for inner in value] if isinstance(value, list) else value


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    return f"{error}"[:300] if type(error) is ValueError else f"{type(error).__name__}: {error}"[:300]


def _alone(span: Any, resource: Mapping[str, Any]) -> str:
    about = {"resource": resource["resource"]} if resource.get("resource") else {}
    return json.dumps({"resourceSpans": [{**about, "scopeSpans": [{"spans": [span]}]}]}, separators=(",", ":"))


def encoded(rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """The rows as JSON, without newlines. A row that is too long loses most of its texts, and says so."""
    for row in rows:
        line = dumps(row)
        yield line if len(line) <= MOST_ROW else dumps(_shrunk(row, len(line)))


def _shrunk(row: Mapping[str, Any], size: int) -> dict[str, Any]:
    note = {NOTE: f"it took {size:,} bytes: its texts were cut to {SHORT:,} characters"}
    cut = {name: value[:SHORT] if isinstance(value, str) else value for name, value in row.items()}
    short = {name[:SHORT]: value[:SHORT] for name, value in row["attributes"].items() if isinstance(value, str)}
    return {**cut, "attributes": {**short, **note}}
