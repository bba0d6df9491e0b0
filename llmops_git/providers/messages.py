"""Messages as configs have them (OpenAI's form), taken apart for the wires that have another. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from llmops_git.providers.base import ProviderError, Request

SYSTEM_ROLES = frozenset({"system", "developer"})


def refuse(api: str, message: str, *, hint: str = "") -> NoReturn:
    """Raises the error of a request that an API cannot express."""
    raise ProviderError("bad_request", f"the {api} API {message}", hint=hint)


def refuse_parameters(api: str, parameters: Mapping[str, Any], absent: Iterable[str]) -> None:
    """Raises ProviderError where one of the parameters would be ignored or refused."""
    for name in sorted(set(absent) & parameters.keys()):
        refuse(api, f"has no parameter `{name}`", hint=f"take `{name}` out of the config's parameters")


def split_system(request: Request, api: str) -> tuple[str, list[Mapping[str, Any]]]:
    """(the text of all system messages, the others). Raises ProviderError where no other is left."""
    system = [text_of(message.get("content"), api) for message in request.messages if message.get("role") in SYSTEM_ROLES]
    others = [message for message in request.messages if message.get("role") not in SYSTEM_ROLES]
    if not others:
        refuse(api, "needs a message that is no system message", hint="give the config a message with `role: user`")
    return "\n\n".join(text for text in system if text), others


def text_of(content: Any, api: str) -> str:
    """The text of a message: a string, nothing, or a list of text parts. Raises ProviderError for other parts."""
    if isinstance(content, str) or content is None:
        return content or ""
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        return "".join(str(part.get("text", "")) for part in content)
    refuse(api, "is asked with messages of text only")


def calls_of(message: Mapping[str, Any], api: str) -> list[dict[str, Any]]:
    """The tool calls of an assistant's message, in OpenAI's form or bare, as {"id", "name", "input", "signature"}."""
    calls: list[dict[str, Any]] = []
    for call in message.get("tool_calls") or ():
        function = call.get("function") or call
        calls.append(
            {
                "id": str(call.get("id") or f"call_{len(calls)}"),
                "name": str(function.get("name") or ""),
                "input": _arguments(function.get("arguments"), api),
                "signature": str(call.get("signature") or ""),
            }
        )
    return calls


def _arguments(said: Any, api: str) -> dict[str, Any]:
    if isinstance(said, Mapping):
        return dict(said)
    try:
        value = json.loads(said or "{}")
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        refuse(api, "takes back tool calls only with a JSON object as arguments")
    return value


def functions_of(tools: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The bare functions of tool definitions: {"name", "description", "parameters", "strict"}."""
    return [tool.get("function", tool) for tool in tools]


def chosen_tool(choice: Any) -> str:
    """The tool that a `tool_choice` names; "" where it names none."""
    if not isinstance(choice, Mapping):
        return ""
    function = choice.get("function")
    return str((function if isinstance(function, Mapping) else choice).get("name") or "")


def written(value: Any) -> str:
    """The JSON text of what an API hands over as a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
