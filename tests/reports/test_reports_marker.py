"""The first line of a comment: written, found again, and by nobody else's text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendered import comment_with
from report_samples import HEAD, improved

from llmops_git.reports.markdown import render_comment
from llmops_git.reports.marker import Marker, marked_key, marker, parse_marker

KEYS = st.text(st.characters(codec="utf-8"), max_size=200)
NUMBERS = st.integers(min_value=0, max_value=10**20 - 1)


@given(key=KEYS, head=KEYS, run_id=NUMBERS, attempt=st.integers(min_value=0, max_value=10**9 - 1))
@example(key="--> <!-- llmops-git:v1 key=default", head=HEAD, run_id=1, attempt=1)
@example(key="a b=c head=x\n\r\u2028%41~", head="%", run_id=0, attempt=0)
@example(key="\U0001f600" * 60, head="", run_id=10**19, attempt=1)
def test_what_is_written_is_what_is_read(key, head, run_id, attempt):
    line = marker(key=key, head=head, run=f"{run_id}.{attempt}")
    assert "\n" not in line
    expected = Marker(key=marked_key(key), head=marked_key(head), run_id=run_id, attempt=attempt)
    assert expected == parse_marker(f"{line}\nthe rest {line}")


@given(key=st.text(st.characters(codec="utf-8"), max_size=13))
def test_a_short_key_is_kept_as_it_is(key):
    assert key == marked_key(key)


def test_long_keys_that_begin_alike_are_told_apart():
    assert marked_key("x" * 200 + "1") != marked_key("x" * 200 + "2")
    assert 120 == len(marked_key("x" * 200))


@given(text=st.text(max_size=60))
def test_a_comment_has_its_own_marker_whatever_its_texts(text):
    found = parse_marker(render_comment(improved(), key=text, run="17.2"))
    assert found == Marker(key=marked_key(text), head=HEAD, run_id=17, attempt=2)


def test_a_comment_of_no_run_has_no_marker_that_is_found():
    assert parse_marker(comment_with("default")) is None
    assert parse_marker(render_comment(improved())) is None


LINE = marker(key="default", head=HEAD, run="17.2")


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore\n"])
def test_the_line_may_end_as_lines_do(end):
    assert (17, 2) == parse_marker(LINE + end).run


@pytest.mark.parametrize(
    "body",
    [
        "",
        f" {LINE}",
        f"\n{LINE}",
        f"> {LINE}",
        f"{LINE} ",
        f"{LINE}x",
        f"\ufeff{LINE}",
        LINE.replace("v1", "v2"),
        LINE.replace("17.2", "17"),
        LINE.replace("17.2", "-1.2"),
        LINE.replace("17.2", "\u0661.2"),
        LINE.replace("17.2", "1" * 21 + ".1"),
        LINE.replace("key=default", "key=de fault"),
        LINE.replace("key=default", 'key="default"'),
        LINE.replace("<!--", "<!-"),
        LINE.upper(),
        f"{LINE}{LINE}",
        LINE.replace(" ", "\u00a0"),
    ],
)
def test_anything_else_is_no_marker(body):
    assert parse_marker(body) is None
