"""Holds files to the published JSON Schemas (2020-12) and says what is wrong in words, with places, all at once."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from llmops_git.configs.paths import suggestion
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.schema_words import message_of
from llmops_git.errors import Problem

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from llmops_git.configs.yaml import YamlFile

Kind = Literal["config", "judge", "policy", "case", "prices", "retirements", "guardrail", "monitor"]
SCHEMA_BASE = "https://llmops-git.dev/schemas"
MAX_KNOWN = 12  # keys listed in a hint


@functools.cache
def load_schema(name: str) -> Mapping[str, Any]:
    """The published schema `<name>.schema.json`: from the installed package, or from the checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "schemas", package.parent / "schemas"):
        file = folder / f"{name}.schema.json"
        if file.is_file():
            schema: Mapping[str, Any] = json.loads(file.read_bytes())
            return schema
    raise FileNotFoundError(f"{name}.schema.json is missing from the installation")


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """The one validator of a published schema in this process; the schema itself is checked by a test."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema(name))


def problems_of(kind: Kind, file: YamlFile, path: str) -> list[Problem]:
    """Everything in `file` that its schema does not allow, in the order of the file."""
    errors = validator("config" if kind == "judge" else kind).iter_errors(file.value)
    problems = [problem for error in errors for problem in _problems(error, file, path)]
    if kind == "judge" and isinstance(file.value, dict) and file.value.get("kind") != "judge":
        problems.append(Problem(path=path, message="is not a judge", line=1, column=1, hint="write `kind: judge` into it"))
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column, problem.pointer))


def _problems(error: ValidationError, file: YamlFile, path: str) -> Iterable[Problem]:
    place = list(error.absolute_path)
    instance: Any = error.instance
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        properties = error.schema["properties"]
        known = [key for key, schema in properties.items() if not _forbidden(schema)]
        for key in instance:
            if key not in properties:
                hint = suggestion(key, known) or _list(known)
                yield _problem(file, path, [*place, key], f"unknown key `{key}`", hint, key=True)
        return
    if "propertyNames" in error.absolute_schema_path:
        yield _problem(file, path, [*place, instance], f"the key `{instance}` {message_of(error)[0]}", "", key=True)
        return
    message, hint = message_of(error)
    forbidden_key = error.validator == "not"
    yield _problem(file, path, place, message, hint, key=forbidden_key)


def _problem(file: YamlFile, path: str, pointer: list[str | int], message: str, hint: str, *, key: bool) -> Problem:
    line, column = file.place(pointer, key=key)
    return Problem(path=path, message=message, line=line, column=column, pointer=pointer_text(pointer), hint=hint)


def _forbidden(schema: Any) -> bool:
    return isinstance(schema, dict) and "not" in schema


def _list(known: list[str]) -> str:
    if not known:
        return "there are no keys here"
    return f"known keys: {', '.join(known)}" if len(known) <= MAX_KNOWN else ""
