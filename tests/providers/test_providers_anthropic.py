"""The Anthropic wire: what is sent, and what the pieces of a message mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops_git.providers.anthropic import AnthropicDialect
from llmops_git.providers.base import ProviderError, Reply, Request, Usage

DIALECT = AnthropicDialect()
USER = {"role": "user", "content": "hi"}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}
MODEL = "claude-haiku-4-5-20251001"


def _request(**fields: Any) -> Request:
    return Request(**{"provider": "p", "model": MODEL, "messages": (USER,), **fields})


def _body(**fields: Any) -> dict:
    return json.loads(DIALECT.body(_request(**fields), stream=False))


def _message(*content: dict, reason: str = "end_turn", **usage: Any) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 4, **usage}
    return json.dumps({"type": "message", "model": MODEL, "content": content, "stop_reason": reason, "usage": usage}).encode()


def _streamed(*events: dict, request: Request) -> Reply:
    stream = DIALECT.incoming(request)
    for event in events:
        stream.take(json.dumps(event).encode())
    return stream.reply()


def test_system_messages_are_taken_out_and_a_limit_is_always_set() -> None:
    messages = ({"role": "system", "content": "be brief"}, USER, {"role": "developer", "content": "in English"})
    expected = {"model": MODEL, "max_tokens": 4096, "system": "be brief\n\nin English", "messages": [USER]}
    assert expected == _body(messages=messages)


def test_parameters_get_this_apis_names() -> None:
    parameters = {"temperature": 0, "top_k": 5, "max_tokens": 16, "stop": "\n", "reasoning_effort": "low"}
    body = _body(parameters={**parameters, "extra": {"service_tier": "standard_only"}})
    expected = {"temperature": 0, "top_k": 5, "max_tokens": 16, "stop_sequences": ["\n"], "service_tier": "standard_only"}
    assert {**expected, "model": MODEL, "messages": [USER], "output_config": {"effort": "low"}} == body


@pytest.mark.parametrize("name", ["seed", "frequency_penalty", "logit_bias", "min_p"])
def test_a_parameter_that_would_be_ignored_is_refused(name: str) -> None:
    with pytest.raises(ProviderError, match=f"no parameter `{name}`") as caught:
        _body(parameters={name: 1})
    assert ("bad_request", True) == (caught.value.kind, bool(caught.value.hint))


@pytest.mark.parametrize("name", ["system", "stream", "messages", "model"])
def test_parameters_may_not_set_what_is_not_theirs(name: str) -> None:
    with pytest.raises(ProviderError, match=f"may not set {name}"):
        _body(parameters={"extra": {name: "x"}})


def test_a_request_of_system_messages_alone_is_refused() -> None:
    with pytest.raises(ProviderError, match="needs a message that is no system message"):
        _body(messages=({"role": "system", "content": "x"},))


def test_calls_and_their_results_become_blocks() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"id": 1}'}}
    bare = {"id": "c2", "name": "find", "arguments": "{}"}
    messages = (
        USER,
        {"role": "assistant", "content": "let me see", "tool_calls": [call, bare]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
    )
    assistant, results = _body(messages=messages)["messages"][1:]
    assert assistant["content"] == [
        {"type": "text", "text": "let me see"},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"id": 1}},
        {"type": "tool_use", "id": "c2", "name": "find", "input": {}},
    ]
    assert results == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
        ],
    }


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, None),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, {"type": "tool", "name": "look"}),
    ],
)
def test_tools_and_their_choice_are_translated(parameters: dict, expected: dict | None) -> None:
    function = {"name": "look", "description": "Looks.", "parameters": OPEN}
    body = _body(tools=({"type": "function", "function": function},), parameters=parameters)
    assert body["tools"] == [{"name": "look", "description": "Looks.", "input_schema": OPEN}]
    assert expected == body.get("tool_choice")


def test_a_schema_that_the_api_can_hold_is_its_output_format() -> None:
    body = _body(output_schema=CLOSED)
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "tools" not in body


@pytest.mark.parametrize(
    ("model", "schema"),
    [(MODEL, OPEN), ("claude-3-5-haiku-20241022", CLOSED), ("claude-sonnet-4-20250514", CLOSED), ("some-local-model", CLOSED)],
)
def test_other_schemas_and_models_answer_through_a_tool(model: str, schema: dict) -> None:
    request = _request(model=model, output_schema=schema)
    body = json.loads(DIALECT.body(request, stream=False))
    assert [("output", schema)] == [(tool["name"], tool["input_schema"]) for tool in body["tools"]]
    assert body["tool_choice"] == {"type": "tool", "name": "output"}
    call = {"type": "tool_use", "id": "t1", "name": "output", "input": {"a": "grün"}}
    reply = DIALECT.reply(_message(call, reason="tool_use"), request)
    assert ('{"a":"grün"}', "stop", ()) == (reply.text, reply.finish_reason, reply.tool_calls)
    streamed = _streamed(
        {"type": "message_start", "message": {"model": model, "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {**call, "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '"grün"}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
        request=request,
    )
    assert ('{"a":"grün"}', "stop", 9) == (streamed.text, streamed.finish_reason, streamed.usage.output_tokens)


def test_a_config_with_tools_of_its_own_answers_through_one_more() -> None:
    body = _body(output_schema=OPEN, tools=({"name": "look", "parameters": {"type": "object"}},))
    assert [["look", "output"], {"type": "any"}] == [[tool["name"] for tool in body["tools"]], body["tool_choice"]]
    with pytest.raises(ProviderError, match="tool called `output`"):
        _body(output_schema=OPEN, tools=({"name": "output"},))


def test_cached_tokens_are_part_of_the_input() -> None:
    usage = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens_details": {"thinking_tokens": 3}}
    reply = DIALECT.reply(_message({"type": "text", "text": "x"}, **usage), _request())
    expected = Usage(input_tokens=130, output_tokens=4, cached_input_tokens=100, cache_write_tokens=20, reasoning_tokens=3)
    assert expected == reply.usage


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_stop_reasons_are_those_of_the_other_wires(reason: str, expected: str) -> None:
    assert expected == DIALECT.reply(_message({"type": "text", "text": "x"}, reason=reason), _request()).finish_reason


def test_thinking_is_no_part_of_the_answer() -> None:
    blocks = ({"type": "thinking", "thinking": "hmm", "signature": "s"}, {"type": "text", "text": "yes"})
    assert "yes" == DIALECT.reply(_message(*blocks), _request()).text
    stream = DIALECT.incoming(_request())
    for event in (
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hmm"}},
        {"type": "ping"},
    ):
        stream.take(json.dumps(event).encode())
    assert not stream.started


def test_parallel_calls_in_a_stream_stay_apart() -> None:
    events = [{"type": "message_start", "message": {"usage": {"input_tokens": 1}}}]
    for index, name in enumerate(("look", "find")):
        block = {"type": "tool_use", "id": f"t{index}", "name": name, "input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        if index:
            delta = {"type": "input_json_delta", "partial_json": '{"q": 1}'}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}})
    reply = _streamed(*events, request=_request())
    assert "tool_calls" == reply.finish_reason
    assert [("t0", "look", "{}"), ("t1", "find", '{"q": 1}')] == [tuple(call.values()) for call in reply.tool_calls]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", "server"),
        ("rate_limit_error", "rate_limit"),
        ("authentication_error", "auth"),
        ("new_error", "server"),
    ],
)
def test_errors_inside_a_stream_are_classified(kind: str, expected: str) -> None:
    with pytest.raises(ProviderError) as caught:
        _streamed({"type": "error", "error": {"type": kind, "message": "no"}}, request=_request())
    assert (expected, True) == (caught.value.kind, caught.value.charged)


def test_a_prompt_that_does_not_fit_is_an_empty_reply_and_no_money_is_not_worth_waiting_for() -> None:
    def refused(words: str) -> Any:
        return DIALECT.refused(400, json.dumps({"type": "error", "error": {"message": words}}).encode())

    assert "context_length_exceeded" == refused("prompt is too long: 210000 tokens > 200000 maximum").finish_reason
    assert "auth" == refused("Your credit balance is too low to access the API").kind
    assert "bad_request" == refused("messages: at least one is required").kind
