"""Where on a forge a remote is: its repository, and the address of the forge's API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.errors import LlmopsError
from llmops_git.repo.refs import last_lines

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_PUBLIC = ("github.com", "ssh.github.com")
# https://host/owner/name.git, ssh://git@host:22/owner/name, git@host:owner/name.git (git-fetch, GIT URLS)
_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9.-]+)(?::\d+)?/|(?:[^@/\s]+@)?(?P<scp>[A-Za-z0-9.-]+):(?!/))"
    r"/*(?P<repository>[A-Za-z0-9._-]+/[A-Za-z0-9._-]+?)(?:\.git)?/*\Z"
)


class Place(NamedTuple):
    """`repository` is "owner/name"."""

    repository: str
    api_url: str


def remote_place(git: Git, remote: str, environ: Mapping[str, str]) -> Place:
    """The place of a remote. GITHUB_REPOSITORY and GITHUB_API_URL come first, where they are set; a host of one's own is taken
    for GitHub Enterprise Server. Raises LlmopsError for an address that names no repository of a forge."""
    address = git.run("remote", "get-url", "--", remote).decode(errors="replace").strip()
    found = _ADDRESS.match(address)
    repository = environ.get("GITHUB_REPOSITORY") or (found["repository"] if found else "")
    api_url = environ.get("GITHUB_API_URL") or (_api_url(found["host"] or found["scp"]) if found else "")
    if not repository or not api_url:
        message = f"the remote `{remote}` is no repository of a forge: {last_lines(address)}"
        raise LlmopsError(message, hint="set GITHUB_REPOSITORY=owner/name and GITHUB_API_URL, or --push and open it yourself")
    return Place(repository, api_url)


def _api_url(host: str) -> str:
    return "https://api.github.com" if host.lower() in _PUBLIC else f"https://{host}/api/v3"
