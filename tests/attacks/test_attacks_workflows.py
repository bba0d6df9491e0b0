"""Workflows: text of pull requests in scripts, code of strangers with rights, caches and tags that somebody else can change."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.configs.yaml import parse
from tests.attacks.stage import git, product

ROOT = Path(__file__).parents[2]
DOGFOOD = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ZIZMOR = Path(sys.executable).with_name("zizmor")

NAIVE = """\
name: evaluate
on:
  pull_request_target:
permissions: write-all
jobs:
  evaluate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - uses: actions/cache@v4
        with: {path: .replies, key: replies}
      - run: |
          echo "evaluating ${{ github.event.pull_request.title }}"
          python -m some_tool --branch ${{ github.head_ref }}
        env:
          OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}
"""


def findings(*files: Path) -> dict[str, set[str]]:
    """Which files zizmor finds what in, of medium severity and above. Raises where it could not look at one of them.

    As data, and without this process's environment: `CI` alone is enough for colours in its text, and an empty `GH_TOKEN` for a refusal.
    """
    options = ("--offline", "--no-config", "--quiet", "--strict-collection", "--no-exit-codes")
    command = [ZIZMOR, *options, "--min-severity=medium", "--format=json", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert 0 == done.returncode, done.stderr
    found: dict[str, set[str]] = {}
    for one in json.loads(done.stdout):
        for place in one["locations"]:
            found.setdefault(place["symbolic"]["key"]["Local"]["verbatim_path"], set()).add(one["ident"])
    return found


def document(file: Path) -> dict[str, Any]:
    value: dict[str, Any] = parse(file.read_bytes(), file.name).value
    return value


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", ())


def test_a_usual_workflow_is_open_to_all_of_it(tmp_path: Path) -> None:
    naive = tmp_path / "naive.yml"
    naive.write_text(NAIVE)
    assert {"template-injection", "dangerous-triggers", "artipacked", "unpinned-uses"} <= findings(naive)[str(naive)]


def test_a_file_that_cannot_be_looked_at_is_not_one_without_findings(tmp_path: Path) -> None:
    (tmp_path / "naive.yml").write_text(NAIVE)
    for name, text in {"torn.yml": "on: [push\njobs", "other.yml": "name: not a workflow\n"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(AssertionError, match=name):
            findings(tmp_path / "naive.yml", tmp_path / name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Our own workflows, and those that `init` writes into somebody's repository."""
    folder = tmp_path_factory.mktemp("user")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "https://github.com/octo-org/app")
    assert 0 == product("init", f"--action=octo-org/llmops-git@{'a' * 40}", cwd=folder).code
    written = sorted((folder / ".github" / "workflows").glob("*.yml"))
    assert len(written) >= 8
    return [*DOGFOOD, *written]


def test_no_script_of_ours_holds_an_expression(files: list[Path]) -> None:
    action = document(ROOT / "action.yml")["runs"]["steps"]
    scripts = [step.get("run", "") for step in [*action, *(step for file in files for step in steps(document(file)))]]
    assert [] == [script for script in scripts if "${{" in script]


def test_nothing_is_found_in_the_action_and_in_our_workflows(files: list[Path]) -> None:
    assert {} == findings(ROOT / "action.yml", *files)


def test_every_workflow_begins_without_rights_and_runs_no_code_of_strangers_with_them(files: list[Path]) -> None:
    for file in files:
        value = document(file)
        events = value["on"] if isinstance(value["on"], dict) else {value["on"]: None}
        assert "pull_request_target" not in events, file
        assert {} == value["permissions"], file
        for job in value["jobs"].values():
            assert isinstance(job.get("permissions", {}), dict), file
            assert "id-token" not in job.get("permissions", {}), file
        for step in steps(value):
            uses, told = step.get("uses", ""), step.get("with") or {}
            if uses.startswith("actions/checkout@"):
                assert told.get("persist-credentials") is False, file
                assert "workflow_run" not in events or not {"ref", "repository"} & set(told), file
            assert not uses.startswith("actions/cache"), file
            assert not uses or re.fullmatch(r"\./|[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses), (file, uses)


def test_the_rulesets_hold_tags_and_histories() -> None:
    rules = {path.stem: json.loads(path.read_text()) for path in (ROOT / "rulesets").glob("*.json")}
    kinds = {name: {rule["type"] for rule in value["rules"]} for name, value in rules.items()}
    assert {"update", "deletion"} <= kinds["release-tags"]
    assert {"non_fast_forward", "deletion"} <= kinds["history"]
    (required,) = [rule for rule in rules["default-branch"]["rules"] if rule["type"] == "required_status_checks"]
    (check,) = required["parameters"]["required_status_checks"]
    assert ("llmops-git/gate", 15368) == (check["context"], check["integration_id"])  # by GitHub Actions, not by anybody
    assert all(value["enforcement"] == "active" for value in rules.values())
