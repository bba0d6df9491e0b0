"""The three file formats of eval sets, each to rows with their lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from llmops_git.configs.case_rows import FIELDS, Row
from llmops_git.configs.json_file import loads
from llmops_git.configs.values import Json
from llmops_git.errors import InvalidInput, Problem

_INPUT = "input."
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no", ""})
_MAX_CELL = 1 << 20


def jsonl_rows(text: str, path: str, problems: list[Problem]) -> Iterator[Row]:
    """One JSON object per line; blank lines are skipped."""
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            value = loads(content)
        except json.JSONDecodeError as error:
            problems.append(Problem(path=path, line=line, column=error.colno, message=f"not valid JSON: {error.msg}"))
        except ValueError as error:
            problems.append(Problem(path=path, line=line, message=f"not valid JSON: {error}"))
        else:
            yield Row(line, value)


def yaml_rows(text: str, path: str, problems: list[Problem]) -> Iterator[Row]:
    """A list of mappings."""
    from llmops_git.configs.yaml import parse

    file = parse(text.encode(), path)
    if not isinstance(file.value, list):
        problems.append(Problem(path=path, line=1, column=1, message="an eval set is a list of rows", hint="- inputs: {…}"))
        return
    for index, value in enumerate(file.value):
        yield Row(file.place((index,))[0], value)


def csv_rows(text: str, path: str, problems: list[Problem]) -> Iterator[Row]:
    """A header, then rows. Columns: id, expected, tags (separated by `;`), must_pass, documents (JSON), cluster and so on;
    every other column, and `input.<name>`, is an input. Cells are text; an empty `expected` is none."""
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    begin = 1
    try:
        for cells in reader:
            line, begin = begin, reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = _header(cells, path, line)
            elif len(cells) != len(header):
                message = f"{len(cells)} cells, and the header has {len(header)}"
                problems.append(Problem(path=path, line=line, message=message, hint="quote cells that hold commas"))
            else:
                yield _csv_row(header, cells, path, line, problems)
    except csv.Error as error:
        problems.append(Problem(path=path, line=reader.line_num, message=f"not valid CSV: {error}"))


def _header(cells: list[str], path: str, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    for index, name in enumerate(names):
        if not name or name == _INPUT:
            raise InvalidInput([Problem(path=path, line=line, message=f"column {index + 1} has no name")])
        if _input_name(name) in map(_input_name, names[:index]):
            raise InvalidInput([Problem(path=path, line=line, message=f"the column `{name}` is there twice")])
    return names


def _input_name(column: str) -> str:
    return column if column in FIELDS or column.startswith(_INPUT) else _INPUT + column


def _csv_row(header: list[str], cells: list[str], path: str, line: int, problems: list[Problem]) -> Row:
    value: dict[str, Json] = {"inputs": {}}
    for column, cell in zip(header, cells, strict=True):
        if column not in FIELDS or column == "inputs":
            value["inputs"][_input_name(column).removeprefix(_INPUT)] = cell
        elif column == "tags":
            value["tags"] = [tag.strip() for tag in cell.split(";") if tag.strip()]
        elif column in ("must_pass", "needs_label"):
            if cell.strip().lower() not in _TRUE | _FALSE:
                message = f"must be true or false, not `{cell[:40]}`"
                problems.append(Problem(path=path, line=line, pointer=f"$.{column}", message=message))
            value[column] = cell.strip().lower() in _TRUE
        elif column in ("documents", "tools", "source"):
            if cell.strip():
                value[column] = _listed(cell, column, path, line, problems)
        elif cell:
            value[column] = cell
    return Row(line, value)


def _listed(cell: str, column: str, path: str, line: int, problems: list[Problem]) -> Json:
    try:
        return loads(cell)
    except ValueError as error:
        problems.append(Problem(path=path, line=line, pointer=f"$.{column}", message=f"not valid JSON: {error}"))
        return []
