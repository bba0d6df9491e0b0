"""JSON Schemas that users write: are they well formed and closed, and does a value fit, in bounded time."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmops_git.configs.schema_words import message_of, show
from llmops_git.configs.values import Json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Pointer = tuple[str | int, ...]
MAX_SHOWN = 20
_PATTERN_SECONDS = 0.1
_MAX_PATTERN = 1000
_MAX_REPEATS = 10_000

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
_ANNOTATIONS = frozenset({"title", "description", "examples", "$comment", "$schema", "$id", "default"})


def schema_problems(schema: Json) -> list[tuple[Pointer, str]]:
    """What is wrong with a schema: (where, message). References may only point inside the schema."""
    return list(_schema_problems(json.dumps(schema, sort_keys=True)))


@functools.lru_cache(maxsize=1024)
def _schema_problems(text: str) -> tuple[tuple[Pointer, str], ...]:
    """By the text of the schema: many configs of a project share one."""
    schema = json.loads(text)
    problems = [(tuple(error.absolute_path), _meta_message(error)) for error in _meta().iter_errors(schema)]
    if not problems:
        problems = list(_reference_problems(schema))
    return tuple(problems[:MAX_SHOWN])


def value_problems(schema: Mapping[str, Any], value: Json) -> list[tuple[Pointer, str]]:
    """Why a value does not fit a (well formed) schema: (where, message).

    The schema has no `patternProperties`: what jsonschema does with them has no time limit. Its callers see to that.
    """
    return [(tuple(error.absolute_path), message_of(error)[0]) for error in _validator(schema).iter_errors(value)][:MAX_SHOWN]


def uses(schema: Json, keyword: str) -> bool:
    """Whether a keyword stands anywhere in a schema."""
    return any(keyword in inner for _, inner in _schemas(schema, ()))


def _meta_message(error: ValidationError) -> str:
    if list(error.absolute_path)[-1:] == ["type"]:
        return f"{show(error.instance)} is no JSON Schema type"
    return message_of(error)[0]


def without_annotations(schema: Json) -> Json:
    """A schema without titles, descriptions, examples and comments: what it asks for, and nothing of how it reads."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Json] = {}
    for key, value in schema.items():
        if key in _ANNOTATIONS:
            continue
        if key in _MAPS and isinstance(value, dict):
            kept[key] = {name: without_annotations(inner) for name, inner in value.items()}
        elif key in _LISTS and isinstance(value, list):
            kept[key] = [without_annotations(inner) for inner in value]
        elif key in _SINGLE:
            kept[key] = without_annotations(value)
        elif key == "required" and isinstance(value, list):
            kept[key] = sorted(value)
        else:
            kept[key] = value
    if kept.get("required") == []:
        del kept["required"]
    return kept


def _reference_problems(schema: Json) -> Iterator[tuple[Pointer, str]]:
    for pointer, inner in _schemas(schema, ()):
        for key in ("$ref", "$dynamicRef"):
            target = inner.get(key)
            if not isinstance(target, str):
                continue
            if not target.startswith("#"):
                yield (*pointer, key), f"`{target[:80]}` is outside: only references inside the schema (#/…) are allowed"
            elif target.startswith("#/") and not _exists(schema, target):
                yield (*pointer, key), f"`{target[:80]}` points at nothing"


def _schemas(schema: Json, pointer: Pointer) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """A schema and all schemas inside it."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            for name, inner in value.items():
                yield from _schemas(inner, (*pointer, key, name))
        elif key in _LISTS and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _schemas(inner, (*pointer, key, index))
        elif key in _SINGLE:
            yield from _schemas(value, (*pointer, key))


def _exists(schema: Json, target: str) -> bool:
    value = schema
    for part in target[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~").replace("%25", "%")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return False
    return True


@functools.cache
def _meta() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    made: Draft202012Validator = _class()(schema, registry=_empty_registry())
    return made


@functools.cache
def _empty_registry() -> Any:
    """A registry that fetches nothing."""
    from referencing import Registry

    return Registry()


@functools.cache
def _class() -> Any:
    """The validator of draft 2020-12, its patterns run with a time limit: they, and the text, come from a pull request."""
    from jsonschema import Draft202012Validator, validators

    return validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _search(pattern: str, text: str) -> tuple[bool, str]:
    """Whether a pattern is found, and why that could not be told."""
    import regex  # type: ignore[import-untyped]

    counts = [int(count) for count in re.findall(r"\{[^{}]*?(\d{1,9})\s*\}", pattern)]
    if len(pattern) > _MAX_PATTERN or math.prod(counts) > _MAX_REPEATS:  # `regex` writes counted repeats out
        return False, f"the pattern `{pattern[:60]}` is too large"
    try:
        return regex.search(pattern, text, timeout=_PATTERN_SECONDS) is not None, ""
    except TimeoutError:
        return False, f"the pattern `{pattern[:60]}` takes too long"
    except regex.error as error:
        return False, f"the pattern `{pattern[:60]}` is not valid: {error}"


def _pattern(_validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str):
        found, trouble = _search(pattern, instance)
        if not found:
            yield ValidationError(trouble or f"does not match `{pattern[:60]}`")
