"""Reads YAML 1.2 strictly: plain JSON values, and the line and column of each of them.

The events of libyaml (through `ruamel.yaml.clib`) are built here into values by the 1.2 core schema: `no` and dates are
strings, `010` is ten, `0o10` is eight. Whatever would make a file mean something else than it seems to is refused: duplicate
keys, tags, merge keys, directives, several documents, keys that are not strings, and anchors that expand without bound.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from llmops_git.configs.text import MAX_BYTES, decode
from llmops_git.configs.values import Json
from llmops_git.configs.yaml_scalars import plain_value
from llmops_git.errors import InvalidInput, Problem

MAX_DEPTH = 64
MAX_REMEMBERED = 1 << 16  # bytes of a file that is worth remembering
MAX_SECOND_LOOK = 64 << 10  # characters; for these the second parser needs about a second
MAX_ALIASED_NODES = 10_000  # nodes that aliases may add to a file, all together

Pointer = Sequence[str | int]
Place = tuple[int, int]
OpenEvents = Callable[[str], Callable[[], Any]]

__all__ = ["MAX_ALIASED_NODES", "MAX_BYTES", "MAX_DEPTH", "YamlFile", "parse"]


class YamlFile:
    """A parsed file: `value` is the JSON value (aliased parts are shared, so never change it in place)."""

    __slots__ = ("_events", "_places", "_text", "path", "value")

    def __init__(self, path: str, value: Json, text: str, events: OpenEvents) -> None:
        self.path = path
        self.value = value
        self._text = text
        self._events = events
        self._places: dict[tuple[str | int, ...], tuple[Place, Place]] | None = None

    @property
    def text(self) -> str:
        """The file as read, for excerpts."""
        return self._text

    def events(self) -> Callable[[], Any]:
        """A second pass over the file: a function that gives its next event; marks count characters of `text`."""
        read: Callable[[], Any] = self._events(self._text)
        return read

    def place(self, pointer: Pointer, *, key: bool = False) -> Place:
        """Line and column, from 1, of the value at `pointer` (or of its key), or of the nearest parent that is there."""
        if self._places is None:
            from llmops_git.configs.yaml_places import places

            self._places = places(self._events(self._text))
        wanted = tuple(pointer)
        found = self._places.get(wanted)
        while found is None and wanted:
            wanted = wanted[:-1]
            found = self._places.get(wanted)
            key = False
        if found is None:
            return 1, 1
        return found[0] if key else found[1]


def parse(data: bytes, path: str) -> YamlFile:
    """Read one YAML document. Raises InvalidInput with the line and column of the first thing that is wrong.

    A config is parsed for its closure, again for its value, and again on the other side of a comparison: so the last files are
    remembered, and equal ones share a value.
    """
    return _remembered(data, path) if len(data) <= MAX_REMEMBERED else _parse(data, path)


@functools.lru_cache(maxsize=128)
def _remembered(data: bytes, path: str) -> YamlFile:
    return _parse(data, path)


def _parse(data: bytes, path: str) -> YamlFile:
    from llmops_git.configs import yaml_events

    text = decode(data, path)
    try:
        return _parsed(text, path, yaml_events.open_events)
    except _SyntaxProblem as error:
        if len(text) > MAX_SECOND_LOOK:
            raise
        try:
            return _parsed(text, path, yaml_events.pure_events)
        except _SyntaxProblem:
            raise error from None


def _parsed(text: str, path: str, events: OpenEvents) -> YamlFile:
    return YamlFile(path, _Builder(events(text), path).document(), text, events)


class _SyntaxProblem(InvalidInput):
    """The parser cannot read the text.

    libyaml 0.1, which the binding carries, also refuses what YAML 1.2 (7.3.3) allows and ruamel reads, as `{url: https://x}`
    and `{ask: why?}`: so a file that it cannot read gets a second look.
    """


class _Builder:
    """Turns events into values; one per file."""

    def __init__(self, read: Callable[[], Any], path: str) -> None:
        from ruamel.yaml import events
        from ruamel.yaml.error import YAMLError

        self._path = path
        self._syntax_error = YAMLError
        self._next = read
        self._scalar = events.ScalarEvent
        self._mapping = events.MappingStartEvent
        self._sequence = events.SequenceStartEvent
        self._mapping_end = events.MappingEndEvent
        self._sequence_end = events.SequenceEndEvent
        self._alias = events.AliasEvent
        self._document = events.DocumentStartEvent
        self._anchors: dict[str, tuple[Json, int, int] | None] = {}  # name -> value, nodes, depth; None while open
        self._nodes = 0
        self._aliased = 0
        self._deepest = 0

    def document(self) -> Json:
        try:
            self._next()  # the stream
            event = self._next()
            if type(event) is not self._document:
                return None  # nothing but comments
            if event.version is not None or event.tags:
                self._fail(event, "a YAML directive is not allowed", "files are always read as YAML 1.2: remove the `%` line")
            value = self._value(self._next(), 1)
            self._next()  # the document's end
            event = self._next()
            if type(event) is self._document:
                self._fail(event, "a second document starts here", "keep one document per file")
        except self._syntax_error as error:
            raise _SyntaxProblem([_syntax_problem(error, self._path)]) from None
        return value

    def _value(self, event: Any, depth: int) -> Json:
        self._nodes += 1
        kind = type(event)
        if kind is self._alias:
            return self._resolve(event, depth)
        if depth > self._deepest:
            self._deepest = depth
            if depth > MAX_DEPTH:
                self._fail(event, f"nested more than {MAX_DEPTH} levels deep")
        if event.tag is not None:
            self._fail(event, f"a tag is not allowed: {event.tag}", "quote the value if it is text")
        if event.anchor is None:
            return self._untagged(event, kind, depth)
        nodes, deepest = self._nodes, self._deepest
        self._anchors[event.anchor] = None
        self._deepest = depth
        value = self._untagged(event, kind, depth)
        self._anchors[event.anchor] = (value, self._nodes - nodes + 1, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _untagged(self, event: Any, kind: type, depth: int) -> Json:
        if kind is self._scalar:
            if event.style or not event.implicit[0]:
                return self._text(event)
            value, refusal = plain_value(event.value)
            if refusal:
                self._fail(event, refusal, f'quote it if it is text: "{event.value}"')
            return value
        if kind is self._mapping:
            return self._mapping_value(depth)
        items = []
        read = self._next
        while type(event := read()) is not self._sequence_end:
            items.append(self._value(event, depth + 1))
        return items

    def _text(self, event: Any) -> str:
        value: str = event.value
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):  # libyaml sees them itself
            self._fail(event, "found invalid Unicode character escape code: half of a surrogate pair")
        return value

    def _mapping_value(self, depth: int) -> dict[str, Json]:
        value: dict[str, Json] = {}
        read = self._next
        while type(event := read()) is not self._mapping_end:
            key = self._key(event)
            if key in value:
                self._fail(event, f"the key `{key}` is there twice", "keep one of them")
            value[key] = self._value(read(), depth + 1)
        return value

    def _key(self, event: Any) -> str:
        if type(event) is not self._scalar:
            what = "an alias" if type(event) is self._alias else "a mapping or a list"
            hint = "quote the `{{ … }}`" if type(event) is self._mapping else "write the key as plain text"
            self._fail(event, f"a key must be text, and this is {what}", hint)
        key: str = event.value
        if event.tag is not None:
            self._fail(event, f"a tag is not allowed: {event.tag}", "quote the key if it is text")
        if event.style:
            self._text(event)
        else:
            if key == "<<":
                self._fail(event, "merge keys are not YAML 1.2", "write the fields out")
            if not isinstance(plain_value(key)[0], str):
                self._fail(event, f"a key must be text, and `{key}` is not", f'quote it: "{key}"')
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, 1, 0)
        return key

    def _resolve(self, event: Any, depth: int) -> Json:
        name = event.anchor
        if name not in self._anchors:
            self._fail(event, f"the alias *{name} has no anchor before it", 'quote it if it is text: "*…"')
        anchored = self._anchors[name]
        if anchored is None:
            self._fail(event, f"the alias *{name} is inside its own anchor", "write the value out")
        value, nodes, below = anchored
        self._aliased += nodes
        self._nodes += nodes - 1
        if self._aliased > MAX_ALIASED_NODES:
            self._fail(event, f"aliases expand to more than {MAX_ALIASED_NODES} values", "write the values out")
        if depth + below > MAX_DEPTH:
            self._fail(event, f"nested more than {MAX_DEPTH} levels deep")
        self._deepest = max(self._deepest, depth + below)
        return value

    def _fail(self, event: Any, message: str, hint: str = "") -> NoReturn:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        raise InvalidInput([Problem(path=self._path, message=message, line=line, column=column, hint=hint)])


def _syntax_problem(error: Any, path: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    words = [text for text in (getattr(error, "context", None), getattr(error, "problem", None)) if text]
    message = "not valid YAML: " + (", ".join(words) or str(error))
    hint = ""
    if "cannot start any token" in message:
        hint = "quote the value; indent with spaces, not tabs"
    elif "mapping values are not allowed" in message:
        hint = 'quote a value that holds ": "'
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    return Problem(path=path, message=message, line=line, column=column, hint=hint)
