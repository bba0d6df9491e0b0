"""The hub's REST side: finds the operation, asks who calls and whether they may, answers, and judges both by the contract."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from fakehub.contract import NOTHING, Match
from fakehub.githttp import token_of
from fakehub.records import RANK, Repository, Token

if TYPE_CHECKING:
    from fakehub.hub import Hub

DOCUMENTATION = "https://docs.github.com/rest"
VERSIONS = frozenset({"2022-11-28", "2026-03-10"})
LONGEST_BODY = 65_536  # characters


class Problem(Exception):
    """An error reply as GitHub shapes it."""

    def __init__(self, status: int, message: str, errors: Sequence[Mapping[str, Any]] = (), **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
        if errors:
            self.body["errors"] = [*errors]  # type: ignore[assignment]
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def invalid(resource: str, field_name: str, code: str = "invalid", message: str = "") -> Problem:
    """422 Validation Failed with one error."""
    error = {"resource": resource, "field": field_name, "code": code}
    return Problem(422, "Validation Failed", [error | ({"message": message} if message else {})])


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to be sent; `body` NOTHING has none."""

    status: int = 200
    body: Any = NOTHING
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request to one operation, for its handler."""

    hub: Hub
    match: Match
    path: str  # below /api/v3
    query: Mapping[str, str]
    body: Any  # {} when there was none
    token: Token | None
    repo: Repository

    def __getitem__(self, name: str) -> str:
        return self.match.parameters[name]

    def number(self, name: str) -> int:
        if not self[name].isdigit():
            raise Problem(404, "Not Found")
        return int(self[name])

    @property
    def login(self) -> str:
        assert self.token is not None
        return self.token.login

    def may(self, scope: str, level: str) -> bool:
        """Whether the token's permissions and its owner's role allow this, the role only for what changes the repository."""
        token = self.token
        if token is None or (token.repositories is not None and self.repo.full_name not in token.repositories):
            return level == "read" and not self.repo.private
        if level == "read" and not self.repo.private:
            return True
        granted = {"metadata": "read", **token.permissions}.get(scope, "none") if token.permissions is not None else "admin"
        return RANK[granted] >= RANK[level]

    def page(self, items: Sequence[Any]) -> tuple[list[Any], dict[str, str]]:
        """The items of the page that was asked for, and the Link header."""
        size = min(self._positive("per_page", 30), 100)
        number = self._positive("page", 1)
        last = max(math.ceil(len(items) / size), 1)
        links = {"prev": number - 1, "first": 1} if number > 1 else {}
        links |= {"next": number + 1, "last": last} if number < last else {}
        shown = [f'<{self._page_url(page)}>; rel="{name}"' for name, page in links.items()]
        return list(items[(number - 1) * size : number * size]), {"link": ", ".join(shown)} if shown else {}

    def _positive(self, name: str, default: int) -> int:
        value = self.query.get(name, "")
        return int(value) if value.isdigit() and int(value) > 0 else default

    def _page_url(self, page: int) -> str:
        return f"{self.hub.api_url}{self.path}?{urlencode({**self.query, 'page': str(page)})}"


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Operation:
    """`needs` is what GitHub sends as x-accepted-github-permissions: `scope=level`, alternatives divided by `; `."""

    handler: Handler
    needs: str
    role: str  # what a person has to be in the repository


OPERATIONS: dict[str, Operation] = {}


def operation(operation_id: str, *, needs: str, role: str = "") -> Callable[[Handler], Handler]:
    """Registers a handler. The role follows from the permission: `write` for what writes, unless it is given."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[operation_id] = Operation(handler, needs, role or ("write" if "=write" in needs else "read"))
        return handler

    return register


