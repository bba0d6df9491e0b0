"""Reads eval sets: .jsonl, .csv and .yaml files of rows, every problem with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.case_rows import Row, to_case
from llmops_git.configs.text import decode
from llmops_git.configs.values import Case
from llmops_git.errors import InvalidInput, Problem

MAX_BYTES = 64 << 20
MAX_PROBLEMS = 100  # per file; the rest is counted

Reader = Callable[[str, str, list[Problem]], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The rows of one file: `lines[i]` is where `cases[i]` begins. With problems, bad rows are left out."""

    path: str
    cases: tuple[Case, ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]


def parse_cases(path: str, data: bytes) -> tuple[list[Case], list[Problem]]:
    """The cases of an eval set, and everything that is wrong with it. Never raises for bad content."""
    file = read_cases(path, data)
    return list(file.cases), list(file.problems)


def read_cases(path: str, data: bytes) -> CaseFile:
    """The same, with the line of each case."""
    problems: list[Problem] = []
    cases: list[Case] = []
    lines: list[int] = []
    reader = _reader(path)
    if reader is None:
        message = "an eval set is a .jsonl, .csv or .yaml file"
        return CaseFile(path=path, cases=(), lines=(), problems=(Problem(path=path, message=message),))
    try:
        for row in reader(decode(data, path, limit=MAX_BYTES), path, problems):
            case = to_case(row, path, problems)
            if case is not None:
                cases.append(case)
                lines.append(row.line)
    except InvalidInput as error:
        problems.extend(error.problems)
    problems.extend(duplicates([(case, path, line) for case, line in zip(cases, lines, strict=True)]))
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return CaseFile(path=path, cases=tuple(cases), lines=tuple(lines), problems=_capped(problems, path))


def duplicates(rows: Sequence[tuple[Case, str, int]]) -> list[Problem]:
    """A problem for each row (case, file, line) whose id is taken by an earlier one."""
    first: dict[str, tuple[str, int]] = {}
    problems = []
    for case, path, line in rows:
        if case.id not in first:
            first[case.id] = (path, line)
            continue
        other, other_line = first[case.id]
        where = f"line {other_line}" if other == path else f"{other}:{other_line}"
        message = f"the id `{case.id}` is taken by {where}"
        problems.append(
            Problem(path=path, line=line, message=message, hint="give equal inputs ids of their own, or drop one row")
        )
    return problems


def _reader(path: str) -> Reader | None:
    from llmops_git.configs import case_files

    readers: dict[str, Any] = {
        ".jsonl": case_files.jsonl_rows,
        ".csv": case_files.csv_rows,
        ".yaml": case_files.yaml_rows,
        ".yml": case_files.yaml_rows,
    }
    return next((reader for ending, reader in readers.items() if path.lower().endswith(ending)), None)


def _capped(problems: list[Problem], path: str) -> tuple[Problem, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    rest = len(problems) - MAX_PROBLEMS
    return (*problems[:MAX_PROBLEMS], Problem(path=path, message=f"and {rest} more problems in this file"))
