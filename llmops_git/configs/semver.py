"""The semantic version that a change of a resolved config asks for.

major: a contract is broken (what callers send, what they get back, which tools they run). minor: another model, other
knowledge, other guards, or a contract that is extended. patch: other words, other sampling. Scores never move a version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.configs.contracts import contract_bump, largest, same
from llmops_git.configs.values import Bump, Json, JsonObject

_PARAMETERS_OF_RETRIEVAL = frozenset({"top_k"})


def bump_of(before: JsonObject, after: JsonObject) -> Bump:
    """The largest bump that any difference between two resolved configs asks for; `none` when they are equal.

    The shape of a resolved config is that of `configs.resolve`. Source of the rules: docs/commands/diff.md.
    """
    return largest(rule(before.get(name), after.get(name)) for name, rule in _RULES.items())


def _always(bump: Bump) -> Callable[[Json, Json], Bump]:
    return lambda before, after: "none" if same(before, after) else bump


def _model(before: Json, after: Json) -> Bump:
    def of(model: Json) -> tuple[Json, Json]:
        return (model or {}).get("provider"), (model or {}).get("id")

    return _always("patch")(before, after) if of(before) == of(after) else "minor"


def _inputs(before: Json, after: Json) -> Bump:
    return contract_bump(before or {}, after or {}, given=True)


def _output(before: Json, after: Json) -> Bump:
    """A reply that was free text and now keeps a schema, or the other way round, is another format."""
    if (before is None) != (after is None):
        return "major"
    return contract_bump((before or {}).get("schema", {}), (after or {}).get("schema", {}), given=False)


def _retrieval(before: Json, after: Json) -> Bump:
    def without_parameters(value: Json) -> Json:
        return {key: item for key, item in (value or {}).items() if key not in _PARAMETERS_OF_RETRIEVAL}

    if (before is None) == (after is None) and same(without_parameters(before), without_parameters(after)):
        return _always("patch")(before, after)
    return "minor"


def _tools(before: Json, after: Json) -> Bump:
    """The application runs the tools: a new one, or other arguments, it has to learn; one less it does not miss."""
    old, new = _by_name(before), _by_name(after)
    if new.keys() - old.keys() or any(_other_arguments(old[name], new[name]) for name in old.keys() & new.keys()):
        return "major"
    return "minor" if old.keys() - new.keys() else _always("patch")(before, after)


def _other_arguments(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return contract_bump(before.get("parameters", {}), after.get("parameters", {}), given=True) in ("major", "minor")


def _by_name(tools: Json) -> dict[str, Mapping[str, Any]]:
    return {tool["function"]["name"]: tool["function"] for tool in tools or ()}


_RULES: dict[str, Callable[[Json, Json], Bump]] = {
    "inputs": _inputs,
    "output": _output,
    "tools": _tools,
    "model": _model,
    "retrieval": _retrieval,
    "guardrails": _always("minor"),
    "messages": _always("patch"),
    "templates": _always("patch"),
    "max_steps": _always("patch"),
    "target": _always("minor"),
}
