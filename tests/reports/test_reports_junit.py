"""JUnit XML as its consumers read it: valid, agreeing with the gate, and safe whatever the texts are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rendered import COMMAND, hostile_report
from report_samples import SAMPLES, not_evaluated, regressed, report, several, unevaluated
from test_reports_real import EVALUATED, evaluated, passes

from llmops_git.evals.values import SampleResult
from llmops_git.reports.junit import render_junit
from llmops_git.scorers.base import Score

# the schema by which Jenkins reads JUnit files (MIT, see its first lines)
SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "junit-10.xsd")


def rendered(name):
    made = EVALUATED[name]
    return render_junit(made, made.configs[0].runs)


def parsed(text):
    SCHEMA.validate(text)
    return ET.fromstring(text)


def with_must_pass(made, *cases):
    runs = tuple(replace(run, must_pass=cases) for run in made.configs[0].runs)
    return parsed(render_junit(made, runs))


@pytest.mark.parametrize("name", EVALUATED)
def test_every_real_report_is_valid_and_counts_right(name):
    root = parsed(rendered(name))
    for parent in (root, *root.iter("testsuite")):
        for attribute, element in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(parent.get(attribute)) == len(list(parent.iter(element)))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_without_samples_is_valid(name):
    parsed(render_junit(SAMPLES[name](), ()))


@pytest.mark.parametrize("name", EVALUATED)
def test_something_fails_exactly_where_the_gate_holds(name):
    root = parsed(rendered(name))
    assert EVALUATED[name].gate_passes == (root.get("failures") == root.get("errors") == "0")


def test_one_suite_per_baseline_and_one_test_per_case_and_scorer():
    root = parsed(rendered("worse"))
    (suite,) = root
    assert "support-router against the merge base 1a2b3c4d5" == suite.get("name")
    cases = [(case.get("classname"), case.get("name")) for case in suite]
    assert [("support-router.queue", f"case-{number:02}") for number in range(50)] == cases[:-1]
    assert ("support-router", "gate") == cases[-1]
    assert "2026-11-23T10:15:00" == suite.get("timestamp")


def test_cases_that_got_worse_under_a_regressed_scorer_fail_with_both_answers():
    root = parsed(rendered("worse"))
    failed = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert [f"case-{number}" for number in range(30, 48)] == [case.get("name") for case in failed[:-1]]
    failure = failed[0].find("failure")
    assert ("1 \u2192 0", "base: billing\nhead: general") == (failure.get("message"), failure.text)


def test_a_must_pass_case_that_fails_is_a_failure():
    root = with_must_pass(EVALUATED["must pass"], "case-00")
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert ["case-00", "gate"] == failed
    assert "must pass: 1 \u2192 0" == root.find(".//failure").get("message")


def test_a_must_pass_case_that_passes_is_none():
    assert "0" == with_must_pass(EVALUATED["better"], "case-00").get("failures")


def test_a_broken_budget_is_the_gates_own_failure():
    root = parsed(rendered("dearer"))
    (failed,) = [case for case in root.iter("testcase") if case.find("failure") is not None]
    assert "gate" == failed.get("name")
    assert "cost" in failed.find("failure").text


def test_what_was_not_measured_is_an_error_where_it_holds_the_change():
    root = parsed(rendered("errors"))
    assert 21 == int(root.get("errors"))
    assert "not measured: rate_limit" == root.find(".//error").get("message")


def test_a_hole_that_the_gate_lets_through_is_skipped():
    made = evaluated(passes(48), [None, *passes(47, 49)])
    root = parsed(render_junit(made, made.configs[0].runs))
    assert made.gate_passes
    assert ("0", "0", 1) == (root.get("failures"), root.get("errors"), len(list(root.iter("skipped"))))


def test_a_scorer_that_does_not_apply_is_skipped():
    made = EVALUATED["same"]
    runs = tuple(
        replace(run, samples=(replace(run.samples[0], scores={"queue": Score(state="not_applicable")}), *run.samples[1:]))
        for run in made.configs[0].runs
    )
    assert "the scorer does not apply" == parsed(render_junit(made, runs)).find(".//skipped").get("message")


def test_production_is_listed_and_never_fails():
    made = SAMPLES["with_production"]()
    suites = parsed(render_junit(made, made.configs[0].runs)).findall("testsuite")
    assert ["support-router against production support-router/v1.4.0", "0"] == [
        suites[1].get("name"),
        suites[1].get("failures"),
    ]
    assert ["gate"] == [case.get("name") for suite in suites for case in suite]


def test_a_config_without_an_evaluation_is_skipped_or_fails_as_the_gate_says():
    assert "1" == parsed(render_junit(not_evaluated(), ())).find("testsuite").get("skipped")
    held = report(unevaluated(gate_passes=False))
    assert "1" == parsed(render_junit(held, ())).get("failures")


def test_problems_in_the_files_are_errors():
    (case,) = parsed(render_junit(several(), ())).find("testsuite[@name='files']")
    assert "prompts/old.yaml:3:5: unknown key `temprature`" == case.get("name")
    assert "did you mean `temperature`?" == case.find("error").get("message")


def test_the_mean_of_several_runs_is_shown():
    made = EVALUATED["worse"]
    base, head = reversed(made.configs[0].runs)
    again = SampleResult(case="case-30", repeat=1, output="billing", scores={"queue": Score(value=1.0)})
    runs = (base, replace(head, samples=(*head.samples, again), repeats=2))
    failures = parsed(render_junit(made, runs)).iter("failure")
    assert "1 \u2192 0.5" == next(iter(failures)).get("message")


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=60), st.text(st.characters(categories=("Cc", "Cf", "Cn", "Cs", "Co")), max_size=20)))
@example("]]></failure><testcase name='x'/>")
@example("&#0;\x00\x1b[31m\ufffe\uffff\ud800\U0001ffff\u202e")
@example("a\n::error::b\r\n  ::set-output name=verdict::improved")
def test_hostile_texts_make_no_element_and_no_character_that_xml_lacks(text):
    made = EVALUATED["worse"]
    hostile = hostile_report(text)
    runs = tuple(
        replace(run, samples=tuple(replace(sample, output=text) for sample in run.samples)) for run in made.configs[0].runs
    )
    for xml in (render_junit(hostile, ()), render_junit(made, runs)):
        root = parsed(xml)
        assert {"testsuites", "testsuite", "testcase", "failure", "error", "skipped"} >= {node.tag for node in root.iter()}
        assert COMMAND.search(xml) is None
        assert not {"\x1b", "\x00", "\u202e"} & set(xml)


def test_a_regression_without_runs_still_fails():
    assert "1" == parsed(render_junit(regressed(), ())).get("failures")
