"""Slices, budgets of scorers, combinations: what an evaluation may name, and what its digest is made of."""

from __future__ import annotations

import pytest
from sample_config import changed, load, problems

DATASET = "evals/support-router.jsonl"
ROWS = {
    DATASET: '{"inputs": {"message": "a"}, "tags": ["refund", "german"]}\n{"inputs": {"message": "b"}, "tags": ["german"]}\n'
}
QUEUE = "queue: {use: exact, field: queue}"


def evaluation(*edits: tuple[str, str]):
    return load(changed(ROWS, *edits)).evaluation


def messages(*edits: tuple[str, str]) -> list[tuple[str, str]]:
    return [(problem.message, problem.hint) for problem in problems(changed(ROWS, *edits)) if problem.severity == "error"]


def test_slices_are_tags_of_cases_and_not_in_the_digest() -> None:
    sliced = evaluation(("  budgets", "  slices: [german, refund]\n  budgets"))
    assert sliced.slices == ("german", "refund")
    assert sliced.digest == evaluation().digest


def test_a_slice_without_a_case_is_an_error() -> None:
    found = messages(("  budgets", "  slices: [refunds]\n  budgets"))
    assert found == [("no case has the tag `refunds`", "did you mean `refund`?")]


def test_a_budget_holds_what_is_compared_by_ratio() -> None:
    with_tokens = [
        (QUEUE, f"{QUEUE}\n    written: {{use: tokens, count: output}}"),
        ("budgets: {cost: {max_ratio: 1.10}}", "budgets: {written: {max_ratio: 1.2}}"),
    ]
    assert evaluation(*with_tokens).budgets == {"written": 1.2}


@pytest.mark.parametrize("name", ["queue", "latency", "writen"])
def test_a_budget_of_anything_else_is_an_error(name: str) -> None:
    edits = [
        (QUEUE, f"{QUEUE}\n    written: {{use: tokens}}"),
        ("budgets: {cost: {max_ratio: 1.10}}", f"budgets: {{{name}: {{max_ratio: 1.2}}}}"),
    ]
    assert messages(*edits)[0][0] == f"nothing is compared by ratio under `{name}`"


def test_a_single_text_is_a_list_of_one_and_a_default_that_is_written_out_no_change() -> None:
    one = evaluation((QUEUE, "queue: {use: starts_with, text: Dear}"))
    assert one.digest == evaluation((QUEUE, "queue: {use: starts_with, text: [Dear], strip: true, negate: false}")).digest
    assert one.digest != evaluation((QUEUE, "queue: {use: starts_with, text: Dear, negate: true}")).digest


def test_the_weights_of_a_combination_are_in_the_digest() -> None:
    digests = {evaluation((QUEUE, f"{QUEUE}\n    all: {{use: weighted, of: {{queue: {weight}}}}}")).digest for weight in (1, 2)}
    assert len(digests) == 2