def answer(hub: Hub, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes) -> tuple[str, Reply]:
    """The operation's id and the reply. `path` is below /api/v3. What breaks the contract goes to `hub.violations`."""
    _load_handlers()
    match = hub.contract.match(method, path)
    if match is None:
        hub.violations.append(f"{method} {path}: no such operation in the contract's slice")
        return "", _shown(Problem(404, "Not Found"))
    pairs = parse_qsl(query, keep_blank_values=True)
    try:
        body = json.loads(raw) if raw else NOTHING
    except ValueError:
        return match.id, _shown(Problem(400, "Problems parsing JSON"))
    faults = hub.contract.request_violations(match, pairs, body)
    hub.violations.extend(faults)
    reply = _perform(hub, match, path, dict(pairs), headers, {} if body is NOTHING or body is None else body, faults)
    hub.violations.extend(hub.contract.reply_violations(match, reply.status, reply.body))
    return match.id, reply


def _perform(
    hub: Hub, match: Match, path: str, query: dict[str, str], headers: Mapping[str, str], body: Any, faults: Sequence[str]
) -> Reply:
    known = OPERATIONS[match.id]
    accepted = {"x-accepted-github-permissions": known.needs}
    try:
        _check_headers(headers)
        token = hub.authenticate(token_of(headers))
        if token is None and "authorization" in headers:
            raise Problem(401, "Bad credentials")
        call = Call(hub=hub, match=match, path=path, query=query, body=body, token=token, repo=_repository(hub, match, token))
        _check_permission(call, known)
        if any("body" in fault and "unexpected" not in fault for fault in faults):
            raise Problem(422, "Invalid request.\n\n" + "\n".join(faults))
        reply = known.handler(call)
        return Reply(reply.status, reply.body, {**accepted, **reply.headers})
    except Problem as problem:
        shown = _shown(problem)
        return Reply(shown.status, shown.body, {**accepted, **shown.headers})


def _shown(problem: Problem) -> Reply:
    return Reply(problem.status, problem.body, problem.headers)


def _check_headers(headers: Mapping[str, str]) -> None:
    if not headers.get("user-agent"):
        raise Problem(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
    version = headers.get("x-github-api-version", "2022-11-28")
    if version not in VERSIONS:
        raise Problem(400, f"{version} is not a supported version of the API.")


_NOWHERE = Repository(id=0, owner="", name="", folder=None, private=False, default_branch="")  # type: ignore[arg-type]


def _repository(hub: Hub, match: Match, token: Token | None) -> Repository:
    """The repository of a call; one that may not be seen is not there."""
    if "owner" not in match.parameters:
        return _NOWHERE
    repo = hub.repositories.get(f"{match.parameters['owner']}/{match.parameters['repo']}".lower())
    if repo is None or (repo.private and not _sees(repo, token)):
        raise Problem(404, "Not Found")
    return repo


def _sees(repo: Repository, token: Token | None) -> bool:
    if token is None:
        return False
    if token.installation:
        return token.repositories is None or repo.full_name in token.repositories
    return repo.role(token.login) != "none"


def _check_permission(call: Call, known: Operation) -> None:
    wanted = [choice.split("=") for choice in known.needs.split("; ")] if known.needs else []
    if wanted and call.token is None and any(level != "read" for _, level in wanted):
        raise Problem(401, "Requires authentication")
    if wanted and not any(call.may(scope, level) for scope, level in wanted):
        raise forbidden(call)
    if (
        call.token
        and not call.token.installation
        and RANK[call.repo.role(call.login)] < RANK[known.role]
        and call.repo is not _NOWHERE
    ):
        raise Problem(
            403, "Must have push access to repository" if known.role == "write" else "Must have admin rights to Repository."
        )


def forbidden(call: Call) -> Problem:
    kind = "integration" if call.token is None or call.token.installation else "personal access token"
    return Problem(403, f"Resource not accessible by {kind}")


def text(value: Any, resource: str, *, most: int = LONGEST_BODY, field_name: str = "body") -> str:
    """A text of a request within GitHub's limit."""
    value = value or ""
    if len(value) > most:
        raise invalid(resource, field_name, "custom", f"{field_name} is too long (maximum is {most} characters)")
    return str(value)


def _load_handlers() -> None:
    if not OPERATIONS:
        for name in ("comments", "issues", "pulls", "statuses", "actions", "repositories"):
            importlib.import_module(f"fakehub.operations.{name}")
