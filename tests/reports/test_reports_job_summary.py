"""The page of a run: everything, below a number of bytes, cut only between sections."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendered import ACTING, ALLOWED, COMMAND, MARKER, hostile_report, page_of
from report_samples import SAMPLES, comparison, config, flip, long, regressed, report, several

from llmops_git.reports.job_summary import SMALLEST_LIMIT, render_summary
from llmops_git.reports.markdown import render_comment


@pytest.mark.parametrize("name", SAMPLES)
def test_a_summary_holds_only_the_tags_it_is_made_of(name):
    page = page_of(render_summary(SAMPLES[name]()))
    assert {tag.removeprefix("/") for tag in page.tags} <= ALLOWED | {"h2"}
    assert page.tags.count("details") == page.tags.count("/details")


def test_a_summary_reads_as_its_snapshot(snapshot_file):
    text = render_summary(several(), notes=["measured on recorded replies"], links={"run": "https://example.com/runs/1"})
    assert snapshot_file("summary.md", text) == text


def test_everything_that_the_comment_leaves_out_is_there():
    comment, summary = render_comment(long()), render_summary(long())
    assert "left out" in comment
    assert "left out" not in summary
    assert 40 * 60 == summary.count("**Worse** <code>case-")
    assert "**Worse** <code>case-59</code>" not in comment


def test_flipped_cases_come_in_folds_that_say_which_they_are():
    flips = tuple(flip(f"case-{number:02}") for number in range(60))
    text = render_summary(report(config(comparison(flipped=flips))))
    assert 3 == text.count("60 cases got worse, 0 got better against")
    assert ": 26 to 50 of 60</summary>" in text


@pytest.mark.parametrize("limit", [SMALLEST_LIMIT, 40_000, 300_000, 1_000_000])
@pytest.mark.parametrize("letter", ["x", "\u00e4", "\U0001f600"])
def test_it_is_cut_by_bytes_between_sections(limit, letter):
    flips = tuple(flip(f"case-{number:02}", head_output=letter * 3_000) for number in range(80))
    text = render_summary(report(*(config(comparison(config=f"c-{n}", flipped=flips)) for n in range(8))), limit=limit)
    assert len(text.encode()) <= limit
    page = page_of(text)
    assert page.tags.count("details") == page.tags.count("/details")
    assert page.tags.count("pre") == page.tags.count("/pre")
    assert "sections left out: " in text


def test_the_tables_come_before_the_texts():
    text = render_summary(regressed())
    assert text.index("| verdict |") < text.index("How this was measured") < text.index("**Worse**")


def test_a_limit_that_cannot_be_kept_is_refused():
    with pytest.raises(ValueError, match="at least 10000"):
        render_summary(regressed(), limit=100)


@given(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(
            ["</details><h1>x", "```\n# x", "@a #1", "<!-- llmops-git:v1 key=x", "::error::x", "##[error]x", "| a |"]
        ),
    )
)
@example("1a2b3c4-x and (@a")
def test_hostile_texts_stay_where_they_are(text):
    summary = render_summary(hostile_report(text), notes=[text])
    page = page_of(summary)
    assert {tag.removeprefix("/") for tag in page.tags} <= ALLOWED | {"h2"}
    assert [pattern.findall(page.outside) for pattern in ACTING] == [[] for _ in ACTING]
    assert (None, None) == (MARKER.search(summary), COMMAND.search(summary))
