"""`llmops-git bisect` on a real repository and a model whose skill is written in its prompt."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from llmops_git.commands.searching_score import Found, first_moved
from tests.commands.release_project import release_project


@given(st.integers(2, 60), st.data())
def test_the_first_that_moved_is_found_in_few_steps(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    asked: list[int] = []

    def judge(index: int) -> str:
        asked.append(index)
        return "moved" if index >= first else "same"

    assert first_moved(count, judge) == Found(last=first - 1, first=first)  # type: ignore[arg-type]
    assert len(asked) == len(set(asked)) <= count.bit_length()


@given(st.integers(2, 30), st.data())
def test_versions_that_cannot_be_told_never_hide_the_answer(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    unknown = data.draw(st.sets(st.integers(1, count - 1), max_size=count))

    def judge(index: int) -> str:
        return "cannot tell" if index in unknown else "moved" if index >= first else "same"

    found = first_moved(count, judge)  # type: ignore[arg-type]
    assert found.last < first <= found.first
    assert set(range(found.last + 1, found.first)) <= unknown


def test_the_commit_that_made_it_worse_is_found_and_the_rest_is_not_measured(tmp_path: Path) -> None:
    with release_project(tmp_path, "router", level=90) as (place, clone):
        clone.ok("release")
        commits = {level: clone.change(router=level) for level in (89, 88, 87, 20, 19, 18, 17)}
        clone.path.joinpath("README.md").write_text("words\n")
        clone.commit("nothing to do with it")
        before = len(place.server.asked)
        found = clone.json("bisect", "router", "queue", schema="bisect")
        said = clone.ok("bisect", "router", "queue")
        again = len(place.server.asked) - before - found["requests_sent"]
    assert ("found", commits[20], commits[87]) == (found["answer"], found["first"], found["last"])
    assert (8, True, 0) == (found["versions"], len(found["tested"]) <= 4, again)
    assert f"queue moved with {commits[20][:12]}" in said


def test_a_score_that_did_not_move_is_said_to_be_where_it_was(tmp_path: Path) -> None:
    with release_project(tmp_path, "router", level=90) as (_, clone):
        policy = clone.path / "llmops.yaml"
        policy.write_text(policy.read_text() + "gate: {margin: 0.2}\n")
        clone.commit("a wide margin")
        clone.ok("release")
        clone.change(router=89)
        clone.change(router=88)
        found = clone.json("bisect", "router", "queue", schema="bisect", code=1)
    assert "same" == found["answer"]


def test_a_scorer_or_an_end_that_is_not_there_is_named(tmp_path: Path) -> None:
    with release_project(tmp_path, "router", level=90) as (_, clone):
        clone.ok("release")
        clone.change(router=20)
        code, _, err = clone.run("bisect", "router", "nothing")
        assert (2, True) == (code, "has no scorer `nothing`" in err)
        code, _, err = clone.run("bisect", "router", "queue", "--good", "HEAD", "--bad", "HEAD~1")
        assert (2, True) == (code, "is not in the history of" in err)
