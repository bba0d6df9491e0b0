"""Errors that users see, and the exit code each ends with.

`LlmopsError` (2) is the root; `InvalidInput` (2) carries every problem found in the user's files, `GateRefused` (1) is
the gate saying no, `NotMeasured` (3) means the outside world (network, provider, git) did not let us answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK = 0
EXIT_GATE = 1
EXIT_USAGE = 2
EXIT_NOT_MEASURED = 3
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141  # what a shell says of a program that SIGPIPE ended

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in one of the user's files.

    `line` and `column` count from 1; 0 means the whole file, and `path` "" no file at all. `pointer` is the field's path, as
    `$.model.id`.
    """

    path: str
    message: str
    line: int = 0
    column: int = 0
    pointer: str = ""
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = self.path
        if self.line:
            place = f"{place}:{self.line}:{self.column}" if self.column else f"{place}:{self.line}"
        field = f"{self.pointer} " if self.pointer else ""
        return f"{place}: {field}{self.message}" if place else f"{field}{self.message}"


class LlmopsError(Exception):
    """An error with a message for people, an optional hint that can be pasted, and an exit code."""

    exit_code: int = EXIT_USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(LlmopsError):
    """The user's files are wrong; `problems` holds all of them, in the order of file and line."""

    def __init__(self, problems: Sequence[Problem], *, message: str = "", hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__(message or "\n".join(str(problem) for problem in problems), hint=hint)


class GateRefused(LlmopsError):
    """The gate says no: a regression, a failed must-pass case, a broken budget, or no evidence."""

    exit_code = EXIT_GATE


class NotMeasured(LlmopsError):
    """Something outside (network, provider, git remote) kept us from an answer."""

    exit_code = EXIT_NOT_MEASURED
