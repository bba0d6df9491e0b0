"""A JSON Schema as Google's API takes it: a part of OpenAPI 3.0. What cannot be said in it is refused, not left out. Pure.

Source: Google's Gemini API reference, `Schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from llmops_git.providers.messages import refuse

API = "Google"
_TYPES = {name: name.upper() for name in ("string", "number", "integer", "boolean", "array", "object", "null")}
_SAME = ("title", "description", "format", "pattern", "minimum", "maximum", "default")
# the API writes 64-bit counts as strings
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_LEFT_OUT = frozenset({"$schema", "$id", "$comment", "$defs", "definitions", "examples", "readOnly", "writeOnly", "deprecated"})
_KNOWN = frozenset(
    {
        *_SAME,
        *_COUNTS,
        "type",
        "enum",
        "const",
        "items",
        "properties",
        "required",
        "additionalProperties",
        "anyOf",
        "$ref",
        "nullable",
    }
)
_DEPTH = 64


def converted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in the API's form. Raises ProviderError (bad_request) that names the place and the word.

    `$ref` to `$defs` is written out; `additionalProperties: false` needs no word, since only what is named can be said.
    """
    return _convert(schema, schema, "$", _DEPTH)


def _convert(schema: Any, root: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        _cannot(place, f"the schema `{str(schema).lower()}`", "give the value a type")
    if depth == 0:
        _cannot(place, "a schema that holds itself", "write the nesting out to the depth that is needed")
    if "$ref" in schema:
        others = {name: value for name, value in schema.items() if name != "$ref"}
        return _convert({**_target(schema["$ref"], root, place), **others}, root, place, depth - 1)
    for name in schema:
        if name not in _KNOWN and name not in _LEFT_OUT:
            hint = "say `anyOf`" if name == "oneOf" else f"take `{name}` out of the schema, and let a scorer check it"
            _cannot(f"{place}.{name}", f"`{name}`", hint)
    made: dict[str, Any] = {name: schema[name] for name in _SAME if name in schema}
    made |= {name: str(schema[name]) for name in _COUNTS if name in schema}
    _type(made, schema, place)
    _values(made, schema, place)
    _parts(made, schema, root, place, depth)
    return made


def _type(made: dict[str, Any], schema: Mapping[str, Any], place: str) -> None:
    said = schema.get("type")
    kinds = [said] if isinstance(said, str) else list(said or ())
    if ("null" in kinds and len(kinds) > 1) or schema.get("nullable"):
        made["nullable"] = True
        kinds = [kind for kind in kinds if kind != "null"]
    if len(kinds) > 1:
        _cannot(f"{place}.type", "several types", "say `anyOf` with one type each")
    if kinds:
        if kinds[0] not in _TYPES:
            _cannot(f"{place}.type", f"the type `{kinds[0]}`", "")
        made["type"] = _TYPES[kinds[0]]
    elif "properties" in schema:
        made["type"] = "OBJECT"
    elif "anyOf" not in schema and not ("enum" in schema or "const" in schema):
        _cannot(place, "a value of any type", "give it a `type`")


def _values(made: dict[str, Any], schema: Mapping[str, Any], place: str) -> None:
    """`enum` and `const`, which this API has for strings only."""
    if "enum" not in schema and "const" not in schema:
        return
    values = list(schema["enum"]) if "enum" in schema else [schema["const"]]
    if None in values:
        made["nullable"] = True
        values = [value for value in values if value is not None]
    if not values or not all(isinstance(value, str) for value in values):
        _cannot(f"{place}.enum", "values that are no strings", "list them as strings, or bound a number by minimum and maximum")
    made |= {"type": "STRING", "enum": values}


def _parts(made: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], place: str, depth: int) -> None:
    if schema.get("additionalProperties", False) is not False:
        _cannot(
            f"{place}.additionalProperties", "properties without a name", "name them, or make it an array of name and value"
        )
    if "properties" in schema:
        made["properties"] = {
            name: _convert(value, root, f"{place}.properties.{name}", depth - 1) for name, value in schema["properties"].items()
        }
        made["propertyOrdering"] = list(schema["properties"])
    if "required" in schema:
        made["required"] = list(schema["required"])
    if "items" in schema:
        made["items"] = _convert(schema["items"], root, f"{place}.items", depth - 1)
    elif made.get("type") == "ARRAY":
        _cannot(place, "an array of anything", "give it `items`")
    if "anyOf" in schema:
        options = [one for one in schema["anyOf"] if one != {"type": "null"}]
        if len(options) < len(schema["anyOf"]):
            made["nullable"] = True
        made["anyOf"] = [_convert(one, root, f"{place}.anyOf", depth - 1) for one in options]


def _target(reference: Any, root: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """What a reference inside the schema points to."""
    target: Any = root
    names = reference[2:].split("/") if isinstance(reference, str) and reference.startswith("#/") else [""]
    for name in names:
        target = target.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
    if not isinstance(target, Mapping):
        _cannot(f"{place}.$ref", f"the reference `{reference}`", "refer to something under `#/$defs/`")
    return target


def _cannot(place: str, what: str, hint: str) -> NoReturn:
    refuse(API, f"cannot hold a reply to {what} ({place})", hint=hint)
