"""What a change of a JSON Schema means to whoever relies on it: nothing, an extension, or a broken contract.

A caller *gives* the inputs of a config and *gets* its output. Asking for more, or allowing less, breaks who gives; promising
less, or sending what was not announced, breaks who gets. What cannot be told counts as broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmops_git.configs.values import Bump, Json

_ORDER: tuple[Bump, ...] = ("none", "patch", "minor", "major")
_WORDS_ONLY = frozenset(
    {"title", "description", "examples", "default", "$comment", "$schema", "$id", "deprecated", "readOnly", "writeOnly"}
)
_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
_UNDERSTOOD = frozenset({"type", "enum", "const", "properties", "required", "additionalProperties", "items", *_LOWER, *_UPPER})


def largest(bumps: Iterable[Bump]) -> Bump:
    """The largest of some bumps; `none` of none."""
    return max(bumps, key=_ORDER.index, default="none")


def same(before: Json, after: Json) -> bool:
    """Equality of JSON values: `true` is not 1, and 1 is 1.0."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(same(value, after[key]) for key, value in before.items())
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(same(one, other) for one, other in zip(before, after, strict=True))
    return bool(before == after)


def contract_bump(before: Json, after: Json, *, given: bool) -> Bump:
    """The bump that another JSON Schema asks for; `given` says that callers send the value (they get it otherwise).

    `patch` when only words for people differ. Sources: JSON Schema 2020-12, core and validation, for what each keyword allows.
    """
    return _Comparison(given=given).of(before, after)


class _Comparison:
    def __init__(self, *, given: bool) -> None:
        self._narrower: Bump = "major" if given else "minor"
        self._wider: Bump = "minor" if given else "major"
        self._given = given

    def of(self, before: Json, after: Json) -> Bump:
        if same(before, after):
            return "none"
        old, new = _object(before), _object(after)
        if old is None or new is None:  # `false` allows nothing
            return self._wider if old is None else self._narrower
        bumps = [
            self._words(old, new),
            self._types(_types(old), _types(new)),
            self._values(_values(old), _values(new)),
            self._properties(old, new),
            self._others(old, new),
            self._rest(old, new),
        ]
        bumps += [self._bound(old.get(key), new.get(key), sign=1) for key in _LOWER]
        bumps += [self._bound(old.get(key), new.get(key), sign=-1) for key in _UPPER]
        return largest(bumps)

    def _words(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Bump:
        return "none" if all(same(old.get(key), new.get(key)) for key in _WORDS_ONLY) else "patch"

    def _rest(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Bump:
        """Keywords whose effect is not worked out here."""
        keys = (old.keys() | new.keys()) - _UNDERSTOOD - _WORDS_ONLY
        return "none" if all(same(old.get(key), new.get(key)) for key in keys) else "major"

    def _types(self, old: frozenset[str], new: frozenset[str]) -> Bump:
        return largest([self._wider] * bool(new - old) + [self._narrower] * bool(old - new))

    def _values(self, old: list[Json] | None, new: list[Json] | None) -> Bump:
        if old is None or new is None:
            return "none" if old is new else self._wider if new is None else self._narrower
        added = any(not any(same(value, other) for other in old) for value in new)
        gone = any(not any(same(value, other) for other in new) for value in old)
        return largest([self._wider] * added + [self._narrower] * gone)

    def _bound(self, old: Json, new: Json, *, sign: int) -> Bump:
        """A limit of numbers, lengths or counts; `sign` is 1 for a lower limit."""
        if same(old, new):
            return "none"
        if old is None or new is None:
            return self._wider if new is None else self._narrower
        if not isinstance(old, int | float) or not isinstance(new, int | float):
            return "major"
        return self._narrower if (new - old) * sign > 0 else self._wider

    def _properties(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Bump:
        before, after = _mapping(old.get("properties")), _mapping(new.get("properties"))
        needed_before, needed_after = _names(old.get("required")), _names(new.get("required"))
        bumps: list[Bump] = ["major"] * bool(before.keys() - after.keys())
        bumps += ["major" if self._given and name in needed_after else "minor" for name in after.keys() - before.keys()]
        bumps += [self.of(before[name], after[name]) for name in before.keys() & after.keys()]
        known = (before.keys() & after.keys()) | (needed_before | needed_after) - before.keys() - after.keys()
        bumps += [self._narrower] * bool((needed_after - needed_before) & known)
        bumps += [self._wider] * bool((needed_before - needed_after) & known)
        return largest(bumps)

    def _others(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Bump:
        """Properties that are not listed, and items of lists."""
        keys = ("additionalProperties", "items")
        return largest(self.of(old.get(key, True), new.get(key, True)) for key in keys)


def _object(schema: Json) -> Mapping[str, Any] | None:
    """A schema as a mapping; None for `false`."""
    if schema is False:
        return None
    return schema if isinstance(schema, dict) else {}


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types allowed; `number` holds `integer`."""
    written = schema.get("type")
    if written is None:
        return _TYPES
    types = _names(written if isinstance(written, list) else [written])
    return types | {"integer"} if "number" in types else types


def _values(schema: Mapping[str, Any]) -> list[Json] | None:
    """The values allowed one by one; None when they are not listed."""
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _mapping(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Json) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
