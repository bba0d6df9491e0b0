"""The JSON document: valid against its published schema, and enough to render everything again."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from jsonschema import Draft202012Validator
from rendered import hostile_report
from report_samples import SAMPLES, comparison, config, improved, report, scorer

from llmops_git.configs.schema import load_schema
from llmops_git.errors import InvalidInput
from llmops_git.evals.values import Comparison, FlippedCase, RatioComparison, ScorerComparison, Spending
from llmops_git.reports.json_report import report_document, report_from_document
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.terminal import render_report

PARTS = {
    "comparison": Comparison,
    "scorer": ScorerComparison,
    "ratio": RatioComparison,
    "flipped": FlippedCase,
    "spending": Spending,
}


@pytest.fixture(scope="module")
def schema():
    return load_schema("report")


def strict(node):
    """The schema with no room for what it does not name."""
    if isinstance(node, dict):
        found = {key: strict(value) for key, value in node.items()}
        return {**found, "additionalProperties": False} if "required" in node else found
    return [strict(item) for item in node] if isinstance(node, list) else node


def test_the_schema_is_a_schema(schema):
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", SAMPLES)
def test_documents_hold_what_the_schema_names_and_nothing_else(name, schema):
    document = json.loads(json.dumps(report_document(SAMPLES[name]())))
    assert [] == [error.message for error in Draft202012Validator(strict(schema)).iter_errors(document)]


@pytest.mark.parametrize("name", PARTS)
def test_the_schema_names_every_field_of_the_values(name, schema):
    assert {field.name for field in dataclasses.fields(PARTS[name])} == set(schema["$defs"][name]["properties"])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_document_renders_as_the_report_it_came_from(name):
    original = SAMPLES[name]()
    document = json.loads(json.dumps(report_document(original)))
    again = report_from_document(document)
    assert document == report_document(again)
    assert render_comment(original) == render_comment(again)
    assert render_report(original, color=True, width=90) == render_report(again, color=True, width=90)


def test_hostile_text_survives_the_way_through_json():
    original = hostile_report("\x1b[2J <b> \u202e ``` | \n::error::x")
    document = json.loads(json.dumps(report_document(original)))
    assert render_comment(original) == render_comment(report_from_document(document))


def test_no_number_is_infinite():
    endless = scorer(low=-math.inf, high=math.nan)
    document = report_document(report(config(comparison(scorers=(endless,)))))
    json.dumps(document, allow_nan=False)
    assert document["configs"][0]["comparisons"][0]["scorers"][0]["low"] is None


def test_fields_of_a_later_version_are_left_aside():
    document = {**report_document(improved()), "mood": "good"}
    document["configs"][0]["comparisons"][0]["scorers"][0]["mood"] = "good"
    assert render_comment(improved()) == render_comment(report_from_document(document))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda document: document.update(schema="llmops-git/report/2"), "$.schema"),
        (lambda document: document.update(verdict="great"), "$.verdict"),
        (lambda document: document["configs"][0]["comparisons"][0].pop("scorers"), "$.configs[0].comparisons[0]"),
        (lambda document: document["configs"][0].update(notes="a"), "$.configs[0].notes"),
    ],
)
def test_a_document_that_is_no_report_is_refused_with_the_field(change, pointer):
    document = report_document(improved())
    change(document)
    with pytest.raises(InvalidInput) as caught:
        report_from_document(document, path="x/report.json")
    assert [("x/report.json", pointer)] == [(problem.path, problem.pointer) for problem in caught.value.problems]


@pytest.mark.parametrize("document", [None, [], "x", {}])
def test_a_value_that_is_no_document_is_refused(document):
    with pytest.raises(InvalidInput):
        report_from_document(document)


@pytest.mark.parametrize("number", ["1e999", "-1e300", "1" + "0" * 400])
def test_a_number_that_nothing_can_be_computed_with_is_refused(number):
    document = json.loads(json.dumps(report_document(improved())))
    document["configs"][0]["comparisons"][0]["scorers"][0]["delta"] = json.loads(number)
    with pytest.raises(InvalidInput, match="a number in it is too large"):
        report_from_document(document)


def test_values_of_users_may_be_as_large_as_they_like():
    document = json.loads(json.dumps(report_document(improved())))
    document["configs"][0]["change"]["fields"][0]["after"] = 2**64
    document["configs"][0]["comparisons"][0]["flipped"][0]["expected"] = {"seed": 10**40}
    assert "18446744073709551616" in render_comment(report_from_document(document))
