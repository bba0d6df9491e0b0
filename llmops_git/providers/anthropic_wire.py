"""The messages wire: a request as the JSON it is sent as. Pure.

Source: Anthropic's API reference, `POST /v1/messages`, version 2023-06-01; structured outputs: `output_config.format`, and a
tool that must be called for the models that came before it, and for schemas that it cannot hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llmops_git.providers.base import Request
from llmops_git.providers.messages import (
    calls_of,
    chosen_tool,
    functions_of,
    refuse,
    refuse_parameters,
    split_system,
    text_of,
)
from llmops_git.providers.wire import DEFAULT_OUTPUT_TOKENS, encoded, parameters_of

API = "Anthropic"
OUTPUT_TOOL = "output"
RESERVED = frozenset({"model", "messages", "system", "tools", "stream"})
_ABSENT = ("seed", "min_p", "frequency_penalty", "presence_penalty", "repeat_penalty", "logit_bias", "verbosity", "n")
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
# models from before structured outputs; whatever is not called claude is somebody else's server on this wire
_WITHOUT_FORMAT = re.compile(r"claude-(?:instant|v?[123](?:[-.]|\Z)|(?:opus|sonnet)-4(?:-0|-20250514|@20250514)?\Z)")
_HELD = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description", "title"}
    | {"default", "format", "$schema"}
)


def body_of(request: Request, *, stream: bool = False) -> bytes:
    """The JSON body. Raises ProviderError (bad_request) for what the API has no word for."""
    parameters = parameters_of(request, RESERVED)
    refuse_parameters(API, parameters, _ABSENT)
    system, others = split_system(request, API)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": _most_tokens(parameters),
        "messages": _messages(others),
    }
    if system:
        body["system"] = system
    if stop := parameters.pop("stop", None):
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    choice, parallel = parameters.pop("tool_choice", None), parameters.pop("parallel_tool_calls", None)
    effort = parameters.pop("reasoning_effort", None)
    body |= parameters
    if effort is not None:
        body |= _effort(effort, body)
    if request.tools:
        body["tools"] = [_tool(function) for function in functions_of(request.tools)]
        if choice is not None or parallel is False:
            body["tool_choice"] = _choice(choice, parallel)
    if request.output_schema is not None:
        _hold(body, request)
    if stream:
        body["stream"] = True
    return encoded(body)


def answers_by_tool(request: Request) -> bool:
    """Whether the structured output of a request comes as the call of a tool."""
    schema = request.output_schema
    if schema is None:
        return False
    return "claude" not in request.model or _WITHOUT_FORMAT.search(request.model) is not None or not _holdable(schema)


def _hold(body: dict[str, Any], request: Request) -> None:
    """Have the reply held to the schema."""
    schema = dict(request.output_schema or {})
    if not answers_by_tool(request):
        body["output_config"] = {**body.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
        return
    tool = {
        "name": OUTPUT_TOOL,
        "description": "Gives the answer. Call it once, with the whole answer.",
        "input_schema": schema,
    }
    if schema.get("type") != "object":
        refuse(API, f"holds the replies of `{request.model}` to schemas of an object only", hint="wrap the value in an object")
    if any(tool["name"] == OUTPUT_TOOL for tool in body.get("tools", ())):
        refuse(API, f"gives the answer through a tool called `{OUTPUT_TOOL}`", hint="give your own tool another name")
    own = bool(body.get("tools"))
    body["tools"] = [*body.get("tools", ()), tool]
    body["tool_choice"] = {"type": "any"} if own else {"type": "tool", "name": OUTPUT_TOOL}


def _holdable(schema: Any) -> bool:
    """Whether `output_config.format` takes a schema: closed objects, and none of the words that it does not know."""
    if isinstance(schema, bool):
        return False
    if not _HELD.issuperset(schema):
        return False
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            return False
        if not all(_holdable(value) for value in schema.get("properties", {}).values()):
            return False
    if kind == "array" and "items" not in schema:
        return False
    return all(_holdable(one) for one in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())))


def _most_tokens(parameters: dict[str, Any]) -> int:
    """`max_tokens`, which this API must be told."""
    most = parameters.pop("max_tokens", None)
    most = parameters.pop("max_completion_tokens", None) or most
    return int(most or DEFAULT_OUTPUT_TOKENS)


def _effort(effort: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if effort not in _EFFORTS:
        refuse(API, f"knows no reasoning_effort `{effort}`", hint=f"one of none, {', '.join(sorted(_EFFORTS))}")
    return {"output_config": {**body.get("output_config", {}), "effort": effort}}


def _messages(messages: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Results of tools become blocks of one user message, which follows the calls they answer."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": str(message.get("tool_call_id") or ""),
                "content": text_of(content, API),
            }
            if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                turns[-1]["content"].append(result)
            else:
                turns.append({"role": "user", "content": [result]})
        elif role in {"user", "assistant"}:
            turns.append({"role": role, "content": _content(message)})
        else:
            refuse(API, f"has no role `{role}`")
    return turns


def _content(message: Mapping[str, Any]) -> str | list[dict[str, Any]]:
    text = text_of(message.get("content"), API)
    calls = calls_of(message, API)
    if not calls:
        return text
    blocks = [{"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["input"]} for call in calls]
    return [{"type": "text", "text": text}, *blocks] if text else blocks


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    tool = {"name": function["name"], "input_schema": dict(function.get("parameters") or {"type": "object"})}
    if function.get("description"):
        tool["description"] = function["description"]
    if function.get("strict"):
        tool["strict"] = True
    return tool


def _choice(choice: Any, parallel: Any) -> dict[str, Any]:
    named = chosen_tool(choice)
    if named:
        said: dict[str, Any] = {"type": "tool", "name": named}
    elif choice is None or choice in _CHOICES:
        said = {"type": _CHOICES[choice or "auto"]}
    else:
        refuse(API, f"knows no tool_choice {choice!r}", hint="auto, none, required, or an object naming a function")
    return {**said, "disable_parallel_tool_use": True} if parallel is False and said["type"] != "none" else said
