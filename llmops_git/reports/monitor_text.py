"""What monitors say, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops_git.monitoring.metrics_sql import Query
from llmops_git.monitoring.rules import Rule, State
from llmops_git.reports.escape import one_line
from llmops_git.reports.monitor_alerts import Traces
from llmops_git.reports.monitor_values import group_text, reading_text, shown, wanted_text
from llmops_git.reports.numbers import count
from llmops_git.reports.style import wrap

_SHOWN = 20  # groups of one rule and state
_LINE = 400  # characters of one state
_COLORS = {"firing": "31", "pending": "33", "too few": "33", "no data": "33", "ok": "32"}
_WIDTH = 9  # of a state's name, with blanks


def check_lines(states: Sequence[State], traces: Traces, *, color: bool, width: int = 10_000) -> Iterator[str]:
    """What fires, with its groups; then a line for each rule and other state; and a sum at the end. Lines that are longer than
    `width` columns are broken between words."""
    for state in [state for state in states if state.name in ("firing", "pending")]:
        yield _line(state, color=color, width=width)
        for trace in traces.get((state.rule.id, state.reading.group), ()):
            yield f"{'':{_WIDTH}}llmops-git traces show {one_line(trace)}"
    for name in ("too few", "no data", "ok"):
        by_rule: dict[str, list[State]] = {}
        for state in states:
            if state.name == name:
                by_rule.setdefault(state.rule.id, []).append(state)
        for found in by_rule.values():
            if len(found) == 1:
                yield _line(found[0], color=color, width=width)
            else:
                yield f"{_mark(name, color=color)}{found[0].rule.id}: {len(found):,} groups"
    firing = [state for state in states if state.name == "firing"]
    errors = sum(state.rule.severity == "error" for state in firing)
    rules = len({state.rule.id for state in states})
    warnings = count(len(firing) - errors, "warning")
    yield f"{count(rules, 'rule')}: {count(errors, 'error')}, {warnings} fire"


def _line(state: State, *, color: bool, width: int) -> str:
    rule, reading = state.rule, state.reading
    of = (
        f" ({rule.severity})"
        if state.name == "firing"
        else f" ({state.held} of {rule.looks})"
        if state.name == "pending"
        else ""
    )
    group = f" {group_text(reading.group)}:" if reading.group else ""
    seen = f" {reading_text(rule, reading)}; fires when {wanted_text(rule)}" if reading.value is not None else ""
    said = f"; {reading.said}" if reading.said and seen else f" {reading.said}" if reading.said else ""
    text = one_line(f"{rule.id}{of}:{group}{seen}{said}", _LINE)
    indent = " " * _WIDTH
    return _mark(state.name, color=color) + "\n".join(wrap(text, width, first=indent)).removeprefix(indent)


def _mark(name: str, *, color: bool) -> str:
    padded = f"{name:{_WIDTH}}"
    return f"\x1b[{_COLORS[name]}m{padded}\x1b[0m" if color else padded


def explain_lines(
    rule: Rule,
    states: Sequence[State],
    rows: Mapping[Any, Sequence[Sequence[Any]]],
    queries: Sequence[Query],
    *,
    width: int = 10_000,
) -> Iterator[str]:
    """A rule: what it means, its SQL, what it sees, and traces."""
    yield f"{rule.id}: {one_line(rule.description, _LINE)}" if rule.description else rule.id
    yield f"  {rule.metric.name}: {rule.metric.about}"
    yield f"  fires when {wanted_text(rule)}; {rule.path}:{rule.line}"
    for query in queries:
        yield ""
        yield from (f"  {line}" for line in query.sql.split("\n"))
        yield f"  parameters: {one_line(', '.join(_value(value) for value in query.parameters), _LINE)}"
    yield ""
    for state in states[:_SHOWN]:
        yield _line(state, color=False, width=width)
    if len(states) > _SHOWN:
        yield f"and {len(states) - _SHOWN:,} more groups"
    for (_, group), found in rows.items():
        if found:
            yield ""
            yield f"newest traces of {one_line(group_text(group), 200)}"
        for moment, trace, value in found:
            number = shown(value, rule.metric.unit) if isinstance(value, int | float) else ""
            yield f"  {moment:%Y-%m-%d %H:%M:%S}  llmops-git traces show {one_line(str(trace))}  {number}".rstrip()


def _value(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
