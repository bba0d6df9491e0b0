"""The forge that this clone's remote is on, for commands that a person runs: with the token of the shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.forges.base import Forge
    from llmops_git.repo.git import Git

VARIABLES = ("LLMOPS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")


class Here(NamedTuple):
    """A forge, and where people look at what it serves."""

    forge: Forge
    server: str


def forge_here(git: Git, remote: str | None, command: str) -> Here:
    """The forge of `remote`. Raises LlmopsError without a token or a remote; `command` is what the hint tells to type."""
    from llmops_git.forges.table import open_forge
    from llmops_git.repo.remote_place import remote_place

    token = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    if not token:
        message = f"a pull request needs a token: none of {', '.join(VARIABLES)} is set"
        raise LlmopsError(message, hint=f'LLMOPS_TOKEN="$(gh auth token)" llmops-git {command} …')
    if remote is None:
        raise LlmopsError("there is no remote to open a pull request at", hint="git remote add origin ADDRESS")
    place = remote_place(git, remote, os.environ)
    forge = open_forge({**os.environ, "GITHUB_API_URL": place.api_url}, token=token, repository=place.repository, dry_run=None)
    hosted = place.api_url == "https://api.github.com"
    return Here(forge, "https://github.com" if hosted else place.api_url.removesuffix("/api/v3"))
