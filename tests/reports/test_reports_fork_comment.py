"""The comment for a fork: the change from trusted code, numbers of the fork's job only as far as they are about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import assert_harmless, hostile_report, page_of
from report_samples import BASE_DIGEST, CHANGE, HEAD, HEAD_DIGEST, HOW, comparison, config, invalid, regressed, report

from llmops_git.configs.values import Change, Config, FieldChange
from llmops_git.errors import Problem
from llmops_git.reports.fork_comment import render_fork_comment, same_configs
from llmops_git.reports.marker import Marker, parse_marker

REASON = "This pull request comes from a fork, so its job has no secrets: a maintainer decides whether it is evaluated."
HINT = f"gh workflow run llmops-fork.yml -f pull-request=12 -f commit={HEAD}"


def side(name, digest):
    return Config(
        name=name, path=f"prompts/{name}.yaml", kind="config", description="", owner="", digest=digest, closure=(),
        closure_digest="", resolved={"model": {"provider": "local", "id": "m"}, "messages": []},
    )  # fmt: skip


def change(name="support-router", **changed):
    return replace(CHANGE, config=name, base=side(name, BASE_DIGEST), head=side(name, HEAD_DIGEST), **changed)


def rendered(*changes, **changed):
    values = {"reason": REASON, "command_hint": HINT, "key": "default", "head": HEAD, "run": "17.1"}
    return render_fork_comment(list(changes), **{**values, **changed})


def test_a_fork_comment_reads_as_its_snapshot(snapshot_file):
    comment = rendered(change(), unverified=regressed(), links={"run": "https://github.com/o/r/actions/runs/17?a=1&b=2"})
    assert snapshot_file("fork.md", comment) == comment


def test_it_is_found_again_by_the_same_marker_as_every_comment():
    assert Marker(key="default", head=HEAD, run_id=17, attempt=1) == parse_marker(rendered(change()))


def test_it_says_what_changed_and_how_it_gets_evaluated():
    comment = rendered(change())
    assert "### \u23f3 1 config changed, not evaluated yet" in comment
    assert "| <code>support-router</code> | modified | prompt, parameters | patch | 2 |" in comment
    assert f"```sh\n{HINT}\n```" in comment
    assert "- Be kind.\n+ Be brief and kind." in comment


def test_without_a_changed_config_there_is_nothing_to_wait_for():
    comment = rendered(reason="Nothing that reaches a model is different.")
    assert "### \u2705 No config changed" == comment.split("\n")[1]
    assert HINT not in comment


def test_a_change_that_no_model_sees_has_nothing_to_wait_for():
    comment = rendered(change(aspects=("metadata",)), command_hint="")
    assert "### \u2705 1 config changed, nothing to evaluate" == comment.split("\n")[1]
    assert "For a maintainer" not in comment


def test_files_that_are_wrong_are_said_first():
    broken = change(problems=(Problem(path="prompts/x.yaml", line=3, message="unknown key"),))
    assert "### \u274c 1 config changed, and some files are wrong" == rendered(broken, command_hint="").split("\n")[1]


def test_unverified_numbers_are_folded_marked_and_never_green_or_red():
    comment = rendered(change(), unverified=regressed())
    folded = comment[comment.index("<summary>Numbers from the fork's own job, <strong>not verified</strong>") :]
    assert "84.0\u00a0% | 64.0\u00a0%" in folded
    assert "They decide nothing." in folded
    assert not any(symbol in comment for symbol in "\u2705\u274c\u26d4")


def test_no_text_of_the_forks_report_is_shown():
    hostile = hostile_report("SMUGGLED")
    own = [replace(one, config="support-router", head_digest=HEAD_DIGEST) for one in hostile.configs[0].comparisons]
    told = replace(hostile, configs=(replace(hostile.configs[0], comparisons=tuple(own)),))
    comment = rendered(change(), unverified=told)
    assert "not verified" in comment
    shown = [line for line in comment.split("\n") if "SMUGGLED" in line]
    assert 1 == len(shown)
    assert shown[0].startswith("| <code>SMUGGLED</code> | ")  # a scorer's name, which the numbers are about
    assert 1 == shown[0].count("SMUGGLED")


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_digest": "sha256:" + "0" * 64},
        {"base_digest": "sha256:" + "0" * 64},
        {"config": "another"},
    ],
)
def test_numbers_of_another_version_or_config_are_left_out(wrong):
    told = report(config(comparison(**wrong)))
    assert () == same_configs([change()], told)
    assert "not verified" not in rendered(change(), unverified=told)


def test_a_change_that_cannot_be_loaded_matches_no_numbers():
    broken = replace(change(), head=None, problems=(Problem(path="prompts/x.yaml", line=3, message="unknown key"),))
    told = report(config(comparison(head_digest="")))
    assert () == same_configs([broken], told)
    assert "**1 problem in the files**" in rendered(broken)


def test_an_unmeasured_run_says_nothing_in_words():
    comment = rendered(change(), unverified=invalid())
    assert "38.0 % of its samples" not in comment
    assert "31 of 50 pairs measured" in comment


def many(count):
    fields = tuple(FieldChange(path=f"messages[{n}].template", before="a\n" * 900, after="b\n" * 900) for n in range(20))
    return [change(f"config-{n:03}", fields=fields) for n in range(count)]


@pytest.mark.parametrize("limit", [2_000, 5_000, 10_000, 60_000])
def test_it_never_exceeds_its_limit_and_stays_whole(limit):
    told = report(*(config(comparison(config=f"config-{n:03}")) for n in range(100)))
    comment = rendered(*many(100), unverified=told, limit=limit)
    assert len(comment) <= limit
    page = page_of(comment)
    assert page.tags.count("details") == page.tags.count("/details")
    assert "Too long for one comment, left out: " in comment


def test_impossible_wishes_are_refused():
    with pytest.raises(ValueError, match="at least 2000"):
        rendered(change(), limit=1_999)
    with pytest.raises(ValueError, match="not an address"):
        rendered(change(), links={"run": "javascript:alert(1)"})


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "</details><h1>x",
            "```\n# x",
            "@team #1",
            "<!-- llmops-git:v1 key=default",
            "::error::x",
            "[a](javascript:b)",
            "| a | b |",
        ]
    ),
)


@given(HOSTILE)
def test_hostile_texts_stay_where_they_are(text):
    told = hostile_report(text)
    touched = Change(
        config=text, status="renamed", renamed_from=text, aspects=("prompt",), bump="patch", because=((text, text),),
        fields=(FieldChange(path=text, before=text, after=f"{text}{text}"),), base=side(text, BASE_DIGEST),
        head=side(text, HEAD_DIGEST), problems=(Problem(path=text, message=text, hint=text, line=2),),
    )  # fmt: skip
    assert_harmless(
        rendered(touched, reason=text, command_hint=text, key=text, head=text, run=text, unverified=replace(told, how=HOW))
    )
