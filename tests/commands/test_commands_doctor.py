"""`llmops-git doctor` in real repositories: what it finds, that it writes nothing, and what it does where little can be read."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.commands.doctor_workflows import workflow_facts
from llmops_git.commands.workflows import NAMES, WorkflowSettings, render
from tests.commands.live_requests import live_request, stored
from tests.commands.release_project import Folder, Place, release_project

COMMIT = "a" * 40


def points(folder: Folder, *arguments: str) -> dict[str, dict[str, Any]]:
    document = folder.json("doctor", *arguments)
    return {point["name"]: point for point in document["points"]}


def snapshot(folder: Path) -> dict[str, str]:
    """Every file of a folder, git's own included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def empty(tmp_path: Path) -> Folder:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path / "empty")], check=True)
    return Folder(tmp_path / "empty")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Place, Folder]]:
    with release_project(tmp_path) as made:
        yield made


def test_a_repository_without_a_file_is_told_to_begin(empty: Folder) -> None:
    document = empty.json("doctor")
    assert ("none", "prompts") == (document["level"], document["next"])
    assert empty.ok("doctor").endswith(
        "next: start with two files, a config and its eval set\n\n    llmops-git init --no-workflows\n"
    )


def test_outside_of_a_repository_it_says_what_is_needed(tmp_path: Path) -> None:
    assert (2, True) == ((done := Folder(tmp_path).run("doctor"))[0], "git init" in done[2])


def test_prompts_that_are_in_code_are_found(empty: Folder) -> None:
    (empty.path / "app.py").write_text("client.chat.completions.create(messages=[])\n")
    (empty.path / "notes.md").write_text("call chat.completions\n")
    assert ["models are called from app.py: their prompts are in code", "no file is a config"] == points(empty)["prompts"][
        "evidence"
    ]


def test_an_application_that_uses_the_runtime_is_named(empty: Folder) -> None:
    (empty.path / "app.py").write_text("from llmops_git import runtime\n")
    assert "the runtime is used in app.py" in points(empty)["logging"]["evidence"]


def test_files_that_no_commit_has_are_not_in_version_control(empty: Folder) -> None:
    assert 0 == empty.run("init", "--no-workflows")[0]
    step = points(empty)["prompts"]["step"]
    assert "git add llmops.yaml prompts/review-sentiment.yaml" in step["command"].replace("evals/review-sentiment.jsonl ", "")
    subprocess.run(step["command"], shell=True, cwd=empty.path, check=True, capture_output=True)
    found = points(empty)
    assert (True, "1 config in git: review-sentiment") == (found["prompts"]["holds"], found["prompts"]["evidence"][0])
    assert "8 cases of 1 config" in found["eval-set"]["evidence"]


def test_it_writes_nothing(project: tuple[Place, Folder]) -> None:
    _, clone = project
    clone.ok("doctor")  # what git itself refreshes
    before = snapshot(clone.path)
    clone.ok("doctor")
    clone.json("doctor")
    assert before == snapshot(clone.path)
    stored(clone.path, live_request(1, {"message": "hi"}))
    before = snapshot(clone.path)
    clone.ok("doctor")
    assert before == snapshot(clone.path)


def test_releases_and_where_they_run_are_seen(project: tuple[Place, Folder]) -> None:
    _, clone = project
    assert ["never released: router"] == points(clone)["releases"]["evidence"]
    clone.ok("release")
    clone.ok("promote", "router", "--to", "staging")
    assert "llmops-git promote router --to production" == points(clone)["releases"]["step"]["command"]
    clone.ok("promote", "router", "--to", "production")
    found = points(clone)["releases"]
    assert (True, ["llmops/router/v1.0.0 with its scores, in production, staging"]) == (found["holds"], found["evidence"])


def test_traffic_is_counted_and_strange_releases_are_seen(project: tuple[Place, Folder]) -> None:
    _, clone = project
    clone.ok("release")
    stored(
        clone.path,
        live_request(1, {"message": "hi"}),
        live_request(2, None, release="llmops/router/v9.9.9"),
        live_request(3, {"message": "hi"}, release="", cost=None),
        live_request(4, {"message": "old"}, hours_ago=24 * 40),
    )
    found = points(clone)
    assert ["66 % of 3 requests name their release", "66 % hold their inputs", "all of 3 calls know their tokens",
            "1 of them names one that git does not have"] == found["tracing"]["evidence"]  # fmt: skip
    assert "66 % of 3 calls know their cost" in found["dashboards"]["evidence"]
    assert "3 requests in 30 days" in found["logging"]["evidence"][0]


def test_another_store_can_be_named_by_option_or_policy(project: tuple[Place, Folder], tmp_path: Path) -> None:
    _, clone = project
    stored(tmp_path / "elsewhere", live_request(1, {"message": "hi"}))
    place = tmp_path / "elsewhere" / ".llmops" / "traces"
    assert (False, True) == (points(clone)["logging"]["holds"], points(clone, "--store", str(place))["logging"]["holds"])
    (clone.path / "llmops.yaml").write_text((clone.path / "llmops.yaml").read_text() + f"traces: {{store: {place}}}\n")
    assert points(clone)["logging"]["holds"]


