"""The pull-request comment: GitHub Markdown, verdict first, never longer than GitHub takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from llmops_git.reports.details import STEPS, Detail
from llmops_git.reports.escape import code, no_commands
from llmops_git.reports.sections import SYMBOLS, config_section, how_measured, problems, speak, summary_table
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import headline, next_step, worst_first

LIMIT = 60_000  # characters; GitHub takes 65,536
SMALLEST_LIMIT = 2_000
BETWEEN = "\n\n"
_PART = 120  # characters of a key, head or run in the marker
_HALF_CODE = re.compile(r"%.?$")


def render_comment(report: Report, *, key: str = "default", run: str = "", limit: int = LIMIT) -> str:
    """The comment for `report`, at most `limit` characters long.

    `key` tells apart several comments on one pull request; `run` names the run that made it (`ID.ATTEMPT`). The first
    line is `marker(...)`. Sections are left out whole, in the order of `details.STEPS`, until the rest fits; the last
    line then says what is missing. Raises ValueError for a limit below 2,000, where not even the verdict fits for sure.
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT}, not {limit}")
    first = marker(key=key, head=report.head, run=run)
    for detail in STEPS:
        comment = comment_text(first, report, detail, limit)
        if comment is not None:
            return comment
    raise AssertionError("the shortest comment is shorter than the smallest limit")


def marker(*, key: str, head: str, run: str) -> str:
    """The first line of a comment, by which it is found again: an HTML comment, its parts percent-encoded."""
    key, head, run = (_HALF_CODE.sub("", quote(part, safe="", errors="replace")[:_PART]) for part in (key, head, run))
    return f"<!-- llmops-git:v1 key={key} head={head} run={run} -->"


def comment_text(first_line: str, report: Report, detail: Detail, limit: int) -> str | None:
    """The whole comment at one step of detail, or None as soon as it is longer than `limit`."""
    parts = [first_line]
    length = len(first_line) + 1
    for block in _blocks(report, detail):
        parts.append(block)
        length += len(block) + len(BETWEEN)
        if length > limit:
            return None
    text = no_commands(f"{parts[0]}\n{BETWEEN.join(parts[1:])}\n")
    return text if len(text) <= limit else None


def _blocks(report: Report, detail: Detail) -> Iterator[str]:
    return (block for block in _all_blocks(report, detail) if block)


def _all_blocks(report: Report, detail: Detail) -> Iterator[str]:
    first = headline(report)
    yield f"### {SYMBOLS[first.level] or SYMBOLS['good']}{first.title}"
    yield speak(first.why) if detail.words else ""
    if len(report.configs) > 1:
        yield summary_table(report, detail)
    for config in worst_first(report.configs):
        if _has_section(config, detail):
            yield from config_section(config, detail, alone=len(report.configs) == 1)
    found = [*report.problems, *(problem for config in report.configs for problem in config.change.problems)]
    yield problems(found, detail)
    if detail.method and report.configs:
        yield how_measured(report)
    step = next_step(report)
    yield f"**Next:** {speak(step)}" if step and detail.words else ""
    if detail.left_out:
        everything = code("llmops-git report")
        yield f"<sub>Too long for one comment, left out: {detail.left_out}. All of it: {everything}</sub>"


def _has_section(config: ConfigReport, detail: Detail) -> bool:
    return detail.tables == "all" or (detail.tables == "held" and not config.gate_passes)
