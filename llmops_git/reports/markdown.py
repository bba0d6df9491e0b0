"""The pull-request comment: GitHub Markdown, verdict first, never longer than GitHub takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from llmops_git.reports.details import STEPS, Detail
from llmops_git.reports.escape import code, no_commands
from llmops_git.reports.footer import baseline, links_line
from llmops_git.reports.marker import marker
from llmops_git.reports.sections import SYMBOLS, alert, config_section, how_measured, problems, sentence, speak, summary_table
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import headline, next_step, worst_first

LIMIT = 60_000  # characters; GitHub takes 65,536
SMALLEST_LIMIT = 2_000
BETWEEN = "\n\n"
NO_LINKS: Mapping[str, str] = MappingProxyType({})


def render_comment(
    report: Report,
    *,
    key: str = "default",
    run: str = "",
    limit: int = LIMIT,
    notes: Sequence[str] = (),
    links: Mapping[str, str] = NO_LINKS,
) -> str:
    """The comment for `report`, at most `limit` characters long.

    `key` tells apart several comments on one pull request; `run` names the run that made it (`ID.ATTEMPT`). The first
    line is `marker.marker(...)`. `notes` stand above the tables (who measured it, what was not allowed), `links` (name to
    address, both from trusted code) in the last line. Sections are left out whole, in the order of `details.STEPS`, until the
    rest fits; the comment then says what is missing. Raises ValueError for a limit below 2,000, where not even the verdict
    fits for sure, and for an address that is not plain http(s).
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT}, not {limit}")
    first = marker(key=key, head=report.head, run=run)
    for detail in STEPS:
        comment = whole(first, _blocks(report, detail, notes, links_line(links)), limit)
        if comment is not None:
            return comment
    raise AssertionError("the shortest comment is shorter than the smallest limit")


def comment_text(first_line: str, report: Report, detail: Detail, limit: int) -> str | None:
    """The whole comment at one step of detail, or None as soon as it is longer than `limit`."""
    return whole(first_line, _blocks(report, detail, (), ""), limit)


def whole(first_line: str, blocks: Iterable[str], limit: int) -> str | None:
    """The first line and those blocks that are not empty, or None as soon as that is longer than `limit` characters."""
    parts = [first_line]
    length = len(first_line) + 1
    for block in filter(None, blocks):
        parts.append(block)
        length += len(block) + len(BETWEEN)
        if length > limit:
            return None
    text = no_commands(f"{parts[0]}\n{BETWEEN.join(parts[1:])}\n")
    return text if len(text) <= limit else None


def _blocks(report: Report, detail: Detail, notes: Sequence[str], links: str) -> Iterator[str]:
    first = headline(report)
    yield f"### {SYMBOLS[first.level] or SYMBOLS['good']}{first.title}"
    yield speak(first.why) if detail.words else ""
    yield alert("NOTE", [sentence(note) for note in notes[: detail.lists]])
    if len(report.entries) > 1:
        yield summary_table(report, detail)
    for config in worst_first(report.configs):
        if _has_section(config, detail):
            yield from config_section(config, detail, alone=len(report.entries) == 1)
    packs = [pack for pack in worst_first(report.guardrails) if _has_section(pack, detail)]
    yield "#### Guardrails" if packs else ""
    for pack in packs:
        yield from config_section(pack, detail, alone=len(report.entries) == 1, mark="#####")
    found = [*report.problems, *(problem for config in report.entries for problem in config.change.problems)]
    yield problems(found, detail)
    if detail.method and report.entries:
        yield how_measured(report)
    step = next_step(report)
    yield f"**Next:** {speak(step)}" if step and detail.words else ""
    if detail.words:
        yield footer(report, links)
    if detail.left_out:
        everything = code("llmops-git report")
        yield f"<sub>Too long for one comment, left out: {detail.left_out}. All of it: {everything}</sub>"


def footer(report: Report, links: str) -> str:
    """The last line, in small letters: the baseline and its age, then the links."""
    said = " \u00b7 ".join(part for part in (speak(baseline(report)), links) if part)
    return f"<sub>{said}</sub>" if said else ""


def _has_section(config: ConfigReport, detail: Detail) -> bool:
    return detail.tables == "all" or (detail.tables == "held" and not config.gate_passes)
