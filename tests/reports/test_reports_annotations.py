"""Remarks at lines: what is said, how loudly, where, and never more than the page shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import hostile_report
from report_samples import (
    CHANGE,
    REGRESSED,
    SAMPLES,
    comparison,
    config,
    improved,
    invalid,
    leaning,
    no_changes,
    regressed,
    report,
    unevaluated,
)

from llmops_git.configs.values import FieldChange
from llmops_git.errors import Problem
from llmops_git.forges.joblog import Annotation
from llmops_git.reports.annotations import MOST, annotations_of
from llmops_git.reports.places import line_of, line_with, lines_in, place_of, pointer_of

YAML = b"""name: support-router
model:
  provider: local
  id: m
  parameters: {temperature: 0, max_tokens: 32}
messages:
  - role: system
    file: support-router/system.j2
  - role: user
    content: "{{ message }}"
tools:
  - support-router/lookup.json
"""
TONE = b"Speak plainly.\nBe brief and kind.\n"


def levels(made):
    return [remark.level for remark in annotations_of(made)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("improved", ["notice"]),
        ("regressed", ["error", "error"]),
        ("must_pass_only", ["error"]),
        ("inconclusive_leaning_worse", ["warning"]),
        ("invalid", ["error"]),
        ("no_changes", []),
        ("not_evaluated", ["warning"]),
        ("new_config", []),
        ("with_production", ["notice"]),
        ("several_configs", ["error", "error", "warning", "notice"]),
    ],
)
def test_what_the_gate_holds_is_an_error_and_what_is_not_proven_a_warning(name, expected):
    assert expected == levels(SAMPLES[name]())


def test_a_regression_says_its_numbers():
    expected = Annotation(
        level="error",
        title="support-router: regressed",
        message="queue 84.0 % \u2192 64.0 %, \u221220.0 pts [\u221230.6, \u22127.8] against the merge base 1a2b3c4d5, 50 cases",
        path="prompts/support-router.yaml",
    )
    assert expected == annotations_of(regressed())[1]


def test_a_broken_hard_rule_comes_first():
    assert "refund-angry: must pass, failed queue in 1 of 1 runs" == annotations_of(regressed())[0].message


def test_what_could_not_be_measured_says_why():
    assert annotations_of(invalid())[0].message.startswith("the head failed on 38.0 % of its samples")


def test_an_inconclusive_change_that_is_held_is_an_error():
    held = config(comparison(verdict="inconclusive"), verdict="inconclusive", gate_passes=False)
    assert ["error"] == levels(report(held))


def test_a_regression_that_the_gate_lets_through_is_a_warning():
    let = config(comparison(scorers=(REGRESSED,), verdict="regressed", gate_passes=True))
    assert ["warning"] == levels(report(let))


def test_a_removed_config_is_no_remark():
    gone = unevaluated(change=replace(CHANGE, status="removed"), verdict="unchanged")
    assert [] == levels(report(gone))


def test_a_problem_stands_at_its_line_with_its_hint():
    problem = Problem(path="prompts/a.yaml", line=3, message="unknown key `x`", hint="did you mean `y`?", severity="warning")
    expected = Annotation(
        level="warning", title="llmops-git", message="unknown key `x` (hint: did you mean `y`?)", path="prompts/a.yaml", line=3
    )
    assert [expected] == annotations_of(replace(no_changes(), problems=(problem,)))


@pytest.mark.parametrize("count", [9, 10, 11, 40])
def test_at_most_ten_of_a_level_and_the_last_says_how_many_more(count):
    failures = tuple(f"rule {number}" for number in range(count))
    held = config(comparison(hard_failures=failures, verdict="regressed", gate_passes=False, scorers=()))
    warnings = tuple(Problem(path="a", message="m", severity="warning") for _ in range(count))
    remarks = annotations_of(report(held, problems=warnings))
    for level in ("error", "warning"):
        own = [remark.message for remark in remarks if remark.level == level]
        assert min(count, MOST) == len(own)
        if count > MOST:
            assert f"and {count - MOST + 1} more {level}s: the report has all of them" == own[-1]


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("model.id", 4),
        ("model.parameters.max_tokens", 5),
        ("model.parameters.top_p", 5),  # a default that is not written: the nearest that is
        ("messages[1].template", 9),
        ("messages[0].template", 7),
        ("tools.lookup_order.parameters", 11),
        ("retrieval.corpus[help/returns.md]", 1),
        ("", 1),
    ],
)
def test_the_line_of_a_field_is_found_in_the_yaml(field, line):
    assert line == line_of(YAML, field)


def test_a_path_is_taken_apart_as_it_was_put_together():
    assert ("a", 0, "b-c", "d e.f", "g") == pointer_of("a[0].b-c[d e.f].g")


@pytest.mark.parametrize("data", [b"\xff", b"{", b"a: 1\na: 2\n", b"a: &x [*x]"])
def test_a_file_that_is_no_yaml_has_no_lines(data):
    assert 0 == line_of(data, "model.id")


def test_a_changed_template_is_found_by_its_new_text():
    assert 2 == line_with(TONE, CHANGE.fields[0])
    assert 0 == line_with(TONE, FieldChange(path="x", before="a", after="not there"))
    assert 0 == line_with(TONE, FieldChange(path="x", before=1, after=2))


def test_a_remark_stands_where_the_change_was_made():
    files = {"prompts/support-router.yaml": YAML, "prompts/shared/tone.j2": TONE}
    assert ("prompts/shared/tone.j2", 2) == place_of(CHANGE, lines_in(files))
    own = replace(CHANGE, because=(("prompts/support-router.yaml",),), fields=CHANGE.fields[1:])
    assert ("prompts/support-router.yaml", 5) == place_of(own, lines_in(files))
    assert ("prompts/support-router.yaml", 0) == place_of(CHANGE, lines_in({}))
    assert ("", 0) == place_of(replace(CHANGE, because=()), lines_in(files))


def test_an_include_alone_is_shown_in_the_include():
    only = replace(CHANGE, because=CHANGE.because[:1])
    assert ("prompts/shared/tone.j2", 0) == place_of(only, lines_in({}))


def test_the_lookup_of_the_caller_is_used():
    remarks = annotations_of(improved(), lines=lines_in({"prompts/shared/tone.j2": TONE}))
    assert [("prompts/shared/tone.j2", 2)] == [(remark.path, remark.line) for remark in remarks]


def test_leaning_worse_is_in_the_title():
    assert "support-router: inconclusive, leaning worse" == annotations_of(leaning())[0].title


@given(st.text(max_size=80))
def test_messages_are_one_line_without_control_characters(text):
    for remark in annotations_of(hostile_report(text)):
        for said in (remark.title, remark.message):
            assert not {"\n", "\r", "\x1b", "\u202e"} & set(said)
            assert len(said) <= 2_500
