"""Reads JSON files strictly: one value, no duplicate keys, nothing that JSON cannot carry exactly."""

from __future__ import annotations

import json
from typing import NoReturn

from llmops_git.configs.text import MAX_BYTES, decode
from llmops_git.configs.values import Json
from llmops_git.configs.yaml_scalars import MAX_INTEGER
from llmops_git.errors import InvalidInput, Problem

_MAX_DIGITS = 20
_MAX_DEPTH = 64


def parse_json(data: bytes, path: str) -> Json:
    """The value of a JSON file. Raises InvalidInput with the line and column."""
    text = decode(data, path, limit=MAX_BYTES)
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}"
        raise InvalidInput([Problem(path=path, message=message, line=error.lineno, column=error.colno)]) from None
    except ValueError as error:
        raise InvalidInput([Problem(path=path, message=f"not valid JSON: {error}", line=1)]) from None


def loads(text: str) -> Json:
    """`json.loads`, strict. Raises ValueError (JSONDecodeError with a place, where there is one)."""
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError(f"nested more than {_MAX_DEPTH} levels deep") from None
    if "\\u" in text:
        _refuse_surrogates(value)
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        _refuse_depth(value)
    return value


def _refuse_surrogates(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair (\\ud800 to \\udfff)") from None


def _refuse_depth(value: Json) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [
            item
            for part in level
            if isinstance(part, list | dict)
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {_MAX_DEPTH} levels deep")


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key `{twice}` is there twice")
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS or abs(number := int(text)) > MAX_INTEGER:
        raise ValueError(f"an integer beyond {MAX_INTEGER} is not exact in JSON: quote it")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not abs(number) <= MAX_INTEGER:
        raise ValueError(f"a number beyond {MAX_INTEGER} is not exact in JSON: quote it")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant)
