"""What a trace holds of its request; it fails closed."""

from __future__ import annotations

from typing import Any

import pytest

from llmops_git.monitoring.captured import CUT, NOT_CAPTURED, Captured, captured_in
from llmops_git.traces import attributes as names
from llmops_git.traces.content import MOST, cut
from llmops_git.traces.span import Span
from tests.commands.live_requests import live_request


def found(*arguments: Any, **given: Any) -> Captured:
    captured = captured_in(live_request(1, *arguments, **given))
    assert isinstance(captured, Captured), captured
    return captured


def test_everything_that_a_case_needs_is_found() -> None:
    captured = found(
        {"message": "hi", "count": 3, "list": ["a", {"b": None}]},
        "billing",
        documents=[{"id": "d1", "content": "text one", "score": 0.5}, {"id": "d2"}, {"id": 3, "content": "text three"}],
        tools=[("look", '{"id": 7}', "shipped"), ("odd", "not json", "?")],
        signals=[("thumbs_down", "wrong queue"), ("retry", "")],
    )
    assert {"message": "hi", "count": 3, "list": ["a", {"b": None}]} == captured.inputs
    assert ({"id": "d1", "text": "text one", "score": 0.5}, {"id": "3", "text": "text three"}) == captured.documents
    assert ({"name": "look", "arguments": {"id": 7}, "result": "shipped"}, {"name": "odd", "result": "?"}) == captured.tools
    assert ("billing", ("wrong queue",), False) == (captured.observed, captured.comments, captured.redacted)


def test_nothing_retrieved_and_no_tool_called_is_said() -> None:
    captured = found({"message": "hi"}, content="redacted")
    assert (None, None, True) == (captured.documents, captured.tools, captured.redacted)


def test_without_content_there_is_no_case() -> None:
    assert NOT_CAPTURED == captured_in(live_request(1, None))
    assert "its trace has no request at its root" == captured_in(live_request(1, {"a": "b"})[1:])
    assert {} == found({}).inputs  # a config without inputs


@pytest.mark.parametrize(
    "inputs",
    [
        {"message": cut("x" * (MOST + 5))},
        {"deep": {"list": ["…"]}},
        {"list": [0] * 200},
        {f"n{number}": 1 for number in range(200)},
    ],
)
def test_what_was_cut_is_no_case(inputs: dict[str, Any]) -> None:
    assert CUT == captured_in(live_request(1, inputs))


def test_a_cut_document_or_tool_result_is_none_either() -> None:
    long = cut("x" * (MOST + 5))
    assert CUT == captured_in(live_request(1, {"a": "b"}, documents=[{"id": "d", "content": long}]))
    assert CUT == captured_in(live_request(1, {"a": "b"}, tools=[("look", "{}", long)]))


def test_half_a_character_is_made_one_that_a_file_can_hold() -> None:
    captured = found({"message": "a\ud800b"}, "x\udfffy", signals=[("thumbs_down", "\ud83d")])
    assert ({"message": "a?b"}, ("?",)) == (captured.inputs, captured.comments)
    captured.observed.encode()


def test_hostile_attributes_raise_nothing() -> None:
    root = live_request(1, {"a": "b"})[0]
    shared: dict[str, Any] = {"trace_id": root.trace_id, "parent_id": root.span_id, "name": "x", "start_ns": 1, "end_ns": 2}
    odd = [
        Span(span_id=str(number), attributes=attributes, **shared)
        for number, attributes in enumerate(
            [
                {names.OPERATION: names.RETRIEVAL, names.DOCUMENTS: 7},
                {names.OPERATION: names.RETRIEVAL, names.DOCUMENTS: "[" * 100_000},
                {
                    names.OPERATION: names.RETRIEVAL,
                    names.DOCUMENTS: ("text", {"content": 3}, {"content": "fine", "score": True}),
                },
                {names.OPERATION: names.EXECUTE_TOOL, names.TOOL_NAME: 3, names.TOOL_RESULT: "x"},
                {names.OPERATION: names.CHAT, names.OUTPUT_MESSAGES: "no json"},
                {names.OPERATION: names.CHAT, names.OUTPUT_MESSAGES: (1, {"parts": "x"})},
                {names.OPERATION: 5},
            ]
        )
    ]
    captured = captured_in([root, *odd])
    assert isinstance(captured, Captured)
    assert ({"id": "1", "text": "fine"},) == captured.documents
