"""JSON Schemas that users write: are they well formed and closed, and does a value fit, in bounded time."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
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
_MAX_STEPS = 20_000  # keywords looked at for one value; about a fifth of a second
_PATTERN_STEPS = 100  # what a search that finds nothing in time is worth, at least
_PAIRS_PER_STEP = 100  # comparisons of two items that cost about as much as a keyword
TOO_LONG = "takes too long"  # is in what is said of a value that could not be held to its schema in time
_BRACES = re.compile(r"\{[^{}]*\}")

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
_ANNOTATIONS = frozenset({"title", "description", "examples", "$comment", "$schema", "$id", "default"})


# keywords whose cost grows with what other keywords of the schema found, uncounted
UNBOUNDED = ("patternProperties", "unevaluatedProperties", "unevaluatedItems")
_steps: ContextVar[list[int]] = ContextVar("steps left")


class _TooMuch(Exception):  # turned into a problem below
    """The value needs more steps, or a pattern more time, than it may have."""


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
    """Why a value does not fit a (well formed) schema: (where, message). Bounded in time, whatever both are.

    The schema has none of `UNBOUNDED`: what jsonschema does with them cannot be counted. Its callers see to that.
    """
    found: list[tuple[Pointer, str]] = []
    token = _steps.set([_MAX_STEPS])
    try:
        for error in _validator(schema).iter_errors(value):
            found.append((tuple(error.absolute_path), message_of(error)[0]))
            if len(found) == MAX_SHOWN:
                break
    except _TooMuch as error:
        found.append(((), str(error)))
    except RecursionError:
        found.append(((), "cannot be held to its schema, which goes round in circles or is nested too deeply"))
    finally:
        _steps.reset(token)
    return found


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

    keywords: dict[str, Any] = {**Draft202012Validator.VALIDATORS, "pattern": _pattern}
    counted = {name: _counted(keyword) for name, keyword in keywords.items()}
    counted["uniqueItems"] = _unique(counted["uniqueItems"])
    return validators.extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]


def _spend(steps: int) -> None:
    left = _steps.get()
    left[0] -= steps
    if left[0] < 0:
        raise _TooMuch(f"{TOO_LONG} to hold to its schema")


def _counted(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spend(1)
        yield from keyword(validator, value, instance, schema) or ()

    return counted


def _unique(keyword: Callable[..., Any]) -> Callable[..., Any]:
    """Items are compared in pairs where they cannot be sorted."""

    def unique(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, list):
            _spend(len(instance) ** 2 // _PAIRS_PER_STEP)
        yield from keyword(validator, value, instance, schema)

    return unique


def _search(pattern: str, text: str) -> tuple[bool, str]:
    """Whether a pattern is found, and why that could not be told."""
    import regex  # type: ignore[import-untyped]

    counts = [max(map(int, re.findall(r"\d+", braces)), default=1) or 1 for braces in _BRACES.findall(pattern)]
    if len(pattern) > _MAX_PATTERN or math.prod(counts) > _MAX_REPEATS:  # `regex` writes counted repeats out
        return False, f"the pattern `{pattern[:60]}` is too large"
    try:
        return regex.search(pattern, text, timeout=_PATTERN_SECONDS) is not None, ""
    except TimeoutError:
        # not a mere mismatch: under `not` that would be a match, and cost the same time for every row
        raise _TooMuch(f"the pattern `{pattern[:60]}` {TOO_LONG}") from None
    except regex.error as error:
        return False, f"the pattern `{pattern[:60]}` is not valid: {error}"


def _pattern(_validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str):
        _spend(_PATTERN_STEPS)
        found, trouble = _search(pattern, instance)
        if not found:
            yield ValidationError(trouble or f"does not match `{pattern[:60]}`")
