"""Guardrail packs in every format of a report: the section, the verdict first, and hostile texts of suites that stay texts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from rendered import ACTING, ALLOWED, page_of
from report_samples import SAMPLES

from llmops_git.configs.pack_file import PackMeasure
from llmops_git.configs.policy import GateSettings
from llmops_git.configs.schema import validator
from llmops_git.configs.values import Change
from llmops_git.evals.gate import decide
from llmops_git.evals.guard_gate import PACKS, Measured, compare_packs
from llmops_git.evals.values import Instrument
from llmops_git.guardrails.measure import TextResult
from llmops_git.guardrails.suite_rows import SuiteText
from llmops_git.guardrails.suites import Suite
from llmops_git.reports.annotations import annotations_of
from llmops_git.reports.html import render_html
from llmops_git.reports.job_summary import render_summary
from llmops_git.reports.json_report import report_document, report_from_document
from llmops_git.reports.junit import render_junit
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.terminal import render_report
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.reports.verdicts import headline

HOSTILE = "</code><script>x</script> @everyone ::error::hit \u202e\x1b[31m [a](http://evil.example) ```"
TEXTS = tuple(
    SuiteText(id=f"{family}/{number}", text=f"{HOSTILE} {number}", attack=family != "benign", family=family)
    for family in ("dan", "benign")
    for number in range(60)
)


def measured(digest: str, caught: int) -> Measured:
    results = tuple(
        TextResult(text=text, state="caught" if text.attack and number < caught else "passed")
        for number, text in enumerate(TEXTS)
    )
    return Measured(pack="injection", digest=digest, results=results)


def pack(before: int, after: int) -> ConfigReport:
    sides: tuple[Instrument, ...] = ("head", "base")
    comparisons = [
        compare_packs(
            measured("sha256:" + "a" * 64, before), measured("sha256:" + "b" * 64, after), suite=Suite(texts=TEXTS, paths=(), digest="x"),
            gate=PackMeasure(), settings=GateSettings(), against="merge base", base_name="1a2b3c4d5e", instrument=side,
        )
        for side in sides
    ]  # fmt: skip
    decision = decide(comparisons, settings=GateSettings())
    return ConfigReport(
        change=Change(config=f"{PACKS}injection", status="modified", aspects=("guardrails",)),
        comparisons=decision.comparisons,
        runs=(),
        verdict=decision.verdict,
        gate_passes=decision.gate_passes,
        notes=("this change edits its own suites or gate: it is scored on the base's as well",),
        kind="pack",
    )


def report(*packs: ConfigReport) -> Report:
    return Report(
        base="1a2b3c4d5e", head="worktree", configs_total=3, configs=(), guardrails=packs,
        verdict=max(packs, key=lambda one: not one.gate_passes).verdict, gate_passes=all(one.gate_passes for one in packs),
    )  # fmt: skip


def test_a_pack_that_catches_less_is_said_first() -> None:
    first = headline(report(pack(57, 30)))
    assert ("bad", "Regressed: do not merge") == (first.level, first.title)
    both = headline(report(pack(57, 30), pack(30, 57)))
    assert "2 guardrail packs changed: 1 regressed, 1 improved." in both.why


def test_the_comment_has_a_section_with_each_family_on_both_sides() -> None:
    comment = render_comment(report(pack(57, 30)))
    assert "#### Guardrails" in comment
    assert "on the suites as they were" in comment
    assert "on this change&#39;s own suites" in comment or "on this change's own suites" in comment
    row = next(line for line in comment.splitlines() if line.startswith("| <code>dan</code>"))
    assert ["95.0\u00a0%", "50.0\u00a0%"] == [cell.strip() for cell in row.split("|")[2:4]]
    assert "regressed" in row
    assert "false alarms" in comment
    assert "llmops-git guardrails test injection" in comment.replace("&#45;", "-")


@pytest.mark.parametrize("limit", [60_000, 20_000, 6_000, 2_000])
def test_no_text_of_a_suite_acts_in_a_comment(limit: int) -> None:
    comment = render_comment(report(pack(57, 30)), limit=limit)
    assert len(comment) <= limit
    page = page_of(comment)
    assert set(page.tags) <= {f"{slash}{tag}" for tag in (*ALLOWED, "h5") for slash in ("", "/")}
    assert not [found.group() for pattern in ACTING if (found := pattern.search(page.outside))]
    assert "\x1b" not in comment
    assert "\u202e" not in comment
    assert not any(line.lstrip().startswith("::") for line in comment.splitlines())


def test_every_other_format_has_it_too() -> None:
    shown = report(pack(57, 30))
    terminal = render_report(shown, color=False, width=120)
    assert "\nguardrails\n" in terminal
    assert "guardrails/injection: \u2717 regressed" in terminal
    page = render_html(shown, ())
    assert "<h2>Guardrails</h2>" in page
    assert "<script>" not in page
    assert "### Guardrails: " in render_summary(shown)
    tests = ET.fromstring(render_junit(shown, ()))
    names = [(suite.get("name"), suite.get("failures")) for suite in tests]
    assert [("1", True)] * 2 == [(failures, str(name).startswith("guardrails/injection against")) for name, failures in names]
    assert any("guardrails/injection" in remark.title and remark.level == "error" for remark in annotations_of(shown))
    for text in (terminal, page):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_json_holds_it_and_reads_it_back() -> None:
    shown = report(pack(57, 30))
    document = json.loads(json.dumps(report_document(shown)))
    assert [] == [error.message for error in validator("report").iter_errors(document)]
    again = report_from_document(document)
    assert ("pack",) == tuple(one.kind for one in again.guardrails)
    assert render_comment(shown) == render_comment(again)


def test_a_report_without_packs_says_nothing_of_them() -> None:
    for make in SAMPLES.values():
        sample = make()
        assert "guardrails" not in report_document(sample)
        assert "Guardrails" not in render_comment(sample)
