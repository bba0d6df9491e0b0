"""What would be sent is in files; what is asked goes to the real forge where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakehub.hub import Hub

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import Forge, NotFound
from llmops_git.forges.dry_run import DryRun
from llmops_git.forges.github import GitHub


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return DryRun(tmp_path / "out", "octo-org/prompts")


def written(folder: Path) -> dict[str, object]:
    return {path.name: json.loads(path.read_text()) for path in (folder / "out").glob("*.json")}


def test_a_comment_is_a_file_with_exactly_its_body(forge: Forge, tmp_path: Path) -> None:
    made = forge.create_comment(7, "# é\r\n\nbody\n")
    assert "# é\r\n\nbody\n".encode() == (tmp_path / "out" / "comment.md").read_bytes()
    assert {"comment.json": {"action": "create comment", "on": 7}} == written(tmp_path)
    assert ((tmp_path / "out" / "comment.md").as_uri(), "dry-run") == (made.url, made.author)


def test_a_second_comment_does_not_overwrite_the_first(forge: Forge, tmp_path: Path) -> None:
    forge.create_comment(7, "one")
    forge.update_comment(12, "two")
    forge.delete_comment(13)
    assert ["one", "two"] == [(tmp_path / "out" / name).read_text() for name in ("comment.md", "comment-2.md")]
    assert {"action": "update comment", "comment": 12} == written(tmp_path)["comment-2.json"]
    assert {"action": "delete comment", "comment": 13} == written(tmp_path)["delete-comment.json"]


def test_everything_else_that_would_be_written_is_json(forge: Forge, tmp_path: Path) -> None:
    forge.set_status("a" * 40, "success", context="llmops-git/gate", description="d", url="https://example.org")
    pull = forge.open_pull_request(branch="up", into="main", title="t", body="b")
    issue = forge.create_issue(title="t", body="b", labels=["l"])
    changed = forge.update_issue(9, is_open=False)
    assert {
        "status.json": {
            "commit": "a" * 40, "state": "success", "context": "llmops-git/gate", "description": "d", "target_url": "https://example.org",
        },
        "pull-request.json": {"action": "open or update pull request", "head": "up", "base": "main", "title": "t", "body": "b"},
        "issue-create.json": {"action": "create issue", "title": "t", "labels": ["l"], "body": "b"},
        "issue-9.json": {"action": "update issue", "issue": 9, "open": False},
    } == written(tmp_path)  # fmt: skip
    assert ("up", "main", True, "t") == (pull.head_branch, pull.base_branch, issue.open, issue.title)
    assert (9, False) == (changed.number, changed.open)


def test_without_a_forge_nothing_is_there(forge: Forge) -> None:
    assert [] == list(forge.comments(1)) + list(forge.issues("l"))
    assert () == forge.find_pull_requests(head_repository="a/b", head_branch="c", head_oid="d")
    assert {} == forge.artifact_files("1", "a", ["b"], most_bytes=1)
    assert ("none", "dry-run", "octo-org/prompts") == (forge.permission_of("alice"), forge.me(), forge.repository)
    with pytest.raises(NotFound, match="a dry run without a token cannot look up pull request 3"):
        forge.pull_request(3)


def test_reading_goes_to_the_forge_and_writing_does_not(hub: Hub, github: GitHub, pull: int, tmp_path: Path) -> None:
    forge = DryRun(tmp_path / "out", "octo-org/prompts", github)
    hub.add_comment("", pull, "there")
    forge.create_comment(pull, "new")
    forge.set_status(forge.pull_request(pull).head_oid, "success", context="c", description="d")
    assert ["there"] == [comment.body for comment in forge.comments(pull)]
    assert ("github-actions[bot]", "none") == (forge.me(), forge.permission_of("nobody"))
    assert [] == list(forge.issues("l"))
    assert [] == hub.writes()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LlmopsError, match=r"cannot write .*/file/comment\.json"):
        DryRun(tmp_path / "file", "a/b").create_comment(1, "x")
