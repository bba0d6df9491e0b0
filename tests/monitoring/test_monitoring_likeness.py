"""Texts that say nearly the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.monitoring.likeness import Known, known_texts, likeness, shingles, text_of

LONG = "Hello, I ordered two lamps last week and order {} has still not arrived; could you please tell me where it is now?"


def test_inputs_are_one_text_whatever_the_order_of_their_names() -> None:
    assert text_of({"a": "x", "b": {"d": 1, "c": [2]}}) == text_of({"b": {"c": [2], "d": 1}, "a": "x"})


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (LONG.format(17), LONG.format("4,211"), True),  # another number is not another question
        (LONG.format(17), LONG.format(17).upper().replace(",", ""), True),
        (LONG.format(17), LONG.format(17) + " Thanks!", True),
        (
            LONG.format(17),
            "Hello, I ordered two lamps last week and now I want to send one of them back; how do I do that?",
            False,
        ),
        ("Where is my order?", "where is my   ORDER", True),
        ("Where is my order?", "Where is my refund?", False),
        ("What is 12 + 30?", "What is 12 + 31?", False),  # in a short text each number counts
        ("yes", "no", False),
        ("", "", True),
        ("ok", "ok!", True),
    ],
)
def test_the_same_question_again_is_known(first: str, second: str, same: bool) -> None:
    known = known_texts(
        [("other", "Something else entirely is said here, at about the same length as the rest."), ("first", first)]
    )
    assert ("first" if same else None) == known.like(second)


def test_the_most_alike_is_named() -> None:
    known = known_texts([("far", LONG.format(1) + " Thanks a lot in advance"), ("near", LONG.format(1))])
    assert "near" == known.like(LONG.format(2))


@given(st.text(max_size=80))
def test_every_text_is_like_itself(text: str) -> None:
    known = Known()
    known.add("it", text)
    assert "it" == known.like(text)
    assert 1.0 == likeness(shingles(text), shingles(text))


def test_an_eval_set_of_thousands_is_searched_in_milliseconds() -> None:
    rows = [
        (
            str(number),
            f"row {'abcdefghij'[number % 10]} " + " ".join(f"w{chr(97 + number * k % 26)}{number * k % 97}" for k in range(30)),
        )
        for number in range(3000)
    ]
    began = time.process_time()
    known = known_texts(rows)
    assert all(known.like(text) is not None for _, text in rows[:20])
    assert time.process_time() - began < 3