def test_a_store_that_cannot_be_read_is_evidence_and_no_failure(project: tuple[Place, Folder]) -> None:
    _, clone = project
    stored(clone.path, live_request(1, {"message": "hi"}))
    for manifest in (clone.path / ".llmops" / "traces" / "manifest").iterdir():
        manifest.write_text("{")
    assert any("cannot be read" in text for text in points(clone)["logging"]["evidence"])


def test_broken_files_are_named_and_come_first(project: tuple[Place, Folder]) -> None:
    _, clone = project
    (clone.path / "prompts" / "broken.yaml").write_text("model: [\n")
    document = clone.json("doctor")
    assert "prompts" == document["next"]
    assert any(text.startswith("prompts/broken.yaml cannot be loaded") for text in document["points"][0]["evidence"])
    (clone.path / "llmops.yaml").write_text("version: 7\n")
    assert "llmops-git check" == points(clone)["prompts"]["step"]["command"]


def test_a_bare_repository_is_judged_by_its_head(project: tuple[Place, Folder]) -> None:
    place, _ = project
    assert ["1 config in git: router"] == points(place.bare)["prompts"]["evidence"]


def test_guards_suites_rules_and_mined_cases_are_counted(project: tuple[Place, Folder]) -> None:
    _, clone = project
    files = {
        "guardrails/pii.yaml": "name: pii\nrules:\n  personal: {use: pii, action: shadow}\n",
        "guardrails/suites/pii.jsonl": '{"text": "mail a@example.org", "attack": true, "source": {"trace": "t", "when": "2026-01-02T03:04:05Z"}}\n{"text": "hi", "attack": false}\n',
        "monitors/a.yaml": "rules:\n  - {id: down, metric: signal.thumbs_down.rate, by: [config], compare: {to: previous_release, margin: 0.02}}\n",
        "evals/live.jsonl": '{"id": "l", "inputs": {"message": "x"}, "expected": "y", "source": {"trace_id": "t"}}\n',
    }
    for path, text in files.items():
        (clone.path / path).parent.mkdir(parents=True, exist_ok=True)
        (clone.path / path).write_text(text)
    config = clone.path / "prompts" / "router.yaml"
    config.write_text(
        config.read_text().replace("../evals/cases.jsonl", "[../evals/cases.jsonl, ../evals/live.jsonl]")
        + "guardrails: {input: [pii]}\n"
    )
    clone.commit("guards")
    found = points(clone)
    assert [
        "1 pack in use: pii",
        "measured on 1 attack and 1 benign text",
        "1 live text reviewed by people, the newest on 2026-01-02",
    ] == found["guard-review"]["evidence"]
    assert "1 rule in monitors/: down" in found["alerts"]["evidence"]
    assert "quality against the release before: down" in found["regressions"]["evidence"]
    assert "1 live failure came back as a case of the eval sets" in found["regressions"]["evidence"]


# --- workflows ---


@pytest.mark.parametrize("name", NAMES)
def test_the_workflows_that_init_writes_are_understood(name: str) -> None:
    text = render(name, WorkflowSettings(action=f"llmops-git/llmops-git@{COMMIT}", branch="main"))
    found = workflow_facts(f".github/workflows/llmops-{name}.yml", text.encode())
    expected = {"evaluate": {"evaluate"}, "release": {"release"}, "monitor": {"monitor"}}
    assert (expected.get(name, set()), True) == (set(found.does), found.pinned)
    if name in expected:
        assert not workflow_facts("w.yml", text.replace(COMMIT, "v1").encode()).pinned


@pytest.mark.parametrize(
    ("text", "does", "store"),
    [
        ("on: pull_request\njobs: {a: {steps: [{run: 'llmops-git eval'}]}}", {"evaluate"}, False),
        ("on: push\njobs: {a: {steps: [{run: 'llmops-git eval'}]}}", set(), False),
        ("on: [merge_group]\njobs: {a: {steps: [{uses: ./, with: {command: evaluate}}]}}", {"evaluate"}, False),
        ("on: {schedule: [{cron: '1 1 * * *'}]}\njobs: {a: {steps: [{run: 'llmops-git monitor check --store s3://b/t && llmops-git mine --pull-request'}]}}", {"monitor", "mine"}, True),
        ("on: push\njobs: {a: {steps: [{run: 'llmops-git dashboard && llmops-git monitor score --sample 1%'}]}}", {"dashboard", "score"}, False),
        ("on: push\njobs: {a: {steps: [{run: 'echo llmops-git'}, 3, {with: 7}]}, b: 4}", set(), False),
        ("jobs: [", set(), False),
        ("[]", set(), False),
        ("jobs: 3", set(), False),
    ],
)  # fmt: skip
def test_any_workflow_is_read_for_what_it_does(text: str, does: set[str], store: bool) -> None:
    found = workflow_facts("w.yml", text.encode())
    assert (does, store) == (set(found.does), found.store)
