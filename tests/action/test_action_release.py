"""From a merge to production and back, on a repository set up with `llmops-git init`, in a real runner against the fake GitHub."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from action_story import BAD, CONFIG, GOOD, NAME, Story

pytestmark = pytest.mark.slow

FIRST, SECOND = f"llmops/{CONFIG}/v1.0.0", f"llmops/{CONFIG}/v1.0.1"


def test_a_change_goes_through_review_its_update_merge_release_promotion_and_rollback(story: Story) -> None:
    begun = story.release()
    assert (0, [FIRST]) == (begun.code, json.loads(begun.outputs["tags"]))
    assert (FIRST, "") == (story.running("staging"), story.running("production"))
    assert 0 == story.dispatch("promote", config=CONFIG, environment="production", reason="the first").code

    number = story.propose(BAD)
    begun_with, reviewed = story.evaluate(number)
    assert (0, "inconclusive") == (reviewed.code, reviewed.outputs["verdict"])  # eight cases cannot tell 25 % from none
    [comment] = story.hub.comments(number)
    first = comment.id
    assert (True, True) == ("Inconclusive" in comment.body, "production" in comment.body)

    story.change(GOOD)
    run, reviewed = story.evaluate(number, action="synchronize", before=begun_with.head_oid)
    assert (0, "improved", "success") == (reviewed.code, reviewed.outputs["verdict"], story.gate(run.head_oid))
    [comment] = story.hub.comments(number)
    assert (first, True, False) == (comment.id, "Improved" in comment.body, "Inconclusive" in comment.body)
    before = story.tip()
    story.hub.merge(number)

    released = story.release(before)
    assert (0, [SECOND], "improved") == (released.code, json.loads(released.outputs["tags"]), released.outputs["verdict"])
    assert [(CONFIG, "staging")] == [(each["config"], each["environment"]) for each in json.loads(released.outputs["deployed"])]
    assert (SECOND, FIRST) == (story.running("staging"), story.running("production"))

    promoted = story.dispatch("promote", config=CONFIG, environment="production", version="", reason="ship it")
    assert (0, SECOND) == (promoted.code, story.running("production"))
    back = story.dispatch("rollback", config=CONFIG, environment="production", reason="customers complain")
    assert (0, FIRST) == (back.code, story.running("production"))
    assert "customers complain" in story.hub.store(NAME).run("log", "-1", "--format=%B", "llmops/env/production")
    assert [FIRST, SECOND] == story.tags()


def test_a_release_that_runs_twice_or_beside_another_makes_nothing_twice(story: Story) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: story.release(), range(2)))
    outcomes.append(story.release())
    assert ([FIRST], FIRST) == (story.tags(), story.running("staging"))
    assert "1" == story.hub.store(NAME).run("rev-list", "--count", "llmops/env/staging")
    assert [0, 0, 0] == [outcome.code for outcome in outcomes]
    assert [0, 0, 1] == sorted(len(json.loads(outcome.outputs["tags"])) for outcome in outcomes)


def test_a_promotion_can_be_a_pull_request_into_the_branch_of_the_environment(story: Story) -> None:
    story.release()
    story.dispatch("promote", config=CONFIG, environment="production")
    story.change(GOOD, branch="main")
    story.release()
    outcome = story.dispatch("promote", config=CONFIG, environment="production", as_pull_request="true")
    assert (0, FIRST) == (outcome.code, story.running("production"))
    [pull] = [issue for issue in story.hub.repository().issues.values() if issue.pull]
    assert pull.pull is not None
    assert "llmops/env/production" == pull.pull.base_branch
    assert outcome.outputs["pull-request-url"].endswith(f"/pull/{pull.number}")
    story.hub.merge(pull.number)
    assert SECOND == story.running("production")


def test_an_environment_that_the_policy_does_not_have_is_refused(story: Story) -> None:
    outcome = story.dispatch("promote", config=CONFIG, environment="elsewhere")
    assert (2, "") == (outcome.code, story.tip("llmops/env/elsewhere"))
