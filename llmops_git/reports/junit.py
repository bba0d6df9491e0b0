"""JUnit XML: one suite per config and baseline, one test per case and scorer. For GitLab, Jenkins, dorny/test-reporter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.values import Run
from llmops_git.reports import numbers
from llmops_git.reports.bases import Shown, shown_comparisons
from llmops_git.reports.cases import CaseRow, Measured, case_rows, run_of
from llmops_git.reports.escape import inert, one_line, shorten
from llmops_git.reports.phrases import say
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import is_removed

_NAME = 300
_TEXT = 2_000  # characters of one answer
_NOT_XML = re.compile("[\ufffe\uffff\U0001fffe\U0001ffff]")
_NAMES = (("tests", "tests"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_ELEMENT = {"failed": "failure", "missing": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """One test, ready to be written."""

    name: str
    group: str
    seconds: float = 0.0
    element: str = ""  # failure, error, skipped
    message: str = ""
    body: str = ""


def render_junit(report: Report, runs: Sequence[Run]) -> str:
    """The report as JUnit XML, with the cases of `runs` (those of the run folder, which hold the samples).

    What fails here is what the gate holds, so that a job that fails on failed tests agrees with the gate: failures are
    must-pass cases that failed and cases that got worse under a regressed scorer; errors are cases of a held config that were
    not measured; a test `gate` per config that is held carries the other reasons. The rest passed or was skipped.
    """
    suites = [suite for config in report.entries for suite in _suites(config, runs)]
    total: Counter[str] = sum((counted for _, counted in suites), Counter())
    found = [*report.problems, *(problem for config in report.entries for problem in config.change.problems)]
    if found:
        tests = [
            _Test(name=str(problem), group="files", element=_problem(problem.severity), message=problem.hint)
            for problem in found
        ]
        text, counted = _written("files", tests, "")
        suites.append((text, counted))
        total += counted
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="llmops-git" {_counts(total, _NAMES[:3])}>']
    return "\n".join([*lines, *(text for text, _ in suites), "</testsuites>", ""])


def _problem(severity: str) -> str:
    return "error" if severity == "error" else ""


def _suites(config: ConfigReport, runs: Sequence[Run]) -> Iterator[tuple[str, Counter[str]]]:
    if not config.comparisons and not is_removed(config):
        element = "skipped" if config.gate_passes else "failure"
        message = "; ".join(config.notes) or "not evaluated"
        yield _written(
            config.change.config, [_Test(name="gate", group=config.change.config, element=element, message=message)], ""
        )
    for shown in shown_comparisons(config):
        yield _suite(config, shown, runs)


def _suite(config: ConfigReport, shown: Shown, runs: Sequence[Run]) -> tuple[str, Counter[str]]:
    comparison = shown.comparison
    called = say(shown.called, name=one_line, outside=one_line)
    run = run_of(runs, comparison.head_digest, comparison.eval_digest)
    tests = [_test(config, row) for row in case_rows(config, comparison, runs)]
    if comparison in gating_comparisons(config.comparisons):
        tests.append(_gate(config, shown, explained=any(test.element == "failure" for test in tests)))
    started = run.started_at if run else ""
    return _written(f"{config.change.config} against {called}", tests, started)


def _gate(config: ConfigReport, shown: Shown, *, explained: bool) -> _Test:
    """The gate's own test, with its reasons; an error where nothing could be measured and no case failed (`explained`)."""
    comparison = shown.comparison
    name, group = "gate", config.change.config
    if comparison.gate_passes:
        return _Test(name=name, group=group)
    reasons = "\n".join(dict.fromkeys([*comparison.reasons, *comparison.hard_failures, *comparison.unmeasured]))
    element = "error" if comparison.verdict == "invalid" and not explained else "failure"
    return _Test(name=name, group=group, element=element, message=f"{comparison.verdict}: the gate says no", body=reasons)


def _test(config: ConfigReport, row: CaseRow) -> _Test:
    element = _ELEMENT.get(row.outcome, "")
    missing = ", ".join(row.head.missing)
    message = {
        "failed": f"{'must pass: ' if row.must_pass else ''}{_value(row.base)} \u2192 {_value(row.head)}",
        "missing": f"not measured: {missing}",
        "skipped": f"not measured: {missing}" if row.head.applies else "the scorer does not apply",
        "passed": "",
    }[row.outcome]
    body = ""
    if row.outcome == "failed":
        answers = [("base", row.base), ("head", row.head)]
        body = "\n".join(f"{side}: {shorten(text, _TEXT)}" for side, measured in answers for text in measured.outputs)
        body += "".join(f"\n{text}" for text in row.head.explanations)
    return _Test(
        name=row.case,
        group=f"{config.change.config}.{row.scorer}",
        seconds=row.head.seconds,
        element=element,
        message=message,
        body=body,
    )


def _value(measured: Measured) -> str:
    return numbers.plain(measured.value, 3).rstrip("0").rstrip(".") if measured.value is not None else numbers.NONE


def _written(name: str, tests: Sequence[_Test], started: str) -> tuple[str, Counter[str]]:
    counted = Counter(test.element for test in tests)
    counted["tests"] = len(tests)
    counted.pop("", None)
    seconds = sum(test.seconds for test in tests)
    stamp = _stamp(started)
    head = f'  <testsuite name={_attribute(name)} {_counts(counted)} time="{seconds:.3f}"{stamp}>'
    return "\n".join([head, *(line for test in tests for line in _lines(test)), "  </testsuite>"]), counted


def _lines(test: _Test) -> Iterator[str]:
    start = f'    <testcase name={_attribute(test.name)} classname={_attribute(test.group)} time="{test.seconds:.3f}"'
    if not test.element:
        yield f"{start}/>"
        return
    yield f"{start}>"
    kind = f' type="{test.element}"' if test.element != "skipped" else ""
    yield f"      <{test.element} message={_attribute(test.message)}{kind}>{_text(test.body)}</{test.element}>"
    yield "    </testcase>"


def _counts(counted: Counter[str], names: Sequence[tuple[str, str]] = _NAMES) -> str:
    return " ".join(f'{name}="{counted[key]}"' for name, key in names)


def _stamp(started: str) -> str:
    """ISO 8601 without a zone, as the format wants it; nothing for a time that is none."""
    try:
        return f' timestamp="{datetime.fromisoformat(started).strftime("%Y-%m-%dT%H:%M:%S")}"'
    except ValueError:
        return ""


def _attribute(text: str) -> str:
    return f'"{_escaped(one_line(text, _NAME))}"'


def _text(text: str) -> str:
    return _escaped(inert(text))


def _escaped(text: str) -> str:
    """Characters that XML cannot hold are shown by their code (`clean` has done so for controls)."""
    visible = _NOT_XML.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        visible = visible.replace(letter, entity)
    return visible
