"""Tool calls held against expected ones: which match, in any order or in the same one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmops_git.scorers.exact import same_json

Arguments = Literal["exact", "subset", "ignore"]
Fits = Callable[[int, int], bool]  # (expected, made)
MOST_CALLS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `arguments` is None where they do not matter; what was no JSON stays text."""

    name: str
    arguments: Any = None


def expected_calls(expected: Any) -> tuple[Call, ...] | None:
    """The calls that a case expects: a list of names or of {"name", "arguments"?}, as such or under `tool_calls`. None
    where it is no such list."""
    if isinstance(expected, Mapping):
        expected = expected.get("tool_calls")
    if not isinstance(expected, list) or len(expected) > MOST_CALLS:
        return None
    calls = [Call(name=item) if isinstance(item, str) else _call(item) for item in expected]
    return None if None in calls else tuple(call for call in calls if call is not None)


def made_calls(calls: Sequence[Mapping[str, Any]]) -> tuple[Call, ...]:
    """The calls of a sample. Arguments that came as text are read as JSON where they are that."""
    return tuple(Call(name=str(call.get("name", "")), arguments=_read(call.get("arguments"))) for call in calls)


def fits(expected: Call, made: Call, arguments: Arguments) -> bool:
    """Whether a call is the expected one."""
    if expected.name != made.name:
        return False
    if expected.arguments is None or arguments == "ignore":
        return True
    if arguments == "exact":
        return same_json(expected.arguments, made.arguments)
    return _within(expected.arguments, made.arguments)


def matched(expected: Sequence[Call], made: Sequence[Call], arguments: Arguments, *, ordered: bool) -> int:
    """How many calls can be matched one to one; `ordered` keeps both sequences' order."""
    table = [[fits(wanted, call, arguments) for call in made] for wanted in expected]
    return _longest(table, len(made)) if ordered else _most(table, len(made))


def _call(item: Any) -> Call | None:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        return None
    return Call(name=item["name"], arguments=item.get("arguments"))


def _read(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return {} if arguments is None else arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return arguments


def _within(part: Any, whole: Any) -> bool:
    """Whether each key of `part` is in `whole` with a value that holds the part's; lists and other values are equal."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(key in whole and _within(item, whole[key]) for key, item in part.items())
    return same_json(part, whole)


def _longest(table: Sequence[Sequence[bool]], made: int) -> int:
    """The longest common subsequence."""
    row = [0] * (made + 1)
    for fitting in table:
        before = row
        row = [0]
        for index, fit in enumerate(fitting):
            row.append(before[index] + 1 if fit else max(before[index + 1], row[index]))
    return row[-1]


def _most(table: Sequence[Sequence[bool]], made: int) -> int:
    """The greatest matching of expected to made calls, by augmenting paths."""
    taken: list[int | None] = [None] * made

    def place(wanted: int, seen: set[int]) -> bool:
        for index, fit in enumerate(table[wanted]):
            if fit and index not in seen:
                seen.add(index)
                holder = taken[index]
                if holder is None or place(holder, seen):
                    taken[index] = wanted
                    return True
        return False

    return sum(place(wanted, set()) for wanted in range(len(table)))
