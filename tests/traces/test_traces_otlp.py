"""Spans to OTLP JSON and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.errors import LlmopsError
from llmops_git.traces.otlp import from_otlp_line, to_otlp_line
from llmops_git.traces.span import Span

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | _texts
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(_texts, inner, max_size=3)
)
_spans = st.builds(
    Span,
    trace_id=st.text("0123456789abcdef", min_size=32, max_size=32),
    span_id=st.text("0123456789abcdef", min_size=16, max_size=16),
    parent_id=st.just("") | st.text("0123456789abcdef", min_size=16, max_size=16),
    name=_texts,
    kind=st.sampled_from(["internal", "client"]),
    start_ns=st.integers(0, 2**63),
    end_ns=st.integers(0, 2**63),
    attributes=st.dictionaries(_texts.filter(lambda key: key != "error.type"), _values, max_size=4),
    error=_texts,
)


@given(st.lists(_spans, max_size=3).map(tuple))
def test_spans_come_back_from_their_line_as_they_were(spans: tuple[Span, ...]) -> None:
    line = to_otlp_line(spans)
    assert spans == from_otlp_line(line)
    assert "\n" not in line


def test_a_line_has_the_shape_of_the_otlp_file_exporter() -> None:
    span = Span(
        trace_id="ab" * 16,
        span_id="cd" * 8,
        name="chat m",
        kind="client",
        start_ns=1,
        end_ns=2,
        attributes={"n": 3, "x": 0.5, "flag": True, "list": ("a", 1)},
        error="rate_limit",
    )
    (resource,) = json.loads(to_otlp_line([span]))["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "llmops-git"}} in resource["resource"]["attributes"]
    (written,) = resource["scopeSpans"][0]["spans"]
    expected = {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "name": "chat m",
        "kind": 3,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "status": {"code": 2, "message": "rate_limit"},
        "attributes": [
            {"key": "n", "value": {"intValue": "3"}},
            {"key": "x", "value": {"doubleValue": 0.5}},
            {"key": "flag", "value": {"boolValue": True}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}},
            {"key": "error.type", "value": {"stringValue": "rate_limit"}},
        ],
    }
    assert expected == written


def test_numbers_that_json_has_not_are_written_by_their_protobuf_names() -> None:
    span = Span(
        trace_id="a", span_id="b", name="", start_ns=0, end_ns=0, attributes={"a": math.nan, "b": math.inf, "c": -math.inf}
    )
    line = to_otlp_line([span])
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    (read,) = from_otlp_line(line)
    assert math.isnan(read.attributes["a"])
    assert (math.inf, -math.inf) == (read.attributes["b"], read.attributes["c"])


def test_lines_of_other_writers_are_read() -> None:
    line = json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": "AB" * 16,
                                    "spanId": "CD" * 8,
                                    "name": "x",
                                    "kind": "SPAN_KIND_CLIENT",
                                    "startTimeUnixNano": 5,
                                    "endTimeUnixNano": "6",
                                    "status": {"code": "STATUS_CODE_ERROR"},
                                    "flags": 256,
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )
    (span,) = from_otlp_line(line)
    assert (
        span.trace_id,
        span.span_id,
        span.kind,
        span.start_ns,
        span.end_ns,
        span.error,
    ) == ("ab" * 16, "cd" * 8, "client", 5, 6, "error")


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", '{"resourceSpans": 1}', '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}']
)
def test_a_line_that_is_no_otlp_is_refused(line: str) -> None:
    with pytest.raises(LlmopsError, match="not a line of OTLP JSON"):
        from_otlp_line(line)
