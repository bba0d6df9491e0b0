"""What runs on a schedule, on a repository set up with `llmops-git init`: model upgrades and monitoring; and the embedded model."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from action_act import Act
from action_story import CONFIG, NAME, Story, starter_files
from fakehub.hub import running

pytestmark = pytest.mark.slow

NEWER = "gpt-5.4-2026-03-05"


def test_a_model_upgrade_is_proposed_with_its_evidence(story: Story) -> None:
    outcome = story.dispatch("upgrade", config=CONFIG, model=NEWER)
    [pull] = story.hub.repository().issues.values()
    assert pull.pull is not None
    assert (0, "main", True) == (outcome.code, pull.pull.base_branch, NEWER in pull.title + pull.body)
    assert outcome.outputs["pull-request-url"].endswith(f"/pull/{pull.number}")
    path = f"prompts/{CONFIG}.yaml"
    old, new = story.show("main", path).splitlines(), story.show(pull.pull.head_oid, path).splitlines()
    assert [f'  id: "{NEWER}"'] == [line for line in new if line not in old]
    _, reviewed = story.evaluate(pull.number)
    assert (0, f'["{CONFIG}"]') == (reviewed.code, reviewed.outputs["changed"])


def test_a_week_in_which_no_model_retires_proposes_nothing(story: Story) -> None:
    outcome = story.schedule("upgrade")
    assert (0, "", {}) == (outcome.code, outcome.outputs["pull-request-url"], story.hub.repository().issues)


def test_a_tag_that_was_moved_is_one_issue_until_it_is_back(story: Story) -> None:
    story.release()
    story.dispatch("promote", config=CONFIG, environment="production")
    assert (0, {}) == (story.schedule("monitor").code, story.hub.repository().issues)
    store, tag = story.hub.store(NAME), f"refs/tags/llmops/{CONFIG}/v1.0.0"
    was = store.run("rev-parse", tag)
    store.update(tag, store.branch("main"))
    assert [1, 1] == [story.schedule("monitor").code for _ in range(2)]
    issues = story.hub.repository().issues.values()
    assert {"open"} == {issue.state for issue in issues}
    assert len(issues) == len({issue.title for issue in issues})
    store.update(tag, was)
    assert (0, {"closed"}) == (story.schedule("monitor").code, {issue.state for issue in issues})


@pytest.fixture
def embedded(whole_action: Path, tmp_path: Path) -> Iterator[Story]:
    """A project as `init` writes it without options, in a subfolder; each job has the whole Action and installs for itself."""
    (tmp_path / "hub").mkdir()
    files = starter_files(tmp_path / "project", str(Path(sys.executable).with_name("llmops-git")), below="team")
    with running(tmp_path / "hub") as hub:
        hub.create_repository(NAME)
        hub.commit(files, "Begin")
        yield Story(hub, Act(action=whole_action, folder=tmp_path / "act"), None, project="team/")
        assert [] == hub.violations


@pytest.mark.model
def test_a_model_inside_of_the_job_judges_a_project_in_a_subfolder_from_an_empty_runner(embedded: Story) -> None:
    path = f"team/prompts/{CONFIG}.yaml"
    asked_last = embedded.show("main", path).replace(
        '"{{ review }}"', '"{{ review }}\\n\\nIs this review positive or negative? Answer with one word."'
    )
    embedded.push({path: asked_last, f"team/prompts/{CONFIG}/system.j2": "You judge product reviews.\n"}, branch="change")
    number = embedded.hub.open_pull_request(head="change").number
    _, outcome = embedded.evaluate(number)
    assert (0, "improved", [CONFIG]) == (outcome.code, outcome.outputs["verdict"], json.loads(outcome.outputs["changed"]))
    assert 1 == len(embedded.hub.comments(number))
