"""The report on a terminal. Snapshots: `pytest tests/reports --snapshot-update`, then read the difference."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import COMMAND, hostile_report
from report_samples import SAMPLES, improved, regressed
from test_reports_escape import FRAGMENTS, HOSTILE, SPECIAL

from llmops_git.reports.style import Paint, columns, display_width, pad, wrap
from llmops_git.reports.terminal import render_report

SGR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def assert_inert(text: str) -> None:
    assert CONTROL.search(SGR.sub("", text)) is None
    assert COMMAND.search(SGR.sub("", text)) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_as_its_snapshot(name, snapshot_file):
    text = render_report(SAMPLES[name](), color=False, width=100) + "\n"
    assert snapshot_file(f"{name}.txt", text) == text


@pytest.mark.parametrize("name", SAMPLES)
def test_colours_change_nothing_but_colours(name):
    plain = render_report(SAMPLES[name](), color=False, width=100)
    assert plain == SGR.sub("", render_report(SAMPLES[name](), color=True, width=100))
    assert "\x1b" not in plain


def test_the_verdict_comes_first():
    assert "\u2713 Improved: ship it" == render_report(improved(), color=False, width=100).split("\n")[0]


def test_the_columns_of_a_table_are_aligned():
    lines = render_report(regressed(), color=False, width=100).split("\n")
    start = next(index for index, line in enumerate(lines) if "worse / better" in line)
    ends = [line.index("%") if "%" in line else None for line in lines[start + 1 : start + 3]]
    assert ends[0] == ends[1]
    assert lines[start].index("worse / better") + len("worse / better") == lines[start + 1].index("11 / 1") + len("11 / 1")


def test_prose_keeps_to_the_width():
    lines = render_report(SAMPLES["with_production"](), color=False, width=60).split("\n")
    assert all(len(line) <= 60 for line in lines if line.startswith("  - "))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_cannot_act_on_a_terminal_or_a_log(text):
    assert_inert(render_report(hostile_report(text), color=True, width=80))


@given(st.one_of(st.text(max_size=80), SPECIAL, FRAGMENTS))
def test_no_text_brings_its_own_escape_sequence(text):
    assert_inert(render_report(hostile_report(text), color=True, width=40))


def test_wide_characters_take_two_cells():
    assert 4 == display_width("\u65e5\u672c")
    assert 1 == display_width("e\u0301")
    assert "\u65e5\u672c  |" == pad("\u65e5\u672c", 6) + "|"


def test_empty_columns_vanish():
    assert ["a   b", "cc  d"] == columns([["a", "", "b"], ["cc", "", "d"]], ["<", "<", "<"])


def test_wrapped_text_hangs():
    assert ["- " + "word " * 6 + "word", "  word word"] == wrap("word " * 9, 40, first="- ")


def test_paint_colours_each_line_and_nothing_without_colour():
    assert "\x1b[1;31ma\x1b[0m\n\x1b[1;31mb\x1b[0m" == Paint(color=True)("a\nb", "bold", "red")
    assert "a" == Paint(color=False)("a", "red")
