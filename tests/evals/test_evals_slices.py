"""Slices by tag and ratio scorers: what is shown of them, and what they never decide."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from gate_values import BINARY, HARM, NOT_APPLICABLE, compared, evaluation_of, run_of
from jsonschema import Draft202012Validator

from llmops_git.configs.schema import load_schema
from llmops_git.evals.values import ScorerDeclaration, SliceComparison
from llmops_git.reports.json_read import _comparison as comparison_from
from llmops_git.reports.json_report import _comparison as comparison_document
from llmops_git.reports.rows import table

TTFT = ScorerDeclaration(name="first", use="ttft", direction="lower", scale="continuous", step=0.25, ratio=True)
TOKENS = ScorerDeclaration(name="written", use="tokens", direction="lower", scale="continuous", step=0.25, ratio=True)


def tagged(n, tags, **more):
    """An evaluation whose cases have tags: tag -> indexes."""
    evaluation = evaluation_of(n, **more)
    cases = [
        replace(case, tags=tuple(tag for tag, of in tags.items() if index in of)) for index, case in enumerate(evaluation.cases)
    ]
    return replace(evaluation, cases=tuple(cases), slices=tuple(tags))


def test_a_slice_has_the_means_and_the_difference_of_its_own_cases():
    evaluation = tagged(40, {"refund": range(10), "few": range(3)})
    comparison = compared([1] * 40, [0] * 8 + [1] * 32, evaluation=evaluation)
    refund, few = comparison.slices
    assert (refund.tag, refund.scorer, refund.cases, refund.base, refund.head) == ("refund", "queue", 10, 1, pytest.approx(0.2))
    assert refund.delta == pytest.approx(-0.8)
    assert refund.low < -0.8 < refund.high < 0
    assert (few.cases, few.head, few.low, few.high) == (3, 0, None, None)


def test_a_slice_decides_nothing():
    rows = [0] * 10 + [1] * 190
    with_slices = compared([1] * 200, rows, evaluation=tagged(200, {"refund": range(10)}))
    without = compared([1] * 200, rows, evaluation=evaluation_of(200))
    assert with_slices.slices[0].high < 0
    assert replace(with_slices, slices=()) == without


def test_a_slice_of_a_scorer_that_is_better_when_lower_has_its_interval_the_right_way_round():
    found = compared([0.25] * 10, [0.75] * 10, declaration=HARM, evaluation=tagged(10, {"t": range(10)})).slices[0]
    assert found.delta == pytest.approx(0.5)
    assert found.low < -0.5 < found.high < 0


def test_cases_that_do_not_apply_are_not_in_a_slice():
    rows = [NOT_APPLICABLE] * 4 + [1] * 6
    assert compared(rows, rows, evaluation=tagged(10, {"t": range(6)})).slices[0].cases == 2
    nothing = compared(rows, rows, evaluation=tagged(10, {"t": range(3)})).slices[0]
    assert (nothing.cases, nothing.base, nothing.delta, nothing.low) == (0, None, None, None)


def test_without_a_base_a_slice_has_the_mean_of_the_head():
    found = compared(None, [1] * 5 + [0] * 5, evaluation=tagged(10, {"t": range(4, 8)})).slices
    assert found == (SliceComparison(tag="t", scorer="queue", direction="higher", cases=4, head=0.25),)


def test_a_slice_is_the_last_row_of_the_table_and_has_no_verdict():
    rows = table(compared([1] * 30, [0] * 10 + [1] * 20, evaluation=tagged(30, {"refund": range(10)})))
    assert (rows[-1].verdict, rows[-1].level, rows[-1].cases) == ("", "info", "10")
    assert (rows[-1].base, rows[-1].head) == ("100.0 %", "0.0 %")


def test_slices_are_in_the_report_document_and_old_documents_have_none():
    comparison = compared([1] * 30, [1] * 30, evaluation=tagged(30, {"refund": range(10)}))
    document = json.loads(json.dumps(comparison_document(comparison)))
    schema = load_schema("report")
    validator = Draft202012Validator({**schema["$defs"]["comparison"], "$defs": schema["$defs"]})
    ids = {"base_digest": "", "head_digest": "", "eval_digest": ""}
    assert [error.message for error in validator.iter_errors({**document, **ids})] == []
    assert comparison_from(document).slices == comparison.slices
    del document["slices"]
    assert comparison_from(document).slices == ()


def ratios(base, head, budgets, declarations=(BINARY, TOKENS)):
    return compared(base, head, declarations=declarations, evaluation=evaluation_of(len(head), budgets=budgets))


def test_a_scorer_of_tokens_is_compared_by_ratio_and_held_to_the_budget_of_its_name():
    comparison = ratios([(1, 100)] * 20, [(1, 130)] * 20, {"written": 1.1})
    written = next(ratio for ratio in comparison.ratios if ratio.name == "written")
    assert (written.unit, written.base, written.head, written.state) == ("tokens", 100, 130, "over")
    assert written.ratio == pytest.approx(1.3)
    assert comparison.hard_failures == ("written: 1.30 times the base's (at least 1.30), over the budget of 1.1",)


def test_without_a_budget_tokens_are_shown():
    comparison = ratios([(1, 100)] * 20, [(1, 130)] * 20, {})
    assert comparison.hard_failures == ()
    assert [row.label for row in table(comparison)][-1][0].text == "written"


def test_the_first_token_is_the_median_in_seconds():
    comparison = ratios([(1, 0.2)] * 9 + [(1, 9.0)], [(1, 0.1)] * 10, {}, (BINARY, TTFT))
    first = next(ratio for ratio in comparison.ratios if ratio.name == "first")
    assert (first.unit, first.base, first.head) == ("seconds", 0.2, 0.1)


def test_a_head_alone_shows_its_tokens():
    comparison = compared(None, [(1, 100)] * 20, declarations=(BINARY, TOKENS))
    assert [(ratio.name, ratio.head) for ratio in comparison.ratios][-1] == ("written", 100)


def test_a_budget_for_which_nothing_is_measured_says_so():
    found = ratios([(1, 1)] * 20, [(1, 1)] * 20, {"acme": 1.1}).ratios[-1]
    assert (found.name, found.state, found.max_ratio) == ("acme", "not measured", 1.1)


def test_a_slower_first_token_is_no_slower_reply():
    base, head = run_of([(1, 0.1)] * 10, declarations=(BINARY, TTFT)), run_of([(1, 0.2)] * 10, declarations=(BINARY, TTFT))
    assert base.scorers == head.scorers
    by_name = {ratio.name: ratio.ratio for ratio in ratios([(1, 0.1)] * 10, [(1, 0.2)] * 10, {}, (BINARY, TTFT)).ratios}
    assert by_name == {"cost": None, "latency": None, "first": pytest.approx(2.0)}
