"""The generateContent wire: a request as the JSON it is sent as. Pure.

Source: Google's Gemini API reference, `models.generateContent` and `models.streamGenerateContent`, v1beta.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llmops_git.providers.base import ProviderError, Request
from llmops_git.providers.google_schema import API, converted
from llmops_git.providers.messages import (
    calls_of,
    chosen_tool,
    functions_of,
    refuse,
    refuse_parameters,
    split_system,
    text_of,
)
from llmops_git.providers.wire import encoded

_MODEL = re.compile(r"(?:(?:models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._@-]{0,127}\Z")
_RESERVED = frozenset({"contents", "systemInstruction", "system_instruction", "tools", "model"})
_ABSENT = ("min_p", "repeat_penalty", "logit_bias", "verbosity", "parallel_tool_calls", "n")
_NAMES = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
# Gemini 2.5 is told how many tokens it may think, later models how hard they should (Google's table for its OpenAI endpoint)
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
_LEVELS = frozenset({"minimal", "low", "medium", "high"})
_THINKS_BY_BUDGET = re.compile(r"gemini-2\.")
# what the API asks for in place of a signature that is not there, as in calls that another model made
_NO_SIGNATURE = "skip_thought_signature_validator"


def path_of(request: Request, *, stream: bool) -> str:
    """The path of a model. Raises ProviderError where its id could lead elsewhere."""
    if not _MODEL.match(request.model):
        raise ProviderError("bad_request", f"`{request.model}` is no model id", hint="letters, digits, `-`, `_` and `.`")
    name = request.model if "/" in request.model else f"models/{request.model}"
    return f"/{name}:streamGenerateContent?alt=sse" if stream else f"/{name}:generateContent"


def body_of(request: Request) -> bytes:
    """The JSON body; `extra` parameters stand beside `contents`, and those in its `generationConfig` among ours.

    Raises ProviderError (bad_request) for what the API has no word for.
    """
    parameters = dict(request.parameters)
    extra = dict(parameters.pop("extra", None) or {})
    if taken := sorted(_RESERVED & extra.keys()):
        refuse(API, f"is told {', '.join(taken)} by llmops-git, and not by parameters")
    refuse_parameters(API, parameters, _ABSENT)
    system, others = split_system(request, API)
    body: dict[str, Any] = {"contents": _contents(others)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_function(function) for function in functions_of(request.tools)]}]
        if "tool_choice" in parameters:
            body["toolConfig"] = {"functionCallingConfig": _choice(parameters["tool_choice"])}
    configuration = {**_configuration(request, parameters), **(extra.pop("generationConfig", None) or {})}
    if configuration:
        body["generationConfig"] = configuration
    return encoded({**body, **extra})


def _configuration(request: Request, parameters: Mapping[str, Any]) -> dict[str, Any]:
    made = {ours: parameters[name] for name, ours in _NAMES.items() if name in parameters}
    if request.sample and isinstance(made.get("seed"), int):
        made["seed"] += request.sample
    most = parameters.get("max_completion_tokens") or parameters.get("max_tokens")
    if most:
        made["maxOutputTokens"] = most
    if stop := parameters.get("stop"):
        made["stopSequences"] = [stop] if isinstance(stop, str) else list(stop)
    if "reasoning_effort" in parameters:
        made["thinkingConfig"] = _thinking(request.model, parameters["reasoning_effort"])
    if request.output_schema is not None:
        made |= {"responseMimeType": "application/json", "responseSchema": converted(request.output_schema)}
    return made


def _thinking(model: str, effort: Any) -> dict[str, Any]:
    if _THINKS_BY_BUDGET.search(model) and effort in _BUDGETS:
        return {"thinkingBudget": _BUDGETS[effort]}
    if effort not in _LEVELS:
        refuse(API, f"knows no reasoning_effort `{effort}` for `{model}`", hint=f"one of {', '.join(sorted(_LEVELS))}")
    return {"thinkingLevel": effort}


def _contents(messages: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turns of the conversation. A tool's result names its function, which here only its call knows."""
    turns: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in messages:
        role = message.get("role")
        if role == "tool":
            turn = {"role": "user", "parts": [_result(message, names)]}
        elif role == "assistant":
            calls = calls_of(message, API)
            names |= {call["id"]: call["name"] for call in calls}
            turn = {"role": "model", "parts": [*_texts(message), *(_call(call, first=not n) for n, call in enumerate(calls))]}
        elif role == "user":
            turn = {"role": "user", "parts": _texts(message) or [{"text": ""}]}
        else:
            refuse(API, f"has no role `{role}`")
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["parts"].extend(turn["parts"])
        else:
            turns.append(turn)
    return turns


def _texts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = text_of(message.get("content"), API)
    return [{"text": text}] if text else []


def _call(call: Mapping[str, Any], *, first: bool) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": call["name"], "args": call["input"]}}
    if first or call["signature"]:
        part["thoughtSignature"] = call["signature"] or _NO_SIGNATURE
    return part


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    name = names.get(str(message.get("tool_call_id") or "")) or str(message.get("name") or "")
    if not name:
        refuse(
            API,
            "cannot tell which call a tool's result answers",
            hint="give the message the `tool_call_id` of a call before it",
        )
    return {"functionResponse": {"name": name, "response": {"result": text_of(message.get("content"), API)}}}


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": function["name"], "description": function.get("description") or function["name"]}
    parameters = function.get("parameters") or {}
    if parameters.get("properties"):
        made["parameters"] = converted(parameters)
    return made


def _choice(choice: Any) -> dict[str, Any]:
    if named := chosen_tool(choice):
        return {"mode": "ANY", "allowedFunctionNames": [named]}
    if not isinstance(choice, str) or choice not in _MODES:
        refuse(API, f"knows no tool_choice {choice!r}", hint="auto, none, required, or an object naming a function")
    return {"mode": _MODES[choice]}
