"""Git over HTTP: who may read and write is decided here, the rest is `git http-backend`."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fakehub.gitstore import environment
from fakehub.records import RANK, Repository, Token

if TYPE_CHECKING:
    from fakehub.hub import Hub

PATH = re.compile(
    r"/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?(?P<rest>/(?:info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.+))"
)
ACTIONS_APP = 15368  # the id of GitHub's own Actions app, for `bypass_actors`


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def serve(hub: Hub, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Answer one request of a git client. Afterwards pull requests follow the branches that were pushed."""
    found = PATH.fullmatch(path)
    assert found is not None
    writes = found["rest"] == "/git-receive-pack" or parse_qs(query).get("service") == ["git-receive-pack"]
    repository = hub.repositories.get(found["name"].lower())
    token = hub.authenticate(token_of(headers))
    refusal = _refusal(repository, token, writes=writes, tried="authorization" in headers)
    if refusal is not None or repository is None:
        return refusal or _says(404, "Repository not found.")
    answer = _backend(hub, repository, method, found["rest"], query, headers, body, token)
    if writes and method == "POST":
        with hub.lock:
            hub.follow_branches(repository)
    return answer


def _refusal(repository: Repository | None, token: Token | None, *, writes: bool, tried: bool) -> Answer | None:
    if tried and token is None:
        return _says(401, "Invalid username or token.", {"www-authenticate": 'Basic realm="GitHub"'})
    if token is None and (writes or repository is None or repository.private):
        return _says(401, "", {"www-authenticate": 'Basic realm="GitHub"'})
    if repository is None:
        return _says(404, "Repository not found.")
    if token is not None and (writes or repository.private) and not _allowed(repository, token, "write" if writes else "read"):
        if repository.private and not _allowed(repository, token, "read"):
            return _says(404, "Repository not found.")
        return _says(403, f"Permission to {repository.full_name}.git denied to {token.login}.")
    return None


def _allowed(repository: Repository, token: Token, wanted: str) -> bool:
    if token.repositories is not None and repository.full_name not in token.repositories:
        return False
    granted = "admin" if token.permissions is None else token.permissions.get("contents", "none")
    role = "write" if token.installation else repository.role(token.login)
    return min(RANK[granted], RANK[role]) >= RANK[wanted]


def _says(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, {"content-type": "text/plain; charset=UTF-8", **(headers or {})}, text.encode())


def token_of(headers: Mapping[str, str]) -> str | None:
    """The token of `Basic base64(user:TOKEN)` (git), `Bearer TOKEN` or `token TOKEN` (API); None when nothing was sent."""
    if "authorization" not in headers:
        return None
    kind, _, value = headers["authorization"].partition(" ")
    if kind.lower() != "basic":
        return value
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _backend(
    hub: Hub,
    repository: Repository,
    method: str,
    rest: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    token: Token | None,
) -> Answer:
    actor = {"login": token.login, "role": repository.role(token.login)} if token else {}
    if token is not None and token.login == "github-actions[bot]":
        actor["integration"] = ACTIONS_APP
    more = {
        "GIT_PROJECT_ROOT": str(repository.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": rest,
        "REQUEST_METHOD": method,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "REMOTE_USER": token.login if token else "",
        "HUB_RULES": json.dumps({"actor": actor, "rulesets": repository.rulesets, "default_branch": repository.default_branch}),
    }
    if token is None:
        del more["REMOTE_USER"]
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=False, env=environment(**more))
    return _answer(done.stdout, done.stderr)


def _answer(out: bytes, err: bytes) -> Answer:
    """What a CGI program wrote: headers, an empty line, the body."""
    head, found, body = out.partition(b"\r\n\r\n")
    if not found:
        return _says(500, err.decode(errors="replace"))
    lines = (line.partition(":") for line in head.decode().splitlines())
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    status = headers.pop("status", "200 OK")
    return Answer(int(status.split()[0]), headers, body)
