"""The forge of a job is chosen by what the service says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakehub.hub import Hub

from llmops_git.errors import LlmopsError
from llmops_git.forges.dry_run import DryRun
from llmops_git.forges.github import GitHub
from llmops_git.forges.table import open_forge

DOCS = Path(__file__).parents[2] / "docs" / "forges.md"


def test_in_github_actions_it_is_github() -> None:
    forge = open_forge({"GITHUB_ACTIONS": "true"}, token="t", repository="a/b", dry_run=None)
    assert isinstance(forge, GitHub)
    assert "GitHub('a/b', Client('https://api.github.com'))" == repr(forge)
    forge.close()


def test_the_address_of_an_enterprise_server_is_used(hub: Hub, pull: int) -> None:
    forge = open_forge({"GITHUB_API_URL": hub.api_url}, token=hub.token(), repository="octo-org/prompts", dry_run=None)
    assert pull == forge.pull_request(pull).number


def test_an_apps_login_comes_from_its_variable(hub: Hub) -> None:
    environ = {"GITHUB_API_URL": hub.api_url, "LLMOPS_LOGIN": "my-app[bot]"}
    assert "my-app[bot]" == open_forge(environ, token=hub.token(), repository="octo-org/prompts", dry_run=None).me()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "this is no job of GitHub Actions"),
        ({"GITLAB_CI": "true"}, "this job runs on GitLab, and only GitHub is supported so far"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://x/api/v1", "GITEA_ACTIONS": "true"}, "this job runs on Gitea"),
    ],
)
def test_elsewhere_the_error_says_where_it_is(environ: dict[str, str], message: str) -> None:
    with pytest.raises(LlmopsError, match=message) as caught:
        open_forge(environ, token="t", repository="a/b", dry_run=None)
    assert "--dry-run" in caught.value.hint


def test_without_a_token_the_hint_says_where_it_comes_from() -> None:
    with pytest.raises(LlmopsError, match="there is no token for the forge") as caught:
        open_forge({"GITHUB_ACTIONS": "true"}, token="", repository="a/b", dry_run=None)
    assert "${{ github.token }}" in caught.value.hint


def test_an_address_that_is_not_https_is_refused() -> None:
    with pytest.raises(LlmopsError, match="is not https"):
        open_forge({"GITHUB_API_URL": "http://ghe.example/api/v3"}, token="t", repository="a/b", dry_run=None)


@pytest.mark.parametrize(("token", "environ"), [("", {"GITHUB_ACTIONS": "true"}), ("t", {}), ("t", {"GITLAB_CI": "true"})])
def test_a_dry_run_needs_neither_token_nor_service(token: str, environ: dict[str, str], tmp_path: Path) -> None:
    forge = open_forge(environ, token=token, repository="a/b", dry_run=tmp_path)
    assert isinstance(forge, DryRun)
    assert [] == list(forge.comments(1))


def test_a_dry_run_with_a_token_reads(hub: Hub, pull: int, tmp_path: Path) -> None:
    forge = open_forge({"GITHUB_API_URL": hub.api_url}, token=hub.token(), repository="octo-org/prompts", dry_run=tmp_path)
    forge.create_comment(pull, "x")
    assert (pull, []) == (forge.pull_request(pull).number, hub.writes())


def test_every_call_of_the_forge_is_in_the_table_of_permissions() -> None:
    calls = [name for name in vars(GitHub) if not name.startswith("_") and name not in {"repository", "close"}]
    table = DOCS.read_text(encoding="utf-8")
    assert [] == [name for name in calls if f"| `{name}` |" not in table]
