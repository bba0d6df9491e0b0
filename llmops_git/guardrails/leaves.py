"""The texts inside of inputs: every string of a JSON value, and the value with other strings in their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.guardrails.base import Undecided

MOST_PARTS = 10_000  # of one value: mappings, lists and what is in them


def texts_of(value: Any) -> list[str]:
    """Every string in the value, in order; names of fields are not among them. Raises Undecided where there is too much."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    _copied(value, keep)
    return found


def with_texts(value: Any, texts: list[str]) -> Any:
    """A copy of the value with `texts` in the places of those of `texts_of`."""
    left = iter(texts)
    return _copied(value, lambda _text: next(left))


def _copied(value: Any, each: Callable[[str], str]) -> Any:
    """A copy with each string replaced. Without recursion: nobody promised how deep the value is, or that it ends."""
    top = [value]
    todo: list[tuple[Any, Any]] = [(top, 0)]
    parts = 0
    while todo:
        holder, key = todo.pop()
        item = holder[key]
        parts += 1
        if parts > MOST_PARTS:
            raise Undecided(f"the inputs have more than {MOST_PARTS:,} parts")
        if isinstance(item, str):
            holder[key] = each(item)
        elif isinstance(item, Mapping):
            made: dict[Any, Any] = dict(item)
            holder[key] = made
            todo += [(made, name) for name in reversed(made)]
        elif isinstance(item, list | tuple):
            listed = list(item)
            holder[key] = listed
            todo += [(listed, place) for place in range(len(listed) - 1, -1, -1)]
    return top[0]
