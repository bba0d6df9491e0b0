"""What changed between two trees, for a terminal and as the JSON document that `schemas/diff.schema.json` describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops_git.configs.values import Change, Status
from llmops_git.errors import Problem
from llmops_git.reports import numbers
from llmops_git.reports.escape import no_commands, one_line
from llmops_git.reports.fields_text import field_lines
from llmops_git.reports.names import short_name
from llmops_git.reports.style import MIN_WIDTH, Paint, Style, wrap

MARKS: dict[Status, tuple[str, Style]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "renamed": (">", "yellow"),
    "modified": ("~", "yellow"),
    "unchanged": ("=", "dim"),
}
CHAINS = 5  # chains of files shown per config
_LONG = 200


def render_changes(changes: Sequence[Change], *, base: str, head: str, total: int, color: bool, width: int) -> str:
    """The changes for a terminal of `width` cells, without a final newline.

    `base` and `head` name the trees (commit ids are cut), `total` counts the configs of the head tree;
    those that were removed are counted with them.
    """
    paint = Paint(color)
    trees = f"{one_line(short_name(base) or 'nothing')} \u2192 {one_line(short_name(head))}"
    if not changes:
        return f"no config changed ({numbers.count(total, 'config')}, {trees})"
    either = total + sum(change.status == "removed" for change in changes)
    lines = [f"{len(changes):,} of {numbers.count(either, 'config')} changed ({trees})"]
    for change in changes:
        lines += ["", *_change_lines(change, paint, max(width, MIN_WIDTH))]
    return no_commands("\n".join(lines))


def changes_document(changes: Sequence[Change], base: str, head: str, total: int) -> dict[str, Any]:
    """The changes as JSON: `base`, `head` (commit ids, `index` or `worktree`), `configs` (how many there are), `changes`."""
    return {"base": base, "head": head, "configs": total, "changes": [change_document(change) for change in changes]}


def change_document(change: Change) -> dict[str, Any]:
    """One change as JSON. `renamed_from` and `problems` are there only where they say something."""
    document: dict[str, Any] = {
        "config": change.config,
        "status": change.status,
        "aspects": list(change.aspects),
        "bump": change.bump,
        "base_digest": change.base_digest,
        "head_digest": change.head_digest,
        "because": [list(chain) for chain in change.because],
        "fields": [{"path": field.path, "before": field.before, "after": field.after} for field in change.fields],
    }
    if change.renamed_from:
        document["renamed_from"] = change.renamed_from
    if change.problems:
        document["problems"] = [problem_document(problem) for problem in change.problems]
    return document


def problem_document(problem: Problem) -> dict[str, Any]:
    """One problem as JSON; `line` and `column` count from 1, 0 for the whole file."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "pointer": problem.pointer,
        "message": problem.message,
        "hint": problem.hint,
        "severity": problem.severity,
    }


def _change_lines(change: Change, paint: Paint, width: int) -> list[str]:
    mark, style = MARKS[change.status]
    said = [change.status + (f" from {one_line(change.renamed_from)}" if change.renamed_from else "")]
    if change.aspects:
        said.append(one_line(", ".join(change.aspects), _LONG))
    if change.bump != "none":
        said.append(f"{change.bump} release")
    lines = [f"{paint(mark, style)} {paint(one_line(change.config), 'bold')}  {'; '.join(said)}"]
    lines += _because_lines(change, width)
    for problem in change.problems:
        lines += wrap(one_line(f"cannot be loaded: {problem}", 2 * _LONG), width, first="    ")
    if change.status in {"added", "removed"}:
        return [*lines, *_whole(change)]
    for field in change.fields:
        lines += [f"    {line}".rstrip() for line in field_lines(field, paint=paint)]
    return lines


def _because_lines(change: Change, width: int) -> list[str]:
    lines: list[str] = []
    for chain in change.because[:CHAINS]:
        files = [one_line(path, _LONG) for path in chain]
        joined = " \u2192 ".join(files)
        if len(joined) + 13 <= width:
            lines.append(f"    because  {joined}")
        else:
            lines += [f"    because  {files[0]}", *(f"             \u2192 {path}" for path in files[1:])]
    if len(change.because) > CHAINS:
        lines.append(f"             and {numbers.count(len(change.because) - CHAINS, 'more file')}")
    return lines


def _whole(change: Change) -> list[str]:
    """What was added or removed, in one line: its fields are all new or all gone."""
    config = change.head or change.base
    if config is None:
        return []
    messages = len(config.resolved.get("messages", ()))
    return [f"    {one_line(f'{config.provider}/{config.model}')}, {numbers.count(messages, 'message')}"]
