"""A small REST client for GitHub's API: one pool, paging, waiting where that is safe, and the token for one origin only."""

from __future__ import annotations

import json
import random
import re
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from llmops_git import __version__
from llmops_git.errors import LlmopsError
from llmops_git.forges.base import ForgeError
from llmops_git.forges.http_errors import Asked, Unclear, no_answer, not_json, refusal, too_patient
from llmops_git.forges.http_origin import checked_base, checked_redirect, next_page, origin_of
from llmops_git.forges.http_retry import Answer, Lost, is_fault, wait_before_repeating
from llmops_git.forges.http_wire import Wire

API_VERSION = "2022-11-28"
MOST_JSON_BYTES = 64 * 1024 * 1024  # a page of 100 comments of 65,536 characters, each written as \uXXXX, is 39 MB
MOST_PAGES = 1_000
PAGE_SIZE = 100
MOST_REDIRECTS = 3
REST_SECONDS = 3.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,2000}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESS = range(200, 300)
_AGENT = f"llmops-git/{__version__}"
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})  # each sets or reads a state; none adds one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How waiting is done. `most_wait` bounds all waits of a client together, in seconds; `jitter` gives 0 to 1."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    most_wait: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    asked: Asked
    url: httpx.URL
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool
    follow: bool = False
    most_bytes: int = MOST_JSON_BYTES


class Client:
    """One API and one token. Not for several threads at once. Every method raises ForgeError."""

    def __init__(self, api_url: str, token: str, *, pace: Pace | None = None, timeout: float = 30.0) -> None:
        """Raises LlmopsError for an address or a token that cannot be one. `timeout` is in seconds, for each wait."""
        self._base = checked_base(api_url)
        if not _TOKEN.fullmatch(token):
            raise LlmopsError(
                "the token is empty or holds blanks or control characters", hint="pass `token: ${{ github.token }}`"
            )
        self._token = token
        self._pace = pace or Pace()
        self._waited = 0.0
        self._wire = Wire(self._base, timeout=timeout)
        weakref.finalize(self, self._wire.close)

    def __repr__(self) -> str:
        return f"Client({str(self._base)!r})"

    def close(self) -> None:
        self._wire.close()

    def get(self, path: str, *, needs: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON value at a path below the API's address."""
        call = self._call("GET", path, needs, query=query)
        return _json(call, self._carried_out(call))

    def send(self, method: str, path: str, body: object, *, needs: str, repeatable: bool | None = None) -> Any:
        """Write, and the JSON of the answer (None where it has none).

        Raises Unclear where it is not known whether a call that is not repeatable was carried out.
        """
        call = self._call(method, path, needs, body=body, repeatable=repeatable)
        answer = self._carried_out(call)
        return _json(call, answer) if answer.content else None

    def pages(self, path: str, *, needs: str, query: Mapping[str, str] | None = None, key: str = "") -> Iterator[Any]:
        """Every element of a list, over all pages; of the list under `key` where pages are objects."""
        call: _Call | None = self._call("GET", path, needs, query={**(query or {}), "per_page": str(PAGE_SIZE)})
        seen: set[httpx.URL] = set()
        while call is not None:
            if call.url in seen or len(seen) >= MOST_PAGES:
                raise ForgeError(f"the pages of {call.asked} do not end after {len(seen)}")
            seen.add(call.url)
            answer = self._carried_out(call)
            yield from _elements(call, _json(call, answer), key)
            following = next_page(self._base, call.url, answer.headers.get("link", ""))
            call = None if following is None else self._call("GET", path, needs, url=following)

    def download(self, path: str, *, needs: str, most_bytes: int) -> bytes:
        """A file that the API redirects to. Another origin than the API's own never sees the token."""
        return self._carried_out(self._call("GET", path, needs, follow=True, most_bytes=most_bytes)).content

    def rest(self) -> None:
        """Give a server whose answer was lost the time to finish what it does."""
        self._pace.sleep(REST_SECONDS)

    def _call(
        self,
        method: str,
        path: str,
        needs: str,
        *,
        query: Mapping[str, str] | None = None,
        url: httpx.URL | None = None,
        body: object = None,
        repeatable: bool | None = None,
        follow: bool = False,
        most_bytes: int = MOST_JSON_BYTES,
    ) -> _Call:
        target = url or httpx.URL(f"{self._base}{path}", params=query or None)
        return _Call(
            asked=Asked(method=method, path=path, needs=needs, api_url=str(self._base), secret=self._token),
            url=target,
            body=None if body is None else json.dumps(body).encode("ascii"),
            repeatable=method in _REPEATABLE if repeatable is None else repeatable,
            follow=follow,
            most_bytes=most_bytes,
        )

    def _carried_out(self, call: _Call) -> Answer:
        """The answer of success to a call, repeated where that is safe."""
        attempt = 0
        while True:
            outcome = self._attempt(call)
            if isinstance(outcome, Answer) and outcome.status in _SUCCESS:
                return outcome
            wait = wait_before_repeating(outcome, attempt=attempt, repeatable=call.repeatable, now=self._pace.now())
            if wait is None:
                raise _failure(call, outcome)
            self._pause(call, outcome, wait)
            attempt += 1

    def _pause(self, call: _Call, outcome: Answer | Lost, wait: float) -> None:
        wait *= 1 + self._pace.jitter() / 5  # never earlier than asked; jobs that were refused together come back apart
        if self._waited + wait > self._pace.most_wait:
            if isinstance(outcome, Answer) and not is_fault(outcome):
                raise too_patient(call.asked, outcome, wait)
            raise _failure(call, outcome)
        self._waited += wait
        self._pace.sleep(wait)

    def _attempt(self, call: _Call) -> Answer | Lost:
        outcome = self._wire.exchange(
            call.asked.method, call.url, headers=self._headers(call), body=call.body, most_bytes=call.most_bytes
        )
        hops = 0
        while call.follow and isinstance(outcome, Answer) and outcome.status in _REDIRECTS:
            hops += 1
            if hops > MOST_REDIRECTS:
                raise ForgeError(f"{call.asked} is redirected more than {MOST_REDIRECTS} times")
            outcome = self._redirected(call, outcome)
        return outcome

    def _redirected(self, call: _Call, answer: Answer) -> Answer | Lost:
        target = checked_redirect(self._base, answer.headers.get("location", ""))
        foreign = "" if origin_of(target) == origin_of(self._base) else target.host
        headers = {"user-agent": _AGENT} if foreign else self._headers(call)
        return self._wire.exchange("GET", target, headers=headers, body=None, most_bytes=call.most_bytes, foreign=foreign)

    def _headers(self, call: _Call) -> dict[str, str]:
        typed = {} if call.body is None else {"content-type": "application/json"}
        return {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {self._token}",
            "user-agent": _AGENT,
            "x-github-api-version": API_VERSION,
            **typed,
        }


def _failure(call: _Call, outcome: Answer | Lost) -> ForgeError:
    if isinstance(outcome, Lost):
        return no_answer(call.asked, outcome)
    error = refusal(call.asked, outcome)
    if is_fault(outcome) and not call.repeatable:
        return Unclear(error.message, status=outcome.status, hint=error.hint)
    return error


def _json(call: _Call, answer: Answer) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise not_json(call.asked, answer) from None


def _elements(call: _Call, page: object, key: str) -> list[Any]:
    elements = page.get(key) if key and isinstance(page, dict) else page
    if not isinstance(elements, list):
        raise ForgeError(f"the answer to {call.asked} is no list")
    return elements
