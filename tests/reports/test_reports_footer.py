"""The last line of a comment, the notes above its tables, and what it says where nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from rendered import page_of
from report_samples import BASE_DIGEST, HEAD, SAMPLES, comparison, config, improved, long, no_changes, report, several

from llmops_git.errors import Problem
from llmops_git.reports.footer import age_in_words, links_line
from llmops_git.reports.html import render_html
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.terminal import render_report

BASE_LINE = "<sub>base <code>1a2b3c4d5</code>{} \u00b7 eval set <code>e7e7e7e7e7e7</code></sub>"


def measured_at(made, started):
    """The report with its base measured at another time."""
    one = made.configs[0]
    runs = tuple(replace(run, started_at=started) if run.config_digest == BASE_DIGEST else run for run in one.runs)
    return replace(made, configs=(replace(one, runs=runs),))


def last_line(made, **options):
    return render_comment(made, **options).rstrip("\n").split("\n")[-1]


@pytest.mark.parametrize(
    ("started", "said"),
    [
        ("2026-11-23T10:15:00+00:00", ""),
        ("2026-11-23T09:16:00+00:00", ""),
        ("2026-11-23T09:15:00+00:00", ", measured 1 hour earlier"),
        ("2026-11-23T05:00:00+01:00", ", measured 6 hours earlier"),
        ("2026-11-20T10:15:00+00:00", ", measured 3 days earlier"),
        ("2026-11-24T10:15:00+00:00", ""),
        ("2026-11-20T10:15:00", ""),
        ("yesterday", ""),
    ],
)
def test_the_baseline_is_named_with_its_age(started, said):
    assert BASE_LINE.format(said) == last_line(measured_at(improved(), started))


@pytest.mark.parametrize(("hours", "said"), [(1, "1 hour"), (23.9, "23 hours"), (24, "1 day"), (71, "2 days")])
def test_ages_are_whole_units(hours, said):
    assert said == age_in_words(timedelta(hours=hours))


def test_what_is_not_true_of_every_config_is_not_said():
    one, other = comparison(), comparison(config="b", eval_digest="sha256:" + "0" * 64)
    assert "<sub>base <code>1a2b3c4d5</code></sub>" == last_line(report(config(one), config(other)))
    other = replace(other, base_name="f" * 40)
    assert "<sub>" not in last_line(report(config(one), config(other)))


def test_a_new_config_has_no_baseline_to_name():
    assert "<sub>" not in render_comment(SAMPLES["new_config"]())


def test_links_come_last_and_lead_where_they_say():
    links = {"this run": "https://github.example.com/o/r/actions/runs/1?a=1&b=2", "report": "", "a <b>": "http://localhost:1/x"}
    page = page_of(render_comment(improved(), links=links))
    hrefs = [value for name, value in page.attributes if name == "href"]
    assert ["https://github.example.com/o/r/actions/runs/1?a=1&b=2", "http://localhost:1/x"] == hrefs
    assert "a &lt;b&gt;</a></sub>" in last_line(improved(), links=links)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x/ y", 'https://x/"><b>', "//x", "https://x/\n", "https://x/`"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="not an address"):
        links_line({"x": url})


def test_links_outlive_all_but_the_last_step_of_shortening():
    assert "https://example.com/1" in render_comment(long(), links={"run": "https://example.com/1"}, limit=3_000)


def test_notes_stand_above_the_tables_and_are_harmless():
    comment = render_comment(several(), notes=("measured in the fork's own job, not verified", "<b>@team</b>"))
    assert comment.index("> [!NOTE]\n> Measured in the fork&#39;s own job, not verified\n>\n> <code>") < comment.index(
        "| config |"
    )
    assert "<b>" not in comment


def test_no_change_is_said_in_two_sentences():
    expected = (
        f"<!-- llmops-git:v1 key=default head={HEAD} run=17.1 -->\n"
        "### \u2705 No config changed\n\n"
        "14 configs looked at: what reaches a model, and how it is scored, is the same as before.\n\n"
        '<sub><a href="https://example.com/1">this run</a></sub>\n'
    )
    assert expected == render_comment(no_changes(), run="17.1", links={"this run": "https://example.com/1"})


def test_a_column_of_the_summary_that_says_nothing_is_left_out():
    free = tuple(config(comparison(config=name, ratios=())) for name in "ab")
    assert "| config | verdict | quality |\n" in render_comment(report(*free))


def test_a_failure_that_no_file_caused_is_said_without_a_place():
    failed = report(
        verdict="invalid", gate_passes=False, problems=(Problem(path="", message="the remote is away", hint="again"),)
    )
    comment = render_comment(failed)
    assert "It could not be evaluated." in comment
    assert "**1 problem**\n\n- the remote is away (again)" in comment
    assert "  - the remote is away\n    hint: again" in render_report(failed, color=False, width=80)
    assert "<li>the remote is away (hint: again)</li>" in render_html(failed, ())
