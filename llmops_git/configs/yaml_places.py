"""Where each value of a YAML file is: a second pass over its events, made only when a problem has to be shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Place = tuple[int, int]
Pointer = tuple[str | int, ...]


def places(read: Callable[[], Any]) -> dict[Pointer, tuple[Place, Place]]:
    """Pointer -> (place of the key, place of the value), from the events of a file that has been parsed without errors.

    Items of a list have no key: both places are the item's. What an alias stands for is found at the alias.
    """
    from ruamel.yaml import events

    found: dict[Pointer, tuple[Place, Place]] = {}

    def walk(event: Any, pointer: Pointer, key: Place | None) -> None:
        place = _place(event)
        found[pointer] = (key or place, place)
        if isinstance(event, events.MappingStartEvent):
            while not isinstance(event := read(), events.MappingEndEvent):
                walk(read(), (*pointer, event.value), _place(event))
        elif isinstance(event, events.SequenceStartEvent):
            index = 0
            while not isinstance(event := read(), events.SequenceEndEvent):
                walk(event, (*pointer, index), None)
                index += 1

    read()  # the stream
    if isinstance(read(), events.DocumentStartEvent):
        walk(read(), (), None)
    return found


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1
