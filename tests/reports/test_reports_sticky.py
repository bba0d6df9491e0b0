"""One comment per key: found by author and marker, never made older, never doubled."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import HEAD

from llmops_git.forges.base import Comment
from llmops_git.reports.markdown import LIMIT, SMALLEST_LIMIT
from llmops_git.reports.marker import marker
from llmops_git.reports.sticky import SHORTER, Decision, decide

ME = "github-actions[bot]"


def body(run="17.1", key="default", text="### verdict"):
    return f"{marker(key=key, head=HEAD, run=run)}\n{text}\n"


def comment(number, text, author=ME):
    return Comment(id=number, author=author, body=text, url="")


def decided(*comments, run=(17, 1), changed=True, key="default", me=ME, text="### verdict"):
    new = body(f"{run[0]}.{run[1]}", key, text)
    return decide(comments, me=me, key=key, run=run, body=new, changed=changed)


def test_the_first_run_creates_the_comment():
    assert Decision(kind="create") == decided(comment(1, "hello", "octocat"))


def test_a_newer_run_updates_it_in_place():
    assert Decision(kind="update", comment=5) == decided(comment(5, body("16.1")), comment(6, "thanks", "octocat"))


@pytest.mark.parametrize(("old", "new"), [((9, 1), (10, 1)), ((17, 2), (17, 10)), ((17, 1), (17, 1)), ((17, 9), (18, 1))])
def test_runs_are_ordered_as_numbers(old, new):
    assert "update" == decided(comment(5, body(f"{old[0]}.{old[1]}", text="old")), run=new).kind


@pytest.mark.parametrize(("written", "mine"), [("18.1", (17, 5)), ("17.2", (17, 1)), ("100.1", (99, 9))])
def test_an_older_run_never_overwrites_a_newer_one(written, mine):
    found = decided(comment(5, body(written)), run=mine, text="late")
    assert ("keep", 5) == (found.kind, found.comment)
    assert "is newer and has commented already" in found.reason


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.rstrip(), lambda text: text.replace("\n", "\r\n")])
def test_a_body_that_says_the_same_is_left_alone(change):
    found = decided(comment(5, change(body("17.1"))))
    assert ("keep", 5, ()) == (found.kind, found.comment, found.extras)


def test_a_newer_run_with_the_same_words_still_signs_the_comment():
    """Else a run between the two could overwrite it."""
    assert "update" == decided(comment(5, body("16.1"))).kind


def test_no_changes_updates_but_never_creates():
    assert "update" == decided(comment(5, body("16.1")), changed=False).kind
    assert ("keep", None) == (decided(changed=False).kind, decided(changed=False).comment)


@pytest.mark.parametrize(
    ("text", "author"),
    [
        (body("99.1"), "octocat"),
        (body("99.1"), ""),
        (body("99.1"), "github-actions"),
        (f"> {body('99.1')}", ME),
        (f"look:\n{body('99.1')}", ME),
        (body("99.1", key="nightly"), ME),
        (body("99.1").replace("v1", "v2"), ME),
        ("", ME),
    ],
)
def test_what_is_not_ours_for_this_key_does_not_count(text, author):
    assert Decision(kind="create") == decided(comment(1, text, author))


def test_without_a_name_of_our_own_nothing_is_ours():
    assert Decision(kind="create") == decided(comment(1, body("16.1"), ""), me="")


def test_of_our_duplicates_the_oldest_stays():
    found = decided(comment(9, body("16.1")), comment(5, body("15.1")), comment(7, body("14.1")))
    assert Decision(kind="update", comment=5, extras=(7, 9)) == found


def test_a_duplicate_that_a_newer_run_wrote_is_not_deleted_by_an_older_one():
    found = decided(comment(5, body("16.1")), comment(7, body("15.1")), comment(9, body("18.1")))
    assert ("keep", 9, (7,)) == (found.kind, found.comment, found.extras)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2)), min_size=1, max_size=5, unique=True))
def test_however_runs_arrive_the_newest_has_the_last_word(order):
    """Each run decides on what it sees and acts; in the end there is one comment, by the newest."""
    comments: dict[int, str] = {}
    ids = itertools.count(1)
    for run in order:
        text = body(f"{run[0]}.{run[1]}", text=str(run))
        seen = [comment(number, kept) for number, kept in comments.items()]
        found = decide(seen, me=ME, key="default", run=run, body=text, changed=True)
        for extra in found.extras:
            del comments[extra]
        if found.kind == "create":
            comments[next(ids)] = text
        elif found.kind == "update":
            comments[found.comment] = text
    newest = max(order)
    assert [body(f"{newest[0]}.{newest[1]}", text=str(newest))] == list(comments.values())


def test_every_length_to_try_is_shorter_than_the_one_before_and_can_be_rendered():
    assert sorted(set(SHORTER), reverse=True) == list(SHORTER)
    assert SMALLEST_LIMIT <= SHORTER[-1] < SHORTER[0] <= LIMIT
