"""The generateContent wire: what is sent, what cannot be said in it, and what the pieces of a reply mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops_git.providers.base import ProviderError, Request, Usage
from llmops_git.providers.google import GoogleDialect
from llmops_git.providers.google_schema import converted

DIALECT = GoogleDialect()
USER = {"role": "user", "content": "hi"}


def _request(**fields: Any) -> Request:
    return Request(**{"provider": "p", "model": "gemini-2.5-flash", "messages": (USER,), **fields})


def _body(**fields: Any) -> dict:
    return json.loads(DIALECT.body(_request(**fields), stream=False))


def _content(*parts: dict, reason: str = "STOP", **more: Any) -> bytes:
    return json.dumps({"candidates": [{"content": {"parts": parts}, "finishReason": reason}], **more}).encode()


def test_messages_become_contents_and_an_instruction() -> None:
    messages = ({"role": "system", "content": "be brief"}, USER, {"role": "assistant", "content": "hello"}, USER)
    assert _body(messages=messages) == {
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "hello"}]},
            {"role": "user", "parts": [{"text": "hi"}]},
        ],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    }


def test_parameters_get_this_apis_names_and_repeats_their_own_seed() -> None:
    parameters = {"temperature": 0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": ["a"], "seed": 7, "presence_penalty": 1}
    extra = {"safetySettings": [], "generationConfig": {"responseLogprobs": True}}
    body = _body(parameters={**parameters, "extra": extra}, sample=2)
    assert body["safetySettings"] == []
    assert body["generationConfig"] == {
        "temperature": 0,
        "topP": 0.5,
        "topK": 3,
        "maxOutputTokens": 9,
        "stopSequences": ["a"],
        "seed": 9,
        "presencePenalty": 1,
        "responseLogprobs": True,
    }


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24_576}),
        ("gemini-3.5-flash", "low", {"thinkingLevel": "low"}),
    ],
)
def test_effort_is_a_budget_or_a_level(model: str, effort: str, expected: dict) -> None:
    assert expected == _body(model=model, parameters={"reasoning_effort": effort})["generationConfig"]["thinkingConfig"]


@pytest.mark.parametrize("parameters", [{"logit_bias": {}}, {"extra": {"contents": []}}, {"reasoning_effort": "xhigh"}])
def test_what_cannot_be_said_is_refused(parameters: dict) -> None:
    with pytest.raises(ProviderError) as caught:
        _body(parameters=parameters)
    assert "bad_request" == caught.value.kind


@pytest.mark.parametrize(
    "model", ["../../v1/other", "a:delete?x=", "a/b", "a b", "", "models/../x", "x#y", "x%2fy", "x\r\nHost: y"]
)
def test_a_models_id_leads_nowhere_else(model: str) -> None:
    for stream in (True, False):
        with pytest.raises(ProviderError, match="no model id"):
            DIALECT.path(_request(model=model), stream=stream)


def test_the_path_names_the_model() -> None:
    assert "/models/gemini-2.5-flash:generateContent" == DIALECT.path(_request(), stream=False)
    assert "/tunedModels/x-1:streamGenerateContent?alt=sse" == DIALECT.path(_request(model="tunedModels/x-1"), stream=True)


def test_calls_and_their_results_name_the_function() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"id": 1}'}, "signature": "s1"},
        {"id": "c2", "name": "find", "arguments": "{}"},
    ]
    results = [{"role": "tool", "tool_call_id": f"c{number}", "content": f"r{number}"} for number in (1, 2)]
    contents = _body(messages=(USER, {"role": "assistant", "content": None, "tool_calls": calls}, *results))["contents"]
    assert contents[1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "look", "args": {"id": 1}}, "thoughtSignature": "s1"},
                {"functionCall": {"name": "find", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"result": "r1"}}},
                {"functionResponse": {"name": "find", "response": {"result": "r2"}}},
            ],
        },
    ]


def test_a_result_without_its_call_is_refused() -> None:
    with pytest.raises(ProviderError, match="which call a tool's result answers"):
        _body(messages=(USER, {"role": "tool", "tool_call_id": "c1", "content": "r"}))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ({"type": "function", "function": {"name": "look"}}, {"mode": "ANY", "allowedFunctionNames": ["look"]}),
    ],
)
def test_tools_and_their_choice_are_translated(choice: Any, expected: dict) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": schema}}
    body = _body(tools=(tool, {"name": "ping", "parameters": {"type": "object"}}), parameters={"tool_choice": choice})
    look, ping = body["tools"][0]["functionDeclarations"]
    assert look["parameters"]["properties"] == {"id": {"type": "INTEGER"}}
    assert ping == {"name": "ping", "description": "ping"}
    assert body["toolConfig"] == {"functionCallingConfig": expected}


def test_a_schema_is_converted() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"tag": {"type": "string", "maxLength": 9}},
        "type": "object",
        "additionalProperties": False,
        "required": ["queue"],
        "properties": {
            "queue": {"enum": ["billing", "other"], "description": "where to"},
            "kind": {"const": "ticket"},
            "note": {"type": ["string", "null"]},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 3},
            "score": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        },
    }
    body = _body(output_schema=schema)
    assert body["generationConfig"]["responseMimeType"] == "application/json"
    assert body["generationConfig"]["responseSchema"] == {
        "type": "OBJECT",
        "required": ["queue"],
        "propertyOrdering": ["queue", "kind", "note", "tags", "score"],
        "properties": {
            "queue": {"type": "STRING", "enum": ["billing", "other"], "description": "where to"},
            "kind": {"type": "STRING", "enum": ["ticket"]},
            "note": {"type": "STRING", "nullable": True},
            "tags": {"type": "ARRAY", "items": {"type": "STRING", "maxLength": "9"}, "maxItems": "3"},
            "score": {"nullable": True, "anyOf": [{"type": "INTEGER", "minimum": 1}]},
        },
    }


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "object", "properties": {"a": {"oneOf": []}}}, "$.properties.a.oneOf"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "$.additionalProperties"),
        ({"enum": [1, 2]}, "$.enum"),
        ({"type": ["string", "integer"]}, "$.type"),
        ({"type": "array"}, "$"),
        ({"type": "array", "items": True}, "$.items"),
        ({"type": "number", "exclusiveMinimum": 0}, "$.exclusiveMinimum"),
        ({"type": "file"}, "$.type"),
        ({}, "$"),
        ({"$ref": "#/$defs/absent"}, "$.$ref"),
        ({"$ref": "https://elsewhere"}, "$.$ref"),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"$ref": "#/$defs/x"}}}, "$"),
        ({"$defs": {"x": {"type": "array", "items": {"$ref": "#/$defs/x"}}}, "$ref": "#/$defs/x"}, "itself"),
    ],
)
def test_what_the_api_cannot_hold_a_reply_to_is_refused_with_its_place(schema: dict, place: str) -> None:
    with pytest.raises(ProviderError, match="cannot hold a reply to") as caught:
        converted(schema)
    assert ("bad_request", True) == (caught.value.kind, place in caught.value.message)


def test_tokens_of_thinking_are_part_of_the_output() -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 6, "cachedContentTokenCount": 8}
    reply = DIALECT.reply(_content({"text": "x"}, usageMetadata={**usage, "toolUsePromptTokenCount": 5}), _request())
    assert Usage(input_tokens=15, output_tokens=10, cached_input_tokens=8, reasoning_tokens=6) == reply.usage


def test_thoughts_are_no_part_of_the_answer_and_calls_keep_their_signature() -> None:
    parts = (
        {"text": "hmm", "thought": True},
        {"functionCall": {"name": "look", "args": {"id": "ü"}}, "thoughtSignature": "s"},
        {"functionCall": {"name": "find", "id": "x"}},
    )
    reply = DIALECT.reply(_content(*parts), _request())
    assert ("", "tool_calls") == (reply.text, reply.finish_reason)
    assert reply.tool_calls == (
        {"id": "call_0", "name": "look", "arguments": '{"id":"ü"}', "signature": "s"},
        {"id": "x", "name": "find", "arguments": "{}"},
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
        ("OTHER", "other"),
    ],
)
def test_finish_reasons_are_those_of_the_other_wires(reason: str, expected: str) -> None:
    assert expected == DIALECT.reply(_content({"text": "x"}, reason=reason), _request()).finish_reason
    bare = json.dumps({"candidates": [{"finishReason": reason}]}).encode()
    assert ("", expected) == (DIALECT.reply(bare, _request()).text, DIALECT.reply(bare, _request()).finish_reason)


def test_a_blocked_prompt_is_an_empty_reply() -> None:
    content = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}).encode()
    reply = DIALECT.reply(content, _request())
    assert ("", "content_filter", 3, 0) == (
        reply.text,
        reply.finish_reason,
        reply.usage.input_tokens,
        reply.usage.output_tokens,
    )


def test_refusals_say_how_long_to_wait_and_which_key_is_wrong() -> None:
    def refused(status: int, *details: dict, message: str = "no") -> Any:
        return DIALECT.refused(status, json.dumps([{"error": {"message": message, "details": details}}]).encode())

    limited = refused(429, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"})
    assert ("rate_limit", 34.5) == (limited.kind, limited.retry_after)
    assert "auth" == refused(400, {"reason": "API_KEY_INVALID"}).kind
    fit = refused(400, message="The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).")
    assert "context_length_exceeded" == fit.finish_reason
