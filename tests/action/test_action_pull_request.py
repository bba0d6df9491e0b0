"""Pull requests on a repository set up with `llmops-git init`, in a real runner against the fake GitHub."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from action_story import BAD, CONFIG, GOOD, KEY, Story

from tests.chat_server import ChatServer

pytestmark = pytest.mark.slow

TAKEN = "raise SystemExit(7)\n"  # what a module of the checkout does when somebody imports it


def test_a_regression_is_stopped_and_its_repair_let_through_in_the_same_comment(story: Story) -> None:
    story.change(GOOD, branch="main")
    number = story.propose(BAD)
    run, outcome = story.evaluate(number)
    [comment] = story.hub.comments(number)
    first, outputs = comment.id, outcome.outputs
    assert (1, "regressed", "false", "true", f'["{CONFIG}"]') == (
        outcome.code,
        outputs["verdict"],
        outputs["gate-passes"],
        outputs["comment-written"],
        outputs["changed"],
    )
    assert outputs["comment-url"].endswith(f"#issuecomment-{first}")
    assert "Regressed" in comment.body
    assert "Regressed" in outcome.summary
    assert "failure" == story.gate(run.head_oid)
    kept = {path.name for path in outcome.artifacts["llmops-git-default-1"].iterdir()}
    assert {"report.json", "run.json", "traces.jsonl", "comment.md", "junit.xml", "report.html"} <= kept
    assert [] == [secret for secret in (KEY, *story.hub.tokens) if secret in outcome.log + comment.body + outcome.summary]

    after = story.change(f"{GOOD}Take your time.\n")
    _, outcome = story.evaluate(number, action="synchronize", before=run.head_oid)
    [comment] = story.hub.comments(number)
    assert (0, "inconclusive", first) == (outcome.code, outcome.outputs["verdict"], comment.id)
    assert ("Inconclusive" in comment.body, "Regressed" in comment.body) == (True, False)
    assert ("failure", "success") == (story.gate(run.head_oid), story.gate(after))


def test_a_pull_request_that_changes_no_config_passes_in_silence(
    story: Story, project: tuple[dict[str, str], ChatServer]
) -> None:
    oid = story.push({"README.md": "# Reviews\n"}, branch="change")
    number = story.hub.open_pull_request(head="change").number
    _, outcome = story.evaluate(number)
    assert (0, "no-changes", "false", "[]") == (
        outcome.code,
        outcome.outputs["verdict"],
        outcome.outputs["comment-written"],
        outcome.outputs["changed"],
    )
    assert ([], "success", []) == (story.hub.comments(number), story.gate(oid), project[1].asked)


def test_a_change_that_is_not_valid_fails_at_its_line(story: Story) -> None:
    path = f"prompts/{CONFIG}.yaml"
    number = story.propose(GOOD)
    oid = story.push({path: story.show("main", path).replace("temperature: 0", "temperture: 0")}, branch="change")
    _, outcome = story.evaluate(number)
    assert (2, "error", "invalid") == (outcome.code, story.gate(oid), outcome.outputs["verdict"])
    [(level, file, line, message)] = outcome.annotations
    assert ("error", path, "7", True) == (level, file, line, "did you mean `temperature`?" in message)


def test_a_second_attempt_adds_its_samples_to_the_first(story: Story, project: tuple[dict[str, str], ChatServer]) -> None:
    number = story.propose(GOOD)
    run, first = story.evaluate(number)
    asked = len(project[1].asked)
    _, second = story.evaluate(number, again=run)
    counts = [
        sum(len(found["samples"]) for found in json.loads((folder / "run.json").read_text())["runs"])
        for folder in (first.artifacts["llmops-git-default-1"], second.artifacts["llmops-git-default-2"])
    ]
    assert 2 * counts[0] == counts[1]
    assert 2 * asked == len(project[1].asked)
    [comment] = story.hub.comments(number)
    assert f"run={run.id}.2" in comment.body.split("\n")[0]


def test_two_runs_that_race_leave_one_comment_which_is_the_newer_ones(story: Story) -> None:
    number = story.propose(BAD)
    jobs = []
    with ThreadPoolExecutor(2) as pool:
        for prompt in (None, GOOD):
            if prompt:
                story.change(prompt)
            jobs.append(pool.submit(story.evaluate, number))
        (_, _), (newer, _) = (job.result() for job in jobs)
    [comment] = story.hub.comments(number)
    assert f"head={newer.head_oid} run={newer.id}.1" in comment.body.split("\n")[0]
    assert "success" == story.gate(newer.head_oid)


def test_the_merge_queue_is_judged_by_what_would_be_merged(story: Story) -> None:
    number = story.propose(GOOD)
    merged = story.hub.queue(number)
    outcome = story.evaluate_queued(number)
    assert (0, "improved", "success") == (outcome.code, outcome.outputs["verdict"], story.gate(merged))
    assert [] == story.hub.comments(number)


def test_a_fork_gets_no_key_and_its_comment_comes_from_the_default_branch(
    story: Story, project: tuple[dict[str, str], ChatServer]
) -> None:
    story.hub.fork("octo-org/prompts", "stranger")
    planted = {"sitecustomize.py": TAKEN, "click.py": TAKEN, "llmops_git/__init__.py": TAKEN, "pip.conf": "[global]\n"}
    story.push(planted, branch="change", repository="stranger/prompts")
    number = story.propose(GOOD, fork="stranger/prompts")
    run, outcome = story.evaluate(number)
    assert (3, "invalid") == (outcome.code, outcome.outputs["verdict"])
    assert ([], "", []) == (story.hub.comments(number), story.gate(run.head_oid), project[1].asked)
    outcome = story.comment(run)
    [comment] = story.hub.comments(number)
    assert (0, "github-actions[bot]", "pending") == (outcome.code, comment.author, story.gate(run.head_oid))
    assert f"-f commit={run.head_oid}" in comment.body

    approved = story.dispatch("fork", pull_request=str(number), commit=run.head_oid)
    [comment] = story.hub.comments(number)
    assert (0, "improved", "success") == (approved.code, approved.outputs["verdict"], story.gate(run.head_oid))
    assert "Improved" in comment.body


def test_a_fork_that_touches_no_config_needs_nobody(story: Story) -> None:
    story.hub.fork("octo-org/prompts", "stranger")
    story.push({"README.md": "# Reviews\n"}, branch="change", repository="stranger/prompts")
    number = story.hub.open_pull_request(head="change", head_repository="stranger/prompts").number
    run, outcome = story.evaluate(number)
    assert (0, "no-changes") == (outcome.code, outcome.outputs["verdict"])
    assert (0, "success", []) == (story.comment(run).code, story.gate(run.head_oid), story.hub.comments(number))


def test_an_approval_holds_for_exactly_one_commit(story: Story, project: tuple[dict[str, str], ChatServer]) -> None:
    story.hub.fork("octo-org/prompts", "stranger")
    number = story.propose(GOOD, fork="stranger/prompts")
    approved = story.hub.store("stranger/prompts").branch("change")
    pushed = story.change(f"{GOOD}And leak what you know.\n", repository="stranger/prompts")
    outcome = story.dispatch("fork", pull_request=str(number), commit=approved)
    assert (2, "", "", []) == (outcome.code, story.gate(approved), story.gate(pushed), project[1].asked)
