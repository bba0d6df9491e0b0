"""What a tool call gets back: the result that its case records, or the answer of a stub that the policy names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from llmops_git.configs.contracts import same
from llmops_git.configs.values import JsonObject


class Stubs(Protocol):
    """The tools that answer over the wire."""

    def call(self, name: str, arguments: Any) -> str | None:
        """The result; None where the policy names no stub for the tool. Raises ProviderError when it does not answer."""


class Recorded:
    """The results that one sample can still get: a row is used once, and the last that fits again and again."""

    def __init__(self, rows: Sequence[JsonObject] | None) -> None:
        self._rows = tuple(rows or ())
        self._used: set[int] = set()

    def take(self, name: str, arguments: Any) -> str | None:
        """The result of a call, as the model is told it; None where no row fits."""
        fitting = [number for number, row in enumerate(self._rows) if _fits(row, name, arguments)]
        if not fitting:
            return None
        number = next((number for number in fitting if number not in self._used), fitting[-1])
        self._used.add(number)
        return as_told(self._rows[number]["result"])


def as_told(result: Any) -> str:
    """A result as the text of a message: text as it is, anything else as JSON."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, sort_keys=True)


def read_arguments(written: Any) -> Any:
    """The arguments of a call: read where they are JSON, the text itself where they are not."""
    if not isinstance(written, str):
        return {} if written is None else written
    try:
        return json.loads(written) if written.strip() else {}
    except (ValueError, RecursionError):
        return written


def _fits(row: JsonObject, name: str, arguments: Any) -> bool:
    if row["name"] != name:
        return False
    wanted = row.get("arguments")
    match row.get("match", "any" if wanted is None else "exact"):
        case "any":
            return True
        case "subset":
            return _within(wanted, arguments)
        case _:
            return same(wanted, arguments)


def _within(part: Any, whole: Any) -> bool:
    """Whether each key of `part` is in `whole` with a value that holds the part's; lists and other values are equal."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(key in whole and _within(item, whole[key]) for key, item in part.items())
    return same(part, whole)
