"""A config file being resolved: its values, the contents of the files it names, and the problems found on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmops_git.configs.paths import join
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.values import Dependency, Json, Role
from llmops_git.configs.yaml import YamlFile, parse
from llmops_git.errors import InvalidInput, Problem, Severity

Pointer = Sequence[str | int]


class Source:
    """One config file. `contents` holds every file of its closure by path."""

    def __init__(self, file: YamlFile, dependencies: Sequence[Dependency], contents: Mapping[str, bytes]) -> None:
        self.path = file.path
        self.file = file
        self.value: dict[str, Json] = file.value
        self.dependencies = dependencies
        self.contents = contents
        self.problems: list[Problem] = []

    def add(
        self,
        pointer: Pointer,
        message: str,
        hint: str = "",
        *,
        line_in_value: int = 0,
        key: bool = False,
        severity: Severity = "error",
    ) -> None:
        """A problem with a field; `line_in_value` counts from 1 inside a text that begins there."""
        line, column = self.file.place(pointer, key=key)
        if line_in_value:
            line, column = self._line_of(line, column, line_in_value), 0
        where = pointer_text(pointer)
        self.problems.append(
            Problem(path=self.path, message=message, line=line, column=column, pointer=where, hint=hint, severity=severity)
        )

    def add_to(self, path: str, line: int, message: str, hint: str = "", *, severity: Severity = "error") -> None:
        """A problem with a file that the config names."""
        self.problems.append(Problem(path=path, line=line, message=message, hint=hint, severity=severity))

    def target(self, reference: str, via: str = "") -> str:
        """The path that a reference means; "" when it means nothing in the closure (which says so itself)."""
        try:
            path = join(via or self.path, reference)
        except ValueError:
            return ""
        return path if path in self.contents else ""

    def files(self, role: Role) -> list[Dependency]:
        """The files that the config itself names in a role, sorted by path."""
        return [item for item in self.dependencies if item.role == role and item.via == self.path]

    def parsed(self, value: Json, read: Callable[[bytes, str], Json]) -> tuple[Json, str] | None:
        """A value that is written here or in a file: it, and its file ("" for here). None when there is none to read."""
        if not isinstance(value, str):
            return value, ""
        path = self.target(value)
        if not path:
            return None
        try:
            return read(self.contents[path], path), path
        except InvalidInput as error:
            self.problems.extend(error.problems)
            return None

    def blame(self, pointer: Pointer, path: str, inner: Pointer, message: str) -> None:
        """A problem inside a value of `parsed`: at its place here, or in its file."""
        if not path:
            self.add([*pointer, *inner], message)
            return
        try:
            line, column = parse(self.contents[path], path).place(inner)  # JSON is YAML
        except InvalidInput:
            line, column = 0, 0
        self.problems.append(Problem(path=path, message=message, line=line, column=column, pointer=pointer_text(inner)))

    def get(self, *keys: str) -> Any:
        """A nested value, or None."""
        value: Any = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _line_of(self, line: int, column: int, inside: int) -> int:
        lines = self.file.text.split("\n")
        block = line <= len(lines) and lines[line - 1][column - 1 : column] in ("|", ">")
        return line + inside - 1 + block


def read_data(data: bytes, path: str) -> Json:
    """The value of a JSON or YAML file. Raises InvalidInput."""
    if path.endswith((".yaml", ".yml")):
        return parse(data, path).value
    from llmops_git.configs.json_file import parse_json

    return parse_json(data, path)
