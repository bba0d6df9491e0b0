"""Tool definitions to the one form that goes over the wire, whichever way they are written."""

from __future__ import annotations

import re
from typing import Any

from llmops_git.configs.paths import suggestion
from llmops_git.configs.schema_words import show
from llmops_git.configs.values import Json

Pointer = tuple[str | int, ...]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_FIELDS = ("name", "description", "parameters", "strict")


def resolve_tool(value: Json) -> tuple[dict[str, Any] | None, list[tuple[Pointer, str]]]:
    """{"type": "function", "function": {name, description, parameters}} of a tool, and (where, what) is wrong with it.

    Taken are that form and the bare function. Source: OpenAI's API reference, chat completions, `tools`.
    """
    inner: Pointer = ()
    if isinstance(value, dict) and value.get("type") == "function":
        inner = ("function",)
        others = [key for key in value if key not in ("type", "function")]
        if others:
            return None, [((others[0],), f"unknown key `{others[0]}`")]
        value = value.get("function")
    if not isinstance(value, dict):
        return None, [(inner, f"a tool must be a mapping with a `name`, not {show(value)}")]
    problems = [((*inner, key), message) for key, message in _problems(value)]
    if problems:
        return None, problems
    function = {key: value[key] for key in _FIELDS if key in value}
    function.setdefault("parameters", {"type": "object", "properties": {}})
    if function.get("strict") is False:
        del function["strict"]
    return {"type": "function", "function": function}, []


def _problems(tool: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    for key in tool:
        if key not in _FIELDS:
            hint = suggestion(key, _FIELDS)
            problems.append((key, f"unknown key `{key}`" + (f" ({hint})" if hint else "")))
    if not isinstance(tool.get("name"), str) or not _NAME.match(tool["name"]):
        problems.append(("name", "`name` must be up to 64 letters, digits, `_` and `-`"))
    if not isinstance(tool.get("description", ""), str):
        problems.append(("description", "must be text"))
    if not isinstance(tool.get("parameters", {}), dict):
        problems.append(("parameters", "must be a JSON Schema of an object"))
    if not isinstance(tool.get("strict", False), bool):
        problems.append(("strict", "must be true or false"))
    return problems
