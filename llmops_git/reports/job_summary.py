"""The page of a run: everything that the comment leaves out, as Markdown below the size that the service takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmops_git.evals.values import FlippedCase
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.details import Detail
from llmops_git.reports.escape import code, no_commands
from llmops_git.reports.evidence import flipped_case, flips_in_words
from llmops_git.reports.footer import links_line
from llmops_git.reports.markdown import BETWEEN, NO_LINKS, footer
from llmops_git.reports.sections import (
    SYMBOLS,
    alert,
    config_blocks,
    fields_fold,
    fold,
    how_measured,
    problems,
    sentence,
    speak,
    summary_table,
)
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import config_verdict, hard_failures, headline, next_step, worst_first

LIMIT = 1_000_000  # bytes; GitHub takes 1 MiB for each step
SMALLEST_LIMIT = 10_000
_DETAIL = Detail(fields=False, flips=0, lists=200, rows=2_000)
_TOGETHER = 25  # flipped cases in one fold
_CHARS = 4_000  # of one text
_ROOM = 300  # bytes for saying what is missing


def render_summary(
    report: Report, *, limit: int = LIMIT, notes: Sequence[str] = (), links: Mapping[str, str] = NO_LINKS
) -> str:
    """The summary for `report`, at most `limit` bytes of UTF-8, with every section whole: no fence or fold is left open.

    Sections come in the order of need: the verdict, each config's tables (worst first), how it was measured, then flipped
    cases and changed fields. From the first one that does not fit the rest is left out, and the end says so.
    Raises ValueError for a limit below 10,000 and for a link that is not plain http(s).
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT}, not {limit}")
    last = footer(report, links_line(links))
    room = limit - _ROOM - len(last.encode())
    parts: list[str] = []
    missing = 0
    for block in filter(None, _blocks(report, notes)):
        size = len(no_commands(block).encode()) + len(BETWEEN)
        if missing or size > room:
            missing += 1
            continue
        parts.append(block)
        room -= size
    if missing:
        parts.append(
            f"<sub>Too long for this page, sections left out: {missing:,}. All of it: {code('llmops-git report')}</sub>"
        )
    return no_commands(BETWEEN.join([*parts, *([last] if last else [])]) + "\n")


def _blocks(report: Report, notes: Sequence[str]) -> Iterator[str]:
    first = headline(report)
    yield f"## {SYMBOLS[first.level] or SYMBOLS['good']}{first.title}"
    yield speak(first.why)
    yield alert("NOTE", [sentence(note) for note in notes])
    step = next_step(report)
    yield f"**Next:** {speak(step)}" if step else ""
    configs = [*worst_first(report.configs), *worst_first(report.guardrails)]
    if len(configs) > 1:
        yield summary_table(report, _DETAIL)
    found = [*report.problems, *(problem for config in configs for problem in config.change.problems)]
    yield problems(found, _DETAIL)
    for config in configs:
        yield _title(config)
        yield from config_blocks(config, _DETAIL, broken=hard_failures(config))
    if configs:
        yield how_measured(report)
    for config in configs:
        yield from _details(config)


def _title(config: ConfigReport) -> str:
    level, words = config_verdict(config)
    kind = "Guardrails: " if config.kind == "pack" else ""
    return f"### {kind}{SYMBOLS[level]}{code(config.change.config)}: {words}"


def _details(config: ConfigReport) -> Iterator[str]:
    """Flipped cases and changed fields of one config, below a title where there are any."""
    blocks = [block for shown in shown_comparisons(config) for block in _flips(shown)]
    fields = fields_fold(config.change)
    if blocks or fields:
        yield f"### {code(config.change.config)} in detail"
        yield from blocks
        yield fields


def _flips(shown: Shown) -> Iterator[str]:
    cases = sorted(shown.comparison.flipped, key=lambda case: (case.better, not case.must_pass))
    for start in range(0, len(cases), _TOGETHER):
        yield _group(shown, cases, cases[start : start + _TOGETHER], start)


def _group(shown: Shown, cases: Sequence[FlippedCase], group: Sequence[FlippedCase], before: int) -> str:
    summary = f"{flips_in_words(cases)} against {speak(shown.called)}"
    if len(cases) > len(group):
        summary += f": {before + 1:,} to {before + len(group):,} of {len(cases):,}"
    body = ["`-` the base's answer, `+` this change's answer.", *(flipped_case(case, chars=_CHARS) for case in group)]
    return fold(summary, body)
