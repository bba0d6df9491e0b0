"""GitHub's own API description (the slice in tests/contract) as a judge of requests and replies. Pure after loading."""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

FOLDER = Path(__file__).resolve().parent.parent / "contract"
NOTHING = object()  # "no body", which is not the same as the body `null`
_WITH_SLASHES = frozenset({"ref", "path"})
_MOST_PER_PAGE = 100
# Where GitHub says null and its description does not allow it: the head of a deleted fork, a label without description.
_NULL_TOO = (
    ("pull-request", "head", "repo"),
    ("pull-request-simple", "head", "repo"),
    ("pull-request-simple", "labels", "description"),
)
_UNDOCUMENTED = frozenset({400, 401, 403, 404, 409, 410, 415, 422, 429})  # every operation may say these, listed or not


_FORMATS = FormatChecker(formats=())
_WRITTEN = {
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:[!#$%&'()*+,./:;=?@\w~{}-]+", re.ASCII),  # with the braces of URI templates
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII),
}
for _name, _pattern in _WRITTEN.items():
    _FORMATS.checks(_name)(lambda value, _pattern=_pattern: not isinstance(value, str) or bool(_pattern.fullmatch(value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The operation that a request is for."""

    id: str
    parameters: Mapping[str, str]  # from the path, percent-decoded
    operation: Mapping[str, Any]

    def __str__(self) -> str:
        return self.id


class Contract:
    """One API description; `name` is a file of tests/contract without its ending."""

    def __init__(self, name: str = "github") -> None:
        self.document = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
        for schema, *names in _NULL_TOO:
            _allow_null(self.document["components"]["schemas"][schema], names)
        self._lenient = {"components": convert(self.document["components"])}
        self._strict = {"components": convert(self.document["components"], strict=True)}
        self._routes = _routes(self.document["paths"])
        self._validator = lru_cache(maxsize=None)(self._build)

    def match(self, method: str, path: str) -> Match | None:
        """The operation of a request, None where the slice has none. The path has no query and no /api/v3."""
        for pattern, operations in self._routes:
            found = pattern.fullmatch(path)
            if found and method.lower() in operations:
                operation = operations[method.lower()]
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(id=operation["operationId"], parameters=parameters, operation=operation)
        return None

    def request_violations(self, match: Match, query: Sequence[tuple[str, str]], body: Any = NOTHING) -> list[str]:
        """What is wrong with a request: unknown or ill-typed query keys, unknown body keys, wrong values."""
        found = [f"{match}: query `{name}`: {why}" for name, value in query if (why := self._query_fault(match, name, value))]
        described = match.operation.get("requestBody")
        if body is NOTHING:
            return found + ([f"{match}: a body is required"] if described and described.get("required") else [])
        if described is None:
            return [*found, f"{match}: takes no body"]
        schema = described["content"]["application/json"]["schema"]
        return found + self._faults(f"{match}: request body", schema, body, strict=True)

    def reply_violations(self, match: Match, status: int, body: Any = NOTHING) -> list[str]:
        """What is wrong with a reply."""
        responses = match.operation["responses"]
        if str(status) not in responses:
            return (
                [] if status in _UNDOCUMENTED or status >= 500 else [f"{match}: status {status} is not one of {[*responses]}"]
            )
        content = self.resolve(responses[str(status)]).get("content", {})
        if not content:
            return [] if body is NOTHING or status >= 300 else [f"{match}: {status} has no body"]
        if body is NOTHING:
            return [f"{match}: {status} must have a body"]
        described = content.get("application/json") or next(iter(content.values()))
        return self._faults(f"{match}: {status} reply", described["schema"], body, strict=False)

    def example(self, operation_id: str) -> Any:
        """A copy of GitHub's own example of a successful reply."""
        for operations in self.document["paths"].values():
            for operation in operations.values():
                if operation["operationId"] == operation_id:
                    return copy.deepcopy(_example(operation))
        raise KeyError(operation_id)

    def resolve(self, node: Any) -> Any:
        while "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            node = self.document["components"][kind][name]
        return node

    def schema_faults(self, name: str, value: Any, *, strict: bool = False) -> list[str]:
        """What is wrong with a value that should be a component of the description."""
        return self._faults(name, {"$ref": f"#/components/schemas/{name}"}, value, strict=strict)

    def _query_fault(self, match: Match, name: str, value: str) -> str:
        for described in map(self.resolve, match.operation.get("parameters", [])):
            if described["in"] == "query" and described["name"] == name:
                if name == "per_page" and value.isdigit() and int(value) > _MOST_PER_PAGE:
                    return f"{value} is silently cut to {_MOST_PER_PAGE}"
                return "; ".join(self._faults(value, described["schema"], _typed(described["schema"], value), strict=False))
        return "GitHub ignores it silently: this operation has no such parameter"

    def _faults(self, what: str, schema: Any, value: Any, *, strict: bool) -> list[str]:
        validator = self._validator(json.dumps(schema, sort_keys=True), strict)
        return [f"{what}: {_worst(error)}" for error in validator.iter_errors(value)]

    def _build(self, schema: str, strict: bool) -> Draft202012Validator:
        root = self._strict if strict else self._lenient
        return Draft202012Validator({"allOf": [convert(json.loads(schema), strict=strict)], **root}, format_checker=_FORMATS)


@cache
def _events() -> tuple[dict[str, Any], dict[str, Any]]:
    document = json.loads(gzip.decompress((FOLDER / "events.json.gz").read_bytes()))
    return document["events"], {"components": convert(document["components"])}


def payload_faults(name: str, payload: Any) -> list[str]:
    """What is wrong with an event payload, by GitHub's description; `name` is a file of tests/contract/payloads."""
    events, root = _events()
    validator = Draft202012Validator({"allOf": [events[name]], **root}, format_checker=_FORMATS)
    return [_worst(error) for error in validator.iter_errors(payload)]


@cache
def contract(name: str = "github") -> Contract:
    """A description, read once a process."""
    return Contract(name)


def convert(node: Any, *, strict: bool = False, names: bool = False) -> Any:
    """OpenAPI 3.0 schemas as JSON Schema 2020-12: `nullable` becomes a type. `strict` refuses keys that are not described."""
    if isinstance(node, list):
        return [convert(item, strict=strict) for item in node]
    if not isinstance(node, dict):
        return node
    maps = ("properties", "schemas", "responses", "parameters", "headers")
    new = {key: convert(value, strict=strict, names=not names and key in maps) for key, value in node.items()}
    if names:
        return new
    if strict and "properties" in new:
        new.setdefault("additionalProperties", False)
    if new.pop("nullable", False) is not True:
        return new
    if isinstance(new.get("type"), str) and "enum" not in new:
        return {**new, "type": [new["type"], "null"]}
    return {"anyOf": [new, {"type": "null"}]}


def _allow_null(schema: dict[str, Any], names: Sequence[str]) -> None:
    for name in names[:-1]:
        schema = schema["properties"][name]
        schema = schema.get("items", schema)
    schema["properties"][names[-1]] = {"allOf": [schema["properties"][names[-1]]], "nullable": True}


def _routes(paths: Mapping[str, Any]) -> list[tuple[re.Pattern[str], Any]]:
    """Patterns, the one with the most literal text first, so that `{ref}/status` wins over `{ref}`."""
    by_literal = sorted(paths.items(), key=lambda item: -len(re.sub(r"\{\w+\}", "", item[0])))
    return [(re.compile(re.sub(r"\\\{(\w+)\\\}", _group, re.escape(path))), operations) for path, operations in by_literal]


def _group(name: re.Match[str]) -> str:
    return f"(?P<{name[1]}>{'.+' if name[1] in _WITH_SLASHES else '[^/]+'})"


def _typed(schema: Mapping[str, Any], value: str) -> Any:
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _example(operation: Mapping[str, Any]) -> Any:
    for status, response in operation["responses"].items():
        if status.startswith("2") and "x-example" in response.get("content", {}).get("application/json", {}):
            return response["content"]["application/json"]["x-example"]
    raise KeyError(operation["operationId"])


def _worst(error: Any) -> str:
    error = best_match([error]) or error
    return f"{error.json_path}: {error.message[:300]}"
