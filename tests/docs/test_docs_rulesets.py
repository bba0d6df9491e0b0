"""The rulesets that are shipped: GitHub would take them, they stop what they should, and the page names each of them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakehub.contract import contract
from fakehub.hub import Hub

from llmops_git.releases.environments import environment_ref
from llmops_git.releases.registry import EVIDENCE_REF
from llmops_git.releases.tags import TagName
from llmops_git.releases.versions import Version

ROOT = Path(__file__).parents[2]
RULESETS = {file.name: json.loads(file.read_text()) for file in sorted((ROOT / "rulesets").glob("*.json"))}
PAGE = (ROOT / "docs" / "rulesets.md").read_text()
NAME = "octo-org/ruled"
TAG = TagName("router", Version(1, 0, 0)).ref
PRODUCTION, STAGING = environment_ref("production"), environment_ref("staging")


@pytest.mark.parametrize("file", RULESETS)
def test_github_would_take_it(file: str) -> None:
    judge = contract()
    match = judge.match("POST", f"/repos/{NAME}/rulesets")
    assert match is not None
    assert "repos/create-repo-ruleset" == match.id
    assert [] == judge.request_violations(match, [], RULESETS[file])
    assert judge.request_violations(match, [], RULESETS[file] | {"enforcement": "perhaps"})  # the judge can say no


def test_the_page_names_every_file_with_its_rules_and_a_command_that_imports_it() -> None:
    rows = dict(re.findall(r"^\| \[`([a-z-]+\.json)`\][^|]*\|[^|]*\| ([^|]*) \|", PAGE, re.MULTILINE))
    assert {name: [rule["type"] for rule in ruleset["rules"]] for name, ruleset in RULESETS.items()} == {
        name: re.findall(r"`(\w+)`", rules) for name, rules in rows.items()
    }
    for name in RULESETS:
        assert f"gh api --method POST repos/OWNER/REPO/rulesets --input rulesets/{name}\n" in PAGE


@pytest.fixture
def ruled(hub: Hub, tmp_path: Path) -> Path:
    """A clone of a repository under all four rulesets, which has a tag and branches of each kind already."""
    hub.create_repository(NAME, rulesets=())
    hub.commit({"a": "1"}, repository=NAME)
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "-q", hub.clone_url(NAME, token=hub.token()), str(folder))
    git(folder, "tag", "-a", "-m", "x", TAG.removeprefix("refs/tags/"))
    git(folder, "push", "-q", "origin", TAG, *(f"HEAD:{ref}" for ref in (PRODUCTION, STAGING, EVIDENCE_REF)))
    for ruleset in RULESETS.values():
        hub.add_ruleset(NAME, ruleset)
    return folder


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert 0 == done.returncode or arguments[0] == "push", done.stderr
    return done


def allowed(folder: Path, *arguments: str) -> bool:
    return git(folder, "push", "-q", "origin", *arguments).returncode == 0


def test_what_must_not_change_cannot_and_what_llmops_git_does_can(ruled: Path) -> None:
    git(ruled, "commit", "-q", "--allow-empty", "-m", "next")
    git(ruled, "tag", "-a", "-m", "y", TAG.removeprefix("refs/tags/").replace("1.0.0", "1.0.1"))
    git(ruled, "tag", "-f", "-a", "-m", "moved", TAG.removeprefix("refs/tags/"))
    found: dict[str, Any] = {
        "a new release": allowed(ruled, TAG.replace("1.0.0", "1.0.1")),
        "a moved release": allowed(ruled, "--force", TAG),
        "a deleted release": allowed(ruled, f":{TAG}"),
        "a tag of the project itself": allowed(ruled, "HEAD:refs/tags/v1"),
        "a deployment": allowed(ruled, f"HEAD:{STAGING}"),
        "evidence": allowed(ruled, f"HEAD:{EVIDENCE_REF}"),
        "a rewritten environment": allowed(ruled, "--force", f"HEAD~1:{STAGING}"),
        "rewritten evidence": allowed(ruled, "--force", f"HEAD~1:{EVIDENCE_REF}"),
        "a deleted environment": allowed(ruled, f":{STAGING}"),
        "production without a pull request": allowed(ruled, f"HEAD:{PRODUCTION}"),
        "the default branch without the gate": allowed(ruled, "HEAD:main"),
        "the branch of a promotion's pull request": allowed(ruled, "HEAD:refs/heads/llmops/promote/production/router-1.0.1"),
        "that branch taken away": allowed(ruled, ":refs/heads/llmops/promote/production/router-1.0.1"),
    }
    may = {
        "a new release", "a tag of the project itself", "a deployment", "evidence",
        "the branch of a promotion's pull request", "that branch taken away",
    }  # fmt: skip
    assert may == {name for name, was in found.items() if was}
