"""Word and line differences: they spell both texts, say little where little changed, and end in bounded time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import FieldChange
from llmops_git.reports.fields_text import field_lines, word_lines
from llmops_git.reports.style import Paint
from llmops_git.reports.words import Piece, line_diff, word_diff

PLAIN = Paint(color=False)
TEXTS = st.one_of(st.text(max_size=60), st.text(alphabet="ab \n.", max_size=60))


@given(TEXTS, TEXTS)
def test_a_word_diff_spells_both_texts(before, after):
    pieces = word_diff(before, after)
    assert before == "".join(piece.text for piece in pieces if piece.kind != "added")
    assert after == "".join(piece.text for piece in pieces if piece.kind != "removed")


@given(TEXTS, TEXTS)
def test_a_line_diff_spells_both_texts(before, after):
    pieces = line_diff(before, after)
    assert before.split("\n") == [piece.text for piece in pieces if piece.kind != "added"]
    assert after.split("\n") == [piece.text for piece in pieces if piece.kind != "removed"]


@given(TEXTS)
def test_equal_texts_have_no_difference(text):
    assert all(piece.kind == "same" for piece in word_diff(text, text))


def test_only_the_words_that_differ_are_marked():
    expected = (
        Piece("same", "You are a "),
        Piece("removed", "helpful"),
        Piece("added", "careful"),
        Piece("same", " router."),
    )
    assert expected == word_diff("You are a helpful router.", "You are a careful router.")


def test_neighbouring_words_are_one_change():
    assert ["[-very helpful-]{+quite careful+} router"] == word_lines(
        "very helpful router", "quite careful router", paint=PLAIN
    )


def test_unchanged_stretches_are_cut_to_a_little_context():
    before = "\n".join(f"line {number}" for number in range(20))
    expected = [
        "\u2026 8 lines unchanged",
        "line 8",
        "line 9",
        "[-line-]{+row+} 10",
        "line 11",
        "line 12",
        "\u2026 7 lines unchanged",
    ]
    assert expected == word_lines(before, before.replace("line 10", "row 10"), paint=PLAIN)


def test_a_newline_that_goes_is_drawn():
    assert ["a", "[-\u21b5-]", "b"] == word_lines("a\n\nb", "a\nb", paint=PLAIN)


def test_a_tab_that_comes_is_drawn():
    assert ["    a[- -]{+\u21e5+}b"] == word_lines("\ta b", "\ta\tb", paint=PLAIN)


def _hard_texts() -> dict[str, tuple[str, str]]:
    source = random.Random(1)
    few = [" ".join(source.choice("ab") for _ in range(2_000)) for _ in range(2)]
    apart = ["".join(f"k{number} {letter}{number} " for number in range(3_000)) for letter in "xy"]
    lines = ["\n".join(f"k{number}\n{letter}{number}" for number in range(5_000)) for letter in "xy"]
    return {
        "two words at random": (few[0], few[1]),
        "every other word": (apart[0], apart[1]),
        "every other line": (lines[0], lines[1]),
        "a megabyte": ("a b " * 250_000, "b a c " * 160_000),
        "one long word": ("x" * 500_000, "x" * 499_999 + "y"),
    }


@pytest.mark.parametrize("name", _hard_texts())
def test_hard_texts_end_in_bounded_time(name):
    before, after = _hard_texts()[name]
    start = time.process_time()
    pieces = word_diff(before, after)
    assert time.process_time() - start < 3
    assert after == "".join(piece.text for piece in pieces if piece.kind != "removed")


def test_short_values_stand_on_the_line_of_their_field():
    assert ["model.id  a-1 \u2192 a-2"] == field_lines(FieldChange(path="model.id", before="a-1", after="a-2"), paint=PLAIN)


def test_a_missing_side_is_not_an_empty_one():
    assert ["x  (none) \u2192 1"] == field_lines(FieldChange(path="x", before=None, after=1), paint=PLAIN)
    assert ['x  "" \u2192 y'] == field_lines(FieldChange(path="x", before="", after="y"), paint=PLAIN)


def test_objects_are_compared_in_one_layout():
    before = {"type": "object", "properties": {"queue": {"type": "string"}, "reason": {"type": "string"}}}
    after = {"type": "object", "properties": {"queue": {"type": "string"}}}
    lines = field_lines(FieldChange(path="output.schema", before=before, after=after), paint=PLAIN)
    assert "output.schema" == lines[0]
    assert not any("+}" in line for line in lines)
    assert any("reason" in line and "[-" in line for line in lines)


def test_a_very_long_field_is_cut():
    change = FieldChange(path="x", before="", after="\n".join(str(number) for number in range(1_000)))
    lines = field_lines(change, paint=PLAIN)
    assert 402 == len(lines)
    assert "  \u2026 600 more lines" == lines[-1]


def test_colour_is_never_the_only_carrier():
    plain = word_lines("a b", "a c", paint=PLAIN)
    coloured = word_lines("a b", "a c", paint=Paint(color=True))
    assert ["a [-b-]{+c+}"] == plain
    assert ["a \x1b[31m[-b-]\x1b[0m\x1b[32m{+c+}\x1b[0m"] == coloured
