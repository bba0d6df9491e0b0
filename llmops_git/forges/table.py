"""Which forge a job talks to: chosen by what the CI service says of itself in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import Forge
from llmops_git.forges.dry_run import DryRun

GITHUB_API = "https://api.github.com"
LOGIN = "LLMOPS_LOGIN"  # who the token of an own app writes as: `<slug>[bot]`
# variable that a service sets in its jobs -> what it is called; none of these has GitHub's API
_OTHERS = {
    "GITLAB_CI": "GitLab",
    "GITEA_ACTIONS": "Gitea",
    "FORGEJO_ACTIONS": "Forgejo",
    "BITBUCKET_BUILD_NUMBER": "Bitbucket",
    "TF_BUILD": "Azure Pipelines",
}
_TOKEN_HINT = "pass `token: ${{ github.token }}` to the Action, or set LLMOPS_TOKEN"  # noqa: S105  # says where it comes from


def open_forge(environ: Mapping[str, str], *, token: str, repository: str, dry_run: Path | None) -> Forge:
    """The forge of this job; with `dry_run`, one that writes into that folder and reads with the token, if there is one.

    Raises LlmopsError where there is no forge that we can talk to, or no token for it.
    """
    if dry_run is not None:
        reading = _github(environ, token, repository) if token and _is_github(environ) else None
        return DryRun(dry_run, repository, reading)
    if not _is_github(environ):
        raise LlmopsError(_elsewhere(environ), hint="--dry-run writes to files what would be sent")
    if not token:
        raise LlmopsError("there is no token for the forge", hint=_TOKEN_HINT)
    return _github(environ, token, repository)


def _is_github(environ: Mapping[str, str]) -> bool:
    named = environ.get("GITHUB_ACTIONS") == "true" or bool(environ.get("GITHUB_API_URL"))
    return named and not any(environ.get(variable) for variable in _OTHERS)


def _github(environ: Mapping[str, str], token: str, repository: str) -> Forge:
    from llmops_git.forges.github import GitHub

    api_url = environ.get("GITHUB_API_URL") or GITHUB_API
    return GitHub(repository=repository, token=token, api_url=api_url, login=environ.get(LOGIN, "").strip())


def _elsewhere(environ: Mapping[str, str]) -> str:
    service = next((name for variable, name in _OTHERS.items() if environ.get(variable)), "")
    if service:
        return f"this job runs on {service}, and only GitHub is supported so far"
    return "this is no job of GitHub Actions: neither GITHUB_ACTIONS nor GITHUB_API_URL is set"
