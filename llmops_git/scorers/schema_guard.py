"""JSON Schemas of strangers: no network, patterns with a time limit, a budget for the whole validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from llmops_git.errors import LlmopsError
from llmops_git.scorers.patterns import SlowPattern, compile_pattern, search

MOST_STEPS = 100_000  # keywords looked at for one output; about a second
PATTERN_STEPS = 100  # what one search of a pattern counts for
PATTERN_SECONDS = 0.02
PAIRS_PER_STEP = 100  # comparisons of two items that cost about as much as a keyword
_DATA = {"const", "enum", "default", "examples"}  # their values are data, not schemas
_UNBOUNDED = ("unevaluatedProperties", "unevaluatedItems")

_left: ContextVar[list[int]] = ContextVar("steps left")


class _TooMuch(Exception):  # turned into a message below
    """The validation used up its steps."""


class GuardedSchema:
    """A schema (2020-12) that outputs can be held to. Raises LlmopsError where it is no schema, has a pattern that does
    not compile, or uses `unevaluated*`, whose cost cannot be bounded."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:
        try:
            # no format checker: it would hold `pattern` to Python's `re`, which is not what runs here
            Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
            prepared = _prepared(schema, data=False)
        except SchemaError as error:
            raise LlmopsError(f"the schema is wrong at {error.json_path}: {error.message[:300]}") from None
        except RecursionError:
            raise LlmopsError("the schema is nested too deeply") from None
        # an explicit registry: without one a remote `$ref` is fetched over the network
        self._validator = _GUARDED(prepared, registry=Registry())

    def first_fault(self, value: Any) -> str | None:
        """What is wrong with the value, with its place; None if nothing is. Raises LlmopsError when that is not known: the
        schema points nowhere, goes round in circles, or takes too long."""
        token = _left.set([MOST_STEPS])
        try:
            fault: ValidationError | None = next(self._validator.iter_errors(value), None)
        except (_TooMuch, SlowPattern):
            raise LlmopsError("holding the output to the schema takes too long") from None
        except RecursionError:
            raise LlmopsError("the schema goes round in circles, or the output is nested too deeply") from None
        except Unresolvable as error:
            raise LlmopsError(f"the schema refers to {error.ref!r}, which it does not contain") from None
        except LlmopsError:
            raise
        except Exception as error:  # noqa: BLE001  # a reference into data can make the validator raise anything
            raise LlmopsError(f"the schema cannot be applied: {type(error).__name__}: {error}") from None
        finally:
            _left.reset(token)
        return None if fault is None else f"{fault.json_path}: {fault.message}"


def _prepared(schema: Any, *, data: bool) -> Any:
    """A copy without `$schema`, by which a part of the schema would choose an unguarded validator. Parts that are data
    are copied alike, since a reference may point there; only their patterns need not compile."""
    if isinstance(schema, list):
        return [_prepared(each, data=data) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    for word in _UNBOUNDED:
        if word in schema:
            raise LlmopsError(f"`{word}` is not supported here", hint="use `additionalProperties` or `items: false`")
    if not data:
        _compile_patterns(schema)
    return {
        key: _prepared(value, data=data or key in _DATA)
        for key, value in schema.items()
        if not (key == "$schema" and isinstance(value, str))
    }


def _compile_patterns(schema: Mapping[str, Any]) -> None:
    keys = schema.get("patternProperties")
    for pattern in (schema.get("pattern"), *(keys if isinstance(keys, Mapping) else ())):
        if isinstance(pattern, str):
            compile_pattern(pattern)


def _spend(steps: int) -> None:
    left = _left.get()
    left[0] -= steps
    if left[0] < 0:
        raise _TooMuch


def _found(pattern: str, text: str) -> bool:
    _spend(PATTERN_STEPS)
    return search(compile_pattern(pattern), text, PATTERN_SECONDS)


Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


def _counted(keyword: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _spend(1)
        yield from keyword(validator, value, instance, schema) or ()

    return counted


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for key, value in instance.items():
                if _found(pattern, key):
                    yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [key for key in instance if key not in named and not any(_found(pattern, key) for pattern in patterns)]
    if allowed is False and extras:
        yield ValidationError(f"unknown properties: {', '.join(extras)}")
    elif allowed is not False:
        for key in extras:
            yield from validator.descend(instance[key], allowed, path=key)


def _unique_items(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    """Items are compared in pairs where they cannot be sorted."""
    if isinstance(instance, list):
        _spend(len(instance) ** 2 // PAIRS_PER_STEP)
    return _STOCK["uniqueItems"](validator, wanted, instance, schema) or ()


_OWN: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
_STOCK = cast("Mapping[str, Keyword]", Draft202012Validator.VALIDATORS)
_GUARDED: Any = cast("Any", extend)(
    Draft202012Validator, {name: _counted(_OWN.get(name, keyword)) for name, keyword in _STOCK.items()}
)
