"""The pull-request comment: GitHub Markdown, verdict first, never longer than GitHub takes."""

from __future__ import annotations

from urllib.parse import quote

from llmops_git.reports.details import STEPS, Detail
from llmops_git.reports.escape import code, no_commands
from llmops_git.reports.sections import SYMBOLS, config_section, how_measured, problems, speak, summary_table
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import headline, next_step, worst_first

LIMIT = 60_000  # characters; GitHub takes 65,536
SMALLEST_LIMIT = 2_000
_PART = 100  # characters of a key, head or run in the marker


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
        comment = no_commands(f"{first}\n{_body(report, detail)}\n")
        if len(comment) <= limit:
            return comment
    raise AssertionError("the shortest comment is shorter than the smallest limit")


def marker(*, key: str, head: str, run: str) -> str:
    """The first line of a comment, by which it is found again: an HTML comment, its parts percent-encoded."""
    parts = (quote(part[:_PART], safe="") for part in (key, head, run))
    return "<!-- llmops-git:v1 key={} head={} run={} -->".format(*parts)


def _body(report: Report, detail: Detail) -> str:
    first = headline(report)
    blocks = [f"### {SYMBOLS[first.level] or SYMBOLS['good']}{first.title}", speak(first.why)]
    if len(report.configs) > 1:
        blocks.append(summary_table(report, detail))
    for config in worst_first(report.configs):
        if _has_section(config, detail):
            blocks += config_section(config, detail, alone=len(report.configs) == 1)
    found = [*report.problems, *(problem for config in report.configs for problem in config.change.problems)]
    blocks.append(problems(found, detail))
    if detail.method and report.configs:
        blocks.append(how_measured(report))
    step = next_step(report)
    if step:
        blocks.append(f"**Next:** {speak(step)}")
    if detail.left_out:
        blocks.append(
            f"<sub>Too long for one comment, so left out: {detail.left_out}. All of it: {code('llmops-git report')}</sub>"
        )
    return "\n\n".join(block for block in blocks if block)


def _has_section(config: ConfigReport, detail: Detail) -> bool:
    return detail.tables == "all" or (detail.tables == "held" and not config.gate_passes)
