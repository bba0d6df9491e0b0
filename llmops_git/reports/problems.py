"""Problems for a terminal: place, message, the line of the file with a caret, and the hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from llmops_git.errors import Problem
from llmops_git.reports.clean import clean

MAX_EXCERPT = 120  # characters of a line that are shown
_TAB = "    "
_STYLES = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_BOLD, _DIM, _END = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def render_problems(
    problems: Sequence[Problem], read: Callable[[Iterable[str]], Mapping[str, bytes]], *, color: bool = False
) -> str:
    """All problems, a blank line between them; "" for none. `read` gives the contents of the files for the excerpts."""
    contents = read(dict.fromkeys(problem.path for problem in problems if problem.line))
    lines = {path: data.decode("utf-8-sig", errors="replace").splitlines() for path, data in contents.items()}
    return "\n\n".join(_problem(problem, lines.get(problem.path, []), color=color) for problem in problems)


def _problem(problem: Problem, lines: Sequence[str], *, color: bool) -> str:
    bold, dim, style, end = (_BOLD, _DIM, _STYLES[problem.severity], _END) if color else ("", "", "", "")
    place = ":".join([clean(problem.path), *(str(number) for number in (problem.line, problem.column) if number)])
    pointer = f"{clean(problem.pointer)} " if problem.pointer else ""
    parts = [f"{bold}{place}{end}: {style}{problem.severity}{end}: {pointer}{clean(problem.message)}"]
    if 0 < problem.line <= len(lines):
        parts += [f"{dim}{line}{end}" for line in excerpt(lines[problem.line - 1], problem.line, problem.column)]
    if problem.hint:
        parts.append(f"  hint: {clean(problem.hint)}")
    return "\n".join(parts)


def excerpt(line: str, number: int, column: int) -> list[str]:
    """The line with its number, and a caret under `column` (from 1; 0 for none); a long line is cut around it."""
    start = max(0, column - 1 - MAX_EXCERPT // 2) if len(line) > MAX_EXCERPT else 0
    before = clean(line[start : max(column - 1, start)].replace("\t", _TAB)).replace("\n", " ")
    after = clean(line[max(column - 1, start) : start + MAX_EXCERPT].replace("\t", _TAB)).replace("\n", " ")
    dots = "…" if start else ""
    shown = [f"  {number:>4} | {dots}{before}{after}{'…' if len(line) > start + MAX_EXCERPT else ''}"]
    if column:
        shown.append(f"       | {' ' * (len(dots) + len(before))}^")
    return shown
