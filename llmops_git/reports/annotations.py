"""Remarks at the lines of a pull request's files: what regressed as errors, what is not proven as warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llmops_git.errors import Problem
from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.values import Comparison, ScorerComparison
from llmops_git.forges.joblog import Annotation, AnnotationLevel
from llmops_git.reports import numbers
from llmops_git.reports.bases import base_phrase
from llmops_git.reports.escape import one_line
from llmops_git.reports.phrases import Phrase, say
from llmops_git.reports.places import LineLookup, no_lines, place_of
from llmops_git.reports.rows import scorer_interval, unit_of
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import config_leans, hard_failures, is_removed, telling, worst_first

MOST = 10  # of one level; GitHub shows no more for a step
_MESSAGE = 1_000  # characters
_NAME = 200
_LEVELS: tuple[AnnotationLevel, ...] = ("error", "warning", "notice")


def annotations_of(report: Report, *, lines: LineLookup = no_lines) -> list[Annotation]:
    """The remarks, errors first, at most `MOST` of each level, of which the last says how many more there are.

    Errors are what the gate holds: broken hard rules, regressed scorers, what could not be measured; and problems in the files.
    Warnings are regressions that the gate lets through, inconclusive configs and warnings about files. Improvements are
    notices. `lines` finds the line of a changed field, see `places.lines_in`.
    """
    found = [_problem(problem) for problem in _problems(report)]
    for config in worst_first(report.entries):
        path, line = place_of(config.change, lines)
        found += [replace(remark, path=path, line=line) for remark in _remarks(config)]
    return [remark for level in _LEVELS for remark in _first([one for one in found if one.level == level])]


def annotations_of_problems(problems: Sequence[Problem]) -> list[Annotation]:
    """The remarks about files that are wrong, at most `MOST` of each level."""
    found = [_problem(problem) for problem in problems]
    return [remark for level in _LEVELS for remark in _first([one for one in found if one.level == level])]


def _first(remarks: Sequence[Annotation]) -> Iterator[Annotation]:
    if len(remarks) <= MOST:
        yield from remarks
        return
    yield from remarks[: MOST - 1]
    more = numbers.count(len(remarks) - MOST + 1, f"more {remarks[0].level}")
    yield Annotation(level=remarks[0].level, title="llmops-git", message=f"and {more}: the report has all of them")


def _problems(report: Report) -> Iterator[Problem]:
    yield from report.problems
    for config in report.entries:
        yield from config.change.problems


def _problem(problem: Problem) -> Annotation:
    field = f"{one_line(problem.pointer, _NAME)} " if problem.pointer else ""
    hint = f" (hint: {one_line(problem.hint, _NAME)})" if problem.hint else ""
    message = f"{field}{one_line(problem.message, _MESSAGE)}{hint}"
    return Annotation(level=problem.severity, title="llmops-git", message=message, path=problem.path, line=problem.line)


def _remarks(config: ConfigReport) -> Iterator[Annotation]:
    if is_removed(config):
        return
    held: AnnotationLevel = "warning" if config.gate_passes else "error"
    name = one_line(config.change.config)
    for failure in hard_failures(config):
        yield Annotation(level=held, title=f"{name}: hard rule broken", message=one_line(failure, _MESSAGE))
    for comparison in gating_comparisons(config.comparisons):
        for scorer in comparison.scorers:
            if scorer.gating and scorer.verdict == "regressed":
                yield Annotation(level=held, title=f"{name}: regressed", message=_measured(config, comparison, scorer))
    if config.verdict == "invalid":
        yield Annotation(level=held, title=f"{name}: not measured", message=_why_invalid(config))
    elif config.verdict == "inconclusive":
        title = f"{name}: inconclusive{', leaning worse' if config_leans(config) else ''}"
        yield Annotation(level=held, title=title, message=_telling(config) or _notes(config))
    elif config.verdict == "improved":
        yield Annotation(level="notice", title=f"{name}: improved", message=_telling(config) or "improved")


def _telling(config: ConfigReport) -> str:
    found = telling(config)
    return _measured(config, *found) if found else ""


def _measured(config: ConfigReport, comparison: Comparison, scorer: ScorerComparison) -> str:
    unit = unit_of(comparison, scorer)
    sides = f"{numbers.score(scorer.base, unit)} \u2192 {numbers.score(scorer.head, unit)}"
    change = f"{numbers.difference(scorer.delta, unit)} {scorer_interval(scorer, unit)}"
    against = _speak(base_phrase(config, comparison))
    return f"{one_line(scorer.scorer)} {sides}, {change} against {against}, {numbers.count(scorer.cases, 'case')}"


def _why_invalid(config: ConfigReport) -> str:
    reasons = [text for comparison in gating_comparisons(config.comparisons) for text in comparison.unmeasured]
    reasons += [
        f"{scorer.scorer}: {note}"
        for comparison in gating_comparisons(config.comparisons)
        for scorer in comparison.scorers
        if scorer.verdict == "invalid"
        for note in scorer.notes
    ]
    return one_line("; ".join(reasons), _MESSAGE) if reasons else "not enough was measured for a verdict"


def _notes(config: ConfigReport) -> str:
    return one_line("; ".join(config.notes), _MESSAGE) if config.notes else "nothing shows that this change is safe"


def _speak(phrase: Phrase) -> str:
    return say(phrase, name=one_line, outside=one_line)
