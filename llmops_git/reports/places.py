"""Where in the user's files a changed field stands: file, and line from 1 (0: somewhere in the file)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.configs.values import Change, FieldChange
from llmops_git.errors import InvalidInput
from llmops_git.reports.words import line_diff

# (path of a file, the field that changed) -> line
LineLookup = Callable[[str, FieldChange], int]
Pointer = tuple[str | int, ...]

_PART = re.compile(r"\[([0-9]+)\]|\[([^\]]*)\]|\.?([^.\[\]]+)")
_YAML = (".yaml", ".yml")
_UNRELATED = ("evaluation", "critical", "description", "owner", "scale")  # fields that reach no model


def no_lines(_path: str, _field: FieldChange) -> int:
    """For a caller that has no files at hand."""
    return 0


def lines_in(contents: Mapping[str, bytes]) -> LineLookup:
    """A lookup in the files of the head, by path: the place of the field in a config, or of its first changed text in any
    other file. Files that are not there, or that cannot be read, have no lines."""

    def line(path: str, field: FieldChange) -> int:
        data = contents.get(path)
        if data is None:
            return 0
        return line_of(data, field.path) if path.endswith(_YAML) else line_with(data, field)

    return line


def line_of(data: bytes, field: str) -> int:
    """The line of a field of a resolved config (`model.id`, `messages[0].template`) in the YAML that it came from, or of the
    nearest parent that is written there. 0 for a file that is no YAML."""
    from llmops_git.configs.yaml import parse

    try:
        file = parse(data, "")
    except InvalidInput:
        return 0
    return file.place(_written(file.value, pointer_of(field)), key=True)[0]


def line_with(data: bytes, field: FieldChange) -> int:
    """The first line of a text file that the change added: templates, schemas, tools. 0 where there is none."""
    if not isinstance(field.after, str):
        return 0
    before = field.before if isinstance(field.before, str) else ""
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    added = (piece.text for piece in line_diff(before, field.after) if piece.kind == "added" and piece.text.strip())
    return next((lines.index(text) + 1 for text in added if text in lines), 0)


def pointer_of(field: str) -> Pointer:
    """`messages[0].template` as a path of keys and positions."""
    return tuple(int(index) if index else key or word for index, key, word in _PART.findall(field))


def _written(value: Any, pointer: Pointer) -> Pointer:
    """As much of `pointer` as leads somewhere in `value`."""
    for depth, part in enumerate(pointer):
        inside = isinstance(part, str) if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if not inside or not (part in value if isinstance(value, dict) else int(part) < len(value)):
            return pointer[:depth]
        value = value[part]
    return pointer


def place_of(change: Change, lines: LineLookup) -> tuple[str, int]:
    """The file and the line by which a change is best shown: a changed text, else the field in the config where that was
    edited itself, else the first file that reached it. ("", 0) where no file is known."""
    config = _config_file(change)
    edited = [chain[0] for chain in change.because if chain] or [config]
    texts = [path for path in edited if path != config]
    fields = [field for field in change.fields if not field.path.startswith(_UNRELATED)] or list(change.fields)
    for field in fields:
        for path in (*texts, *([config] if config in edited else [])):
            line = lines(path, field)
            if line:
                return path, line
    return (config if config in edited else edited[0]), 0


def _config_file(change: Change) -> str:
    """The config's own path: chains of files end there."""
    if change.head is not None and change.head.path:
        return change.head.path
    return next((chain[-1] for chain in change.because if chain), "")
