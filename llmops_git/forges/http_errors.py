"""Says what a refusal of GitHub means and what to do about it. Bodies are text of strangers: cleaned and cut."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from llmops_git.forges.base import Denied, ForgeError, NotFound, Rejected
from llmops_git.forges.http_retry import Answer, Lost, is_fault, is_limited
from llmops_git.forges.text import one_line

SAID_LIMIT = 300  # characters of what the server said
_TOO_LONG = re.compile(r"too long|too large|maximum is \d+", re.IGNORECASE)
_PERMISSION = re.compile(r"([a-z_]{1,40})=(read|write|admin)")
_ENTERPRISE = "the API of GitHub Enterprise Server is at https://HOST/api/v3: is GITHUB_API_URL right?"
_FORK = (
    "the token of a pull request from a fork or from Dependabot is read-only whatever the workflow says; "
    "there the comment workflow (workflow_run) writes"
)
_PULL_REQUESTS_OFF = "not permitted to create or approve pull requests"
_GONE = 410
_MOVED = frozenset({301, 302, 307, 308})
_MINUTE = 60


class Unclear(ForgeError):
    """The request was sent, and nobody knows whether it was carried out; it must not be repeated blindly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked, as messages name it. `needs` is the permission, as `pull-requests: write`; `secret` is never shown."""

    method: str
    path: str
    needs: str
    api_url: str
    secret: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def refusal(asked: Asked, answer: Answer) -> ForgeError:
    """The error for an answer that is none of success."""
    if answer.foreign:
        return ForgeError(f"the storage at {answer.foreign} answered {answer.status} to {asked}", status=answer.status)
    if is_limited(answer):
        return _limited(asked, answer)
    if is_fault(answer):
        return ForgeError(f"GitHub failed at {asked} ({_said(asked, answer)})", status=answer.status, hint="run the job again")
    match answer.status:
        case 401:
            return _unauthorised(asked, answer)
        case 403:
            return _forbidden(asked, answer)
        case 404 | 410:
            return _not_found(asked, answer)
        case 422:
            return _rejected(asked, answer)
        case _:
            return _refused(asked, answer)


def _refused(asked: Asked, answer: Answer) -> ForgeError:
    hint = "the repository was renamed or moved; use its new name" if answer.status in _MOVED else ""
    return ForgeError(f"GitHub did not do {asked} ({_said(asked, answer)})", status=answer.status, hint=hint)


def too_patient(asked: Asked, answer: Answer, wait: float) -> ForgeError:
    """The error for a limit that lasts longer than we may wait."""
    span = f"{wait / _MINUTE:.0f} minutes" if wait > 2 * _MINUTE else f"{wait:.0f} seconds"
    hint = "run the job again later; fewer jobs at the same time, or an app's own token, have more room"
    return ForgeError(f"GitHub's rate limit refuses {asked} for {span}", status=answer.status, hint=hint)


def no_answer(asked: Asked, lost: Lost) -> ForgeError:
    """The error for a request that got no whole answer."""
    why = one_line(lost.why.replace(asked.secret, "***"), SAID_LIMIT)
    kind = Unclear if lost.sent else ForgeError
    return kind(
        f"no answer from {asked.api_url} to {asked}: {why}", hint="check the network and the proxy settings of the runner"
    )


def not_json(asked: Asked, answer: Answer) -> ForgeError:
    """The error for a success whose body is not what an API answers."""
    kind = one_line(answer.headers.get("content-type", "nothing").replace(asked.secret, "***"), 60)
    what = f"the answer of {asked.api_url} to {asked} is not JSON but {kind}"
    return Unclear(what, status=answer.status, hint=_enterprise_hint(asked) or "run the job again")


def _limited(asked: Asked, answer: Answer) -> ForgeError:
    hint = "run the job again later"
    return ForgeError(f"GitHub's rate limit refused {asked} ({_said(asked, answer)})", status=answer.status, hint=hint)


def _unauthorised(asked: Asked, answer: Answer) -> Denied:
    hint = "pass `token: ${{ github.token }}`; it ends with its job, and a token is good only for the server that made it"
    return Denied(f"GitHub does not accept the token for {asked} ({_said(asked, answer)})", status=answer.status, hint=hint)


def _forbidden(asked: Asked, answer: Answer) -> Denied:
    said = _said(asked, answer)
    needs = _accepted(answer) or asked.needs
    lacks = f": it needs `{needs}`" if needs else ""
    return Denied(f"GitHub refused {asked} ({said}){lacks}", status=answer.status, hint=_forbidden_hint(answer, said, needs))


def _forbidden_hint(answer: Answer, said: str, needs: str) -> str:
    if _PULL_REQUESTS_OFF in said:
        return "allow it in Settings > Actions > General > Workflow permissions, or pass the token of an app"
    if "x-github-sso" in answer.headers:
        return "authorise the token for the organisation's single sign-on"
    first = f"add `{needs}` to `permissions:` of the job" if needs else "give the token the permission for this"
    return f"{first}; {_FORK}"


def _not_found(asked: Asked, answer: Answer) -> NotFound:
    needs = _accepted(answer) or asked.needs
    gone = "is gone" if answer.status == _GONE else "does not exist, or this token may not see it"
    message = f"what {asked} is about {gone} ({_said(asked, answer)})"
    hint = _enterprise_hint(asked) or (
        f"in a private repository the token needs `{needs}`" if needs else "check the number and the name"
    )
    return NotFound(message, status=answer.status, hint=hint)


def _rejected(asked: Asked, answer: Answer) -> Rejected:
    said = _said(asked, answer)
    return Rejected(f"GitHub does not take {asked} ({said})", too_long=bool(_TOO_LONG.search(said)))


def _accepted(answer: Answer) -> str:
    """What GitHub says this call needs: `pull_requests=write; issues=write` as `pull-requests: write` or `issues: write`."""
    ways = []
    for way in answer.headers.get("x-accepted-github-permissions", "")[:SAID_LIMIT].split(";"):
        found = [_PERMISSION.fullmatch(part.strip()) for part in way.split(",")]
        named = [f"{match[1].replace('_', '-')}: {match[2]}" for match in found if match]
        if named:
            ways.append("` and `".join(named))
    return "` or `".join(ways)


def _enterprise_hint(asked: Asked) -> str:
    parts = urlsplit(asked.api_url)
    usual = (parts.hostname or "").startswith("api.") or parts.path.rstrip("/").endswith("/api/v3")
    return "" if usual else _ENTERPRISE


def _said(asked: Asked, answer: Answer) -> str:
    """The status and what the body says about it, on one line."""
    try:
        body: Any = json.loads(answer.content)
    except (ValueError, RecursionError):
        body = None
    words = one_line(": ".join(_words(body)).replace(asked.secret, "***"), SAID_LIMIT)
    return f"{answer.status}: {words}" if words else str(answer.status)


def _words(body: object) -> list[str]:
    if not isinstance(body, dict):
        return []
    message, errors = body.get("message"), body.get("errors")
    found = [message] if isinstance(message, str) else []
    for error in errors[:5] if isinstance(errors, list) else ():
        if isinstance(error, str):
            found.append(error)
        elif isinstance(error, dict):
            parts = [error.get(name) for name in ("field", "code", "message")]
            found.append(" ".join(part for part in parts if isinstance(part, str)))
    return [words for words in found if words]
