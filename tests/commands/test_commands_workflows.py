"""The workflows that `init` writes: least permissions, pinned actions, keys only where they are needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmops_git.commands.workflows import NAMES, WorkflowSettings, render, workflow_files
from llmops_git.configs.yaml import parse

ROOT = Path(__file__).parents[2]
PINNED = f"llmops-git/llmops-git@{'0123456789' * 4}"
WITH_KEY = WorkflowSettings(action=PINNED, branch="main", key_env="OPENAI_API_KEY")
EMBEDDED = WorkflowSettings(action=PINNED, branch="main", embedded=True)
NEEDS_KEY = {"evaluate", "release", "upgrade", "fork"}
PERMISSIONS = {
    "evaluate": {"actions": "read", "contents": "read", "pull-requests": "write", "statuses": "write"},
    "comment": {"actions": "read", "contents": "read", "pull-requests": "write", "statuses": "write"},
    "release": {"contents": "write"},
    "promote": {"contents": "write", "pull-requests": "write", "statuses": "write"},
    "rollback": {"contents": "write", "pull-requests": "write", "statuses": "write"},
    "monitor": {"contents": "read", "issues": "write"},
    "upgrade": {"contents": "write", "pull-requests": "write", "statuses": "write"},
    "fork": {"contents": "read", "pull-requests": "write", "statuses": "write"},
}


def value(name: str, settings: WorkflowSettings = WITH_KEY) -> dict[str, Any]:
    return parse(render(name, settings).encode(), f"{name}.yml").value  # type: ignore[no-any-return]


def job(name: str, settings: WorkflowSettings = WITH_KEY) -> dict[str, Any]:
    return value(name, settings)["jobs"]["llmops-git"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_each_job_has_the_permissions_of_the_documentation_and_no_others(name: str) -> None:
    row = re.search(
        rf"^\| `llmops-{name}` \|[^|]*\|[^|]*\| ([^|]*) \|", (ROOT / "docs/github-action.md").read_text(), re.MULTILINE
    )
    assert row
    documented = dict(entry.split(": ") for entry in row[1].split(", "))
    assert ({}, PERMISSIONS[name], PERMISSIONS[name]) == (value(name)["permissions"], job(name)["permissions"], documented)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_and_no_credentials_are_left_in_the_checkout(name: str) -> None:
    steps = job(name)["steps"]
    assert [] == [step["uses"] for step in steps if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", step["uses"])]
    assert [False] == [step["with"]["persist-credentials"] for step in steps if "checkout" in step["uses"]]
    assert [] == [step for step in steps if "run" in step]


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_where_a_model_is_asked_and_nowhere_else(name: str) -> None:
    found = re.findall(r"secrets\.(\w+)", render(name, WITH_KEY))
    assert (["OPENAI_API_KEY"] if name in NEEDS_KEY else []) == found
    assert [] == re.findall(r"secrets\.", render(name, EMBEDDED))


def test_a_pull_request_of_a_fork_gets_no_key_even_where_github_would_send_it() -> None:
    [step] = [step for step in job("evaluate")["steps"] if "env" in step]
    assert (
        "${{ (github.event_name == 'merge_group' || github.event.pull_request.head.repo.full_name == github.repository)"
        " && secrets.OPENAI_API_KEY || '' }}"
    ) == step["env"]["OPENAI_API_KEY"]


def test_the_required_job_is_never_filtered_or_skipped() -> None:
    assert {"pull_request": None, "merge_group": None} == value("evaluate")["on"]
    assert "if" not in job("evaluate")
    assert ["always()"] == [step["if"] for step in job("evaluate")["steps"] if "if" in step]


def test_the_comment_follows_the_workflow_by_its_name() -> None:
    assert [value("evaluate")["name"]] == value("comment")["on"]["workflow_run"]["workflows"]
    assert ["refs/heads/main"] == [f"refs/heads/{branch}" for branch in value("release")["on"]["push"]["branches"]]


@pytest.mark.parametrize("name", NAMES)
def test_only_pull_requests_cancel_what_runs(name: str) -> None:
    expected = "${{ github.event_name == 'pull_request' }}" if name == "evaluate" else False
    assert expected == value(name)["concurrency"]["cancel-in-progress"]


def test_no_push_to_the_default_branch_is_dropped_from_the_queue() -> None:
    assert ["max", "max", "max"] == [value(name)["concurrency"]["queue"] for name in ("release", "promote", "rollback")]


@pytest.mark.parametrize("name", ["promote", "rollback"])
def test_a_deployment_waits_for_its_environment_which_is_one_of_a_list(name: str) -> None:
    inputs = value(name)["on"]["workflow_dispatch"]["inputs"]
    assert "${{ inputs.environment }}" == job(name)["environment"]
    assert ("choice", ["staging", "production"]) == (inputs["environment"]["type"], inputs["environment"]["options"])


@pytest.mark.parametrize("name", NAMES)
def test_every_input_that_is_passed_is_one_of_the_action(name: str) -> None:
    known = parse((ROOT / "action.yml").read_bytes(), "action.yml").value["inputs"]
    [step] = [step for step in job(name, EMBEDDED)["steps"] if step["uses"] == PINNED]
    assert set() == set(step["with"]) - set(known)
    assert ("true" if name in NEEDS_KEY else None) == step["with"].get("embedded")


@pytest.mark.parametrize("name", NAMES)
def test_every_input_of_a_dispatch_reaches_the_action(name: str) -> None:
    events = value(name)["on"]
    inputs = set((events.get("workflow_dispatch") or {}).get("inputs", {}))
    [step] = [step for step in job(name)["steps"] if step["uses"] == PINNED]
    assert inputs == {key for key, passed in step["with"].items() if passed == f"${{{{ inputs.{key} }}}}"}


def test_no_place_is_left_open() -> None:
    texts = workflow_files(WITH_KEY)
    assert [] == [path for path, text in texts.items() if re.search(r"@[a-z-]+@", text)]


def test_the_workflows_of_this_repository_are_the_same_on_the_examples() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/workflows.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout + done.stderr)
