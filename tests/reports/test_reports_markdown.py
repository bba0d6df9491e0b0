"""The pull-request comment. Snapshots: `pytest tests/reports --snapshot-update`, then read the difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rendered import ALLOWED, page_of
from report_samples import (
    BASE,
    HEAD,
    LEANING,
    REGRESSED,
    RELEASE,
    SAMPLES,
    comparison,
    config,
    flip,
    improved,
    leaning,
    long,
    no_changes,
    regressed,
    report,
    scorer,
    several,
)

from llmops_git.reports.details import STEPS
from llmops_git.reports.markdown import SMALLEST_LIMIT, comment_text, render_comment
from llmops_git.reports.marker import marker


@pytest.mark.parametrize("name", SAMPLES)
def test_a_comment_reads_as_its_snapshot(name, snapshot_file):
    comment = render_comment(SAMPLES[name](), run="17.1")
    assert snapshot_file(f"{name}.md", comment) == comment


def test_a_long_report_is_shortened_as_its_snapshot(snapshot_file):
    comment = render_comment(long(), run="17.1", limit=12_000)
    assert snapshot_file("long.md", comment) == comment


@pytest.mark.parametrize("name", SAMPLES)
def test_a_comment_holds_only_the_tags_it_is_made_of(name):
    page = page_of(render_comment(SAMPLES[name]()))
    assert {tag.removeprefix("/") for tag in page.tags} <= ALLOWED
    assert page.tags.count("details") == page.tags.count("/details")


def test_the_first_line_is_the_marker():
    comment = render_comment(improved(), key="nightly", run="17.2")
    assert f"<!-- llmops-git:v1 key=nightly head={HEAD} run=17.2 -->" == comment.split("\n")[0]
    assert marker(key="nightly", head=HEAD, run="17.2") == comment.split("\n")[0]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("improved", "### \u2705 Improved: ship it"),
        ("regressed", "### \u274c Regressed: do not merge"),
        ("must_pass_only", "### \u274c 1 hard rule broken: do not merge"),
        ("inconclusive_leaning_worse", "### \u26a0\ufe0f Inconclusive, leaning worse: look before you merge"),
        ("invalid", "### \u26d4 Not measured: no verdict, do not merge yet"),
        ("no_changes", "### \u2705 No config changed"),
        ("not_evaluated", "### \u26a0\ufe0f Not evaluated: nothing shows that this change is safe"),
        ("new_config", "### \u2705 New, and it breaks no rule: safe to merge"),
    ],
)
def test_the_second_line_is_the_verdict_in_words(name, title):
    assert title == render_comment(SAMPLES[name]()).split("\n")[1]


def test_an_inconclusive_change_that_the_gate_holds_says_so():
    held = config(comparison(scorers=(scorer(),), verdict="inconclusive", gate_passes=False))
    assert "### \u26a0\ufe0f Inconclusive, and this gate asks for proof: do not merge yet" in render_comment(report(held))


def test_a_row_has_both_sides_the_difference_the_interval_and_the_counts():
    row = next(line for line in render_comment(leaning()).split("\n") if line.startswith("| <code>queue"))
    expected = [
        "<code>queue</code>", "82.0\u00a0%", "72.0\u00a0%", "\u221210.0\u00a0pts", "[\u221220.2,\u00a0+0.9]", "50", "7\u00a0/\u00a02",
        "\u26a0\ufe0f inconclusive, leaning worse",
    ]  # fmt: skip
    assert expected == row.strip("| ").split(" | ")


def test_a_scorer_that_is_better_when_lower_shows_the_interval_around_its_difference():
    lower = scorer("rudeness", direction="lower", base=0.10, head=0.20, delta=0.10, low=-0.18, high=-0.02, verdict="regressed")
    comment = render_comment(report(config(comparison(scorers=(lower,), verdict="regressed", gate_passes=False))))
    assert "| +10.0\u00a0pts | [+2.0,\u00a0+18.0] |" in comment
    assert "(lower\u00a0is\u00a0better)" in comment
    assert "a rise below" in comment


def test_production_has_its_own_table_and_does_not_shout():
    comment = render_comment(SAMPLES["with_production"]())
    tag = RELEASE.removeprefix("llmops/")
    assert f"**Against production <code>{tag}</code> (shown, does not decide)**" in comment
    assert "\u26a0\ufe0f over +10\u00a0%" in comment
    assert "\u274c" not in comment


def test_production_that_equals_the_merge_base_is_one_table():
    comment = render_comment(SAMPLES["production_is_merge_base"]())
    assert 1 == comment.count("| verdict |")
    assert "which is what production runs (<code>support-router/v1.4.0</code>)" in comment


def test_a_change_to_its_own_eval_set_is_said_and_both_tables_are_shown():
    comment = render_comment(SAMPLES["eval_set_edited"]())
    assert "> [!NOTE]\n> This change edits its own eval set" in comment
    assert "on this change&#39;s own eval set" not in comment  # our words are not escaped
    assert "on this change's own eval set**" in comment
    assert "on the eval set as it was**" in comment


def test_flipped_cases_are_folded_and_show_both_answers():
    comment = render_comment(regressed())
    assert comment.index("<details>") < comment.index("- billing\n+ complaints")
    assert "<summary>11 cases got worse, 1 got better against the merge base" in comment


def test_a_must_pass_failure_stands_before_the_table():
    comment = render_comment(regressed())
    assert comment.index("**Hard rules broken**") < comment.index("| verdict |")


def test_what_could_not_have_been_seen_is_said_with_the_size_of_the_eval():
    assert (
        "could not reliably have seen a drop below 19.0 pts in <code>queue</code> or a drop below 6.2 pts in "
        "<code>valid&#95;json</code>: 50 cases x 1 run (3 runs of each typically cut that by a third)."
    ) in render_comment(leaning())


def test_a_scorer_that_does_not_gate_is_marked_and_not_coloured():
    shown = replace(REGRESSED, gating=False)
    comment = render_comment(report(config(comparison(scorers=(shown, scorer("valid_json", verdict="unchanged"))))))
    assert "| regressed (not gating) |" in comment


def test_scores_beyond_one_are_numbers_and_not_percent():
    stars = scorer("stars", base=4.1, head=3.9, delta=-0.2, low=-0.5, high=0.1, mde=0.4)
    comment = render_comment(report(config(comparison(scorers=(stars,), verdict="inconclusive"))))
    assert "| 4.100 | 3.900 | \u22120.200 | [\u22120.500,\u00a0+0.100] |" in comment


def test_configs_that_need_no_look_are_folded_and_held_ones_come_first():
    comment = render_comment(several())
    assert comment.index("#### \u274c <code>date-extraction</code>") < comment.index(
        "<summary>\u2705 <code>support-router</code>"
    )


def test_a_wrong_file_is_named_with_its_hint():
    assert "<code>prompts/old.yaml&#58;3</code> unknown key <code>temprature</code> (did you mean" in render_comment(several())


@pytest.mark.parametrize("limit", [SMALLEST_LIMIT, 5_000, 12_000, 30_000, 60_000])
def test_a_comment_never_exceeds_its_limit_and_stays_whole(limit):
    comment = render_comment(long(), limit=limit)
    assert len(comment) <= limit
    page = page_of(comment)
    assert page.tags.count("details") == page.tags.count("/details")
    assert page.tags.count("pre") == page.tags.count("/pre")
    assert "Too long for one comment, left out: " in comment.rstrip("\n").split("\n")[-1]


def test_more_room_never_shows_less():
    lengths = [len(render_comment(long(), limit=limit)) for limit in range(SMALLEST_LIMIT, 60_000, 4_000)]
    assert lengths == sorted(lengths)


def test_every_step_of_shortening_is_shorter_than_the_one_before():
    lengths = [len(comment_text("", long(), step, 10**9)) for step in STEPS]
    assert lengths == sorted(set(lengths), reverse=True)


def test_hostile_names_of_the_greatest_length_fit_the_smallest_limit():
    name = "<@&>" * 2_000
    many = [config(comparison(config=f"{name}{index}", base_name=name, hard_failures=(name,), verdict="regressed", gate_passes=False,
                              scorers=(replace(LEANING, scorer=name),))) for index in range(3)]  # fmt: skip
    comment = render_comment(report(*many, head=name, base=name), key=name, run=name, limit=SMALLEST_LIMIT)
    assert len(comment) <= SMALLEST_LIMIT


def test_a_limit_that_cannot_be_kept_is_refused():
    with pytest.raises(ValueError, match="at least 2000"):
        render_comment(no_changes(), limit=100)


def test_answers_that_are_equal_are_shown_once():
    same = flip(base_output="the same", head_output="the same")
    assert "  the same\n```" in render_comment(report(config(comparison(flipped=(same,)))))


def test_commit_ids_are_cut_for_reading():
    assert f"<code>{BASE[:9]}</code>" in render_comment(improved())
