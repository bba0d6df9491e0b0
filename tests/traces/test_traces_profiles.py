"""Export profiles: each adds its receiver's names, takes nothing away, and says nothing that was not captured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops_git.traces import attributes as names
from llmops_git.traces.profiles import PROFILES, kind_of, profile_of
from llmops_git.traces.span import Span

SHARED = {
    names.PROMPT_NAME: "router",
    names.PROMPT_VERSION: "llmops/router/v1.0.0",
    names.ENVIRONMENT: "production",
    names.USER: "u",
}


def span(operation: str, **attributes: Any) -> Span:
    return Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        name=operation,
        start_ns=1_700_000_000_000_000_000,
        end_ns=1_700_000_001_000_000_000,
        attributes={names.OPERATION: operation, **SHARED, **attributes},
    )


CHAT = span(
    names.CHAT,
    **{
        names.REQUEST_MODEL: "m", names.INPUT_TOKENS: 3, names.OUTPUT_TOKENS: 1, names.CACHED_INPUT_TOKENS: 2, names.COST_USD: 0.5,
        names.FIRST_CHUNK: 0.25, names.INPUT_MESSAGES: '[{"role":"user"}]', names.OUTPUT_MESSAGES: '[{"role":"assistant"}]',
    },
)  # fmt: skip
ROOT = span(names.INVOKE_WORKFLOW, **{f"{names.VARIABLE_PREFIX}message": "hi", names.CONVERSATION: "c-1"})
RETRIEVAL = span(
    names.RETRIEVAL, **{names.QUERY: "q", names.DOCUMENTS: ({"id": "a", "content": "t", "score": 0.5}, {"id": "b"})}
)
TOOL = span(names.EXECUTE_TOOL, **{names.TOOL_NAME: "lookup", names.TOOL_ARGUMENTS: '{"order":7}', names.TOOL_RESULT: "sent"})
GUARD = span(names.APPLY_GUARDRAIL, **{names.GUARD_RESULT: "block"})
SIGNAL = span(names.GIVE_SIGNAL, **{names.SIGNAL: "thumbs_down"})
ALL = (CHAT, ROOT, RETRIEVAL, TOOL, GUARD, SIGNAL)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("number", range(len(ALL)))
def test_a_profile_takes_nothing_away(name: str, number: int) -> None:
    given = ALL[number]
    assert given.attributes.items() <= profile_of(name)(given).items()


def test_the_plain_profile_adds_nothing() -> None:
    assert CHAT.attributes == profile_of("otel")(CHAT)


@pytest.mark.parametrize(("number", "kind"), list(enumerate(["LLM", "CHAIN", "RETRIEVER", "TOOL", "GUARDRAIL", "CHAIN"])))
def test_every_operation_has_a_kind(number: int, kind: str) -> None:
    assert kind == kind_of(ALL[number])
    assert kind == profile_of("openinference")(ALL[number])["openinference.span.kind"]


def test_openinference_says_what_went_in_and_out() -> None:
    chat, root, retrieval, tool, guard, _ = (profile_of("openinference")(one) for one in ALL)
    assert ('[{"role":"user"}]', "application/json") == (chat["input.value"], chat["input.mime_type"])
    assert ("hi", "text/plain", "c-1") == (root["input.value"], root["input.mime_type"], root["session.id"])
    assert ("m", 3, 1, 2, 0.5) == tuple(
        chat[name]
        for name in (
            "llm.model_name",
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.token_count.prompt_details.cache_read",
            "llm.cost.total",
        )
    )
    assert ("q", "a", "t", 0.5, "b") == (
        retrieval["input.value"],
        *(retrieval[f"retrieval.documents.0.document.{name}"] for name in ("id", "content", "score")),
        retrieval["retrieval.documents.1.document.id"],
    )
    assert ('{"order":7}', "sent", "lookup") == (tool["input.value"], tool["output.value"], tool["tool.name"])
    assert "block" == guard["output.value"]


def test_langfuse_gets_a_moment_and_costs() -> None:
    chat, root = (profile_of("langfuse")(one) for one in (CHAT, ROOT))
    assert "2023-11-14T22:13:20.250Z" == chat["langfuse.observation.completion_start_time"]
    assert (0.5, {"total": 0.5}) == (chat["gen_ai.usage.cost"], json.loads(chat["langfuse.observation.cost_details"]))
    assert ("generation", "llmops/router/v1.0.0") == (chat["langfuse.observation.type"], chat["langfuse.version"])
    assert ("router", "llmops/router/v1.0.0", "c-1", "u") == tuple(
        root[f"langfuse.{name}"] for name in ("trace.name", "release", "session.id", "user.id")
    )


def test_langsmith_gets_metadata() -> None:
    chat = profile_of("langsmith")(CHAT)
    assert ("llm", "router", "llmops/router/v1.0.0", 0.5) == (
        chat["langsmith.span.kind"],
        chat["langsmith.metadata.prompt_name"],
        chat["langsmith.metadata.prompt_version"],
        chat["gen_ai.usage.cost"],
    )


@pytest.mark.parametrize("name", PROFILES)
def test_what_was_not_captured_is_not_said(name: str) -> None:
    found = profile_of(name)(span(names.CHAT, **{names.REQUEST_MODEL: "m"}))
    assert not any(key.endswith(("input.value", "output.value", "cost", "completion_start_time")) for key in found)


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        profile_of("none")
