"""The semantic-version bump between two resolved configs: what a change means for those who call the config. Pure.

MAJOR breaks the contract with the caller (inputs, output, tools that the caller executes), MINOR changes the instrument
(model, retrieval, guardrails) or adds to the contract, PATCH changes text or sampling under the same contract. A schema
change that these rules do not understand counts as a broken contract.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops_git.configs.values import Bump, Json, JsonObject

ORDER: tuple[Bump, ...] = ("none", "patch", "minor", "major")
_OBJECT_KEYS = {"type", "properties", "required", "additionalProperties"}
_SCALAR_KEYS = {"type", "enum"}


def largest(bumps: Iterator[Bump]) -> Bump:
    """The largest of some bumps; "none" when there are none."""
    return max(bumps, key=ORDER.index, default="none")


def bump_of(before: JsonObject, after: JsonObject) -> Bump:
    """The bump from one resolved config to another (`Config.resolved` of both sides)."""
    return largest(_bumps(before, after))


def _bumps(before: JsonObject, after: JsonObject) -> Iterator[Bump]:
    yield input_bump(before.get("inputs"), after.get("inputs"))
    yield output_bump(before.get("output"), after.get("output"))
    yield _tools_bump(before.get("tools") or [], after.get("tools") or [])
    yield _model_bump(before.get("model") or {}, after.get("model") or {})
    yield _retrieval_bump(before.get("retrieval"), after.get("retrieval"))
    if before.get("guardrails") != after.get("guardrails"):
        yield "minor"
    if any(before.get(key) != after.get(key) for key in ("messages", "templates", "max_steps")):
        yield "patch"


def input_bump(before: Json, after: Json) -> Bump:
    """The bump between two schemas of what callers pass in: accepting less breaks them, accepting more does not."""
    return "none" if before == after else largest(_schema_bumps(before, after, caller_gives=True))


def output_bump(before: Json, after: Json) -> Bump:
    """The bump between two output sections: promising less breaks callers, promising more does not."""
    if before == after:
        return "none"
    if not before or not after:
        return "major"  # the format of the reply itself changes
    return largest(_schema_bumps(before.get("schema"), after.get("schema"), caller_gives=False))


def _schema_bumps(before: Json, after: Json, *, caller_gives: bool) -> Iterator[Bump]:
    if before == after:
        return
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield "major"
    elif before.get("type") == after.get("type") == "object":
        yield from _object_bumps(before, after, caller_gives=caller_gives)
    elif before.get("type") == after.get("type") == "array" and _others(before, after) <= {"items"}:
        yield from _schema_bumps(before.get("items", True), after.get("items", True), caller_gives=caller_gives)
    elif _others(before, after) <= _SCALAR_KEYS:
        yield from _scalar_bumps(before, after, caller_gives=caller_gives)
    else:
        yield "major"


def _object_bumps(before: JsonObject, after: JsonObject, *, caller_gives: bool) -> Iterator[Bump]:
    if not _others(before, after) <= _OBJECT_KEYS:
        yield "major"
        return
    old, new = before.get("properties") or {}, after.get("properties") or {}
    required_before, required_after = set(before.get("required") or ()), set(after.get("required") or ())
    if set(old) - set(new):
        yield "major"
    if set(new) - set(old):
        yield "minor"
    for name in set(old) & set(new):
        yield from _schema_bumps(old[name], new[name], caller_gives=caller_gives)
    stricter, looser = required_after - required_before, required_before - required_after
    breaking, harmless = (stricter, looser) if caller_gives else (looser, stricter)
    if breaking:
        yield "major"
    if harmless:
        yield "minor"
    if before.get("additionalProperties", True) != after.get("additionalProperties", True):
        closed = after.get("additionalProperties", True) is False
        opened = before.get("additionalProperties", True) is False
        yield "minor" if (opened and caller_gives) or (closed and not caller_gives) else "major"


def _scalar_bumps(before: JsonObject, after: JsonObject, *, caller_gives: bool) -> Iterator[Bump]:
    """Types and enumerations as sets of what is allowed: callers break when inputs shrink or outputs grow."""
    for key, read in (("type", _types), ("enum", _values)):
        old, new = read(before.get(key)), read(after.get(key))
        if old == new:
            continue
        shrinks = old is None or (new is not None and new < old)
        grows = new is None or (old is not None and old < new)
        yield "minor" if (grows if caller_gives else shrinks) else "major"


def _types(value: Json) -> frozenset[str] | None:
    """The set of types a keyword allows; None allows all. A number may be an integer."""
    if value is None:
        return None
    found = {value} if isinstance(value, str) else set(value)
    return frozenset(found | {"integer"} if "number" in found else found)


def _values(value: Json) -> frozenset[str] | None:
    return None if value is None else frozenset(repr(item) for item in value)


def _others(before: JsonObject, after: JsonObject) -> set[str]:
    """The keywords that differ."""
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def _tools_bump(before: list[Json], after: list[Json]) -> Bump:
    """Whoever calls the config executes the tools: a new one, or new arguments, must be known there."""
    old, new = {_tool_name(tool): tool for tool in before}, {_tool_name(tool): tool for tool in after}
    if set(new) - set(old) or any(_contract(old[name]) != _contract(new[name]) for name in set(old) & set(new)):
        return "major"
    if set(old) - set(new):
        return "minor"
    return "none" if before == after else "patch"


def _tool_name(tool: Json) -> str:
    return str(_function(tool).get("name", tool))


def _contract(tool: Json) -> Json:
    return {key: value for key, value in _function(tool).items() if key != "description"}


def _function(tool: Json) -> JsonObject:
    if not isinstance(tool, dict):
        return {}
    inner = tool.get("function")
    return inner if isinstance(inner, dict) else tool


def _model_bump(before: JsonObject, after: JsonObject) -> Bump:
    if any(before.get(key) != after.get(key) for key in ("provider", "id")):
        return "minor"
    return "none" if before == after else "patch"


def _retrieval_bump(before: Json, after: Json) -> Bump:
    if before == after:
        return "none"
    if not before or not after:
        return "minor"
    return "patch" if _others(before, after) <= {"top_k"} else "minor"
