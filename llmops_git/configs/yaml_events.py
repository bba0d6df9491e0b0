"""Where YAML events come from: libyaml when its binding is there, else ruamel's own parser (the same events, 20x slower)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def open_events(text: str) -> Callable[[], Any]:
    """A function that gives the next event of `text`; it raises ruamel's YAMLError where the text is not YAML."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return pure_events(text)
    read: Callable[[], Any] = CParser(text).get_event
    return read


def pure_events(text: str) -> Callable[[], Any]:
    """The same without libyaml."""
    from ruamel.yaml import YAML

    events = YAML(typ="safe", pure=True).parse(text)
    return lambda: next(events, None)
