"""Sends one request and reads one bounded reply. No cookies, no redirects, no compressed bodies."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from llmops_git.forges.base import ForgeError
from llmops_git.forges.http_origin import is_loopback
from llmops_git.forges.http_retry import Answer, Lost

_PATIENCE = 4  # a whole reply may take so many times the time-out of one wait
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"


class _Slow(Exception):
    """The reply comes, but too slowly."""


class Wire:
    """One pool of connections. `timeout` bounds each wait in seconds, and four times as much a whole reply."""

    def __init__(self, base: httpx.URL, *, timeout: float) -> None:
        own_machine = is_loopback(base.host)
        self._whole = timeout * _PATIENCE
        self._http = httpx.Client(
            timeout=timeout,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=not own_machine,  # a proxy of the environment does not lead to this machine
            verify=httpx.create_ssl_context(),
        )

    def close(self) -> None:
        self._http.close()

    def exchange(
        self,
        method: str,
        url: httpx.URL,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        most_bytes: int,
        foreign: str = "",
    ) -> Answer | Lost:
        """One reply, or why there is none. Raises ForgeError for one that is larger than we are willing to hold."""
        sent = {"accept-encoding": "identity", **headers}
        try:
            with self._http.stream(method, url, headers=sent, content=body) as response:
                content = _bounded(response, most_bytes, time.monotonic() + self._whole)
                fields = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status_code, headers=fields, content=content, foreign=foreign)
        except _Slow:
            return Lost(why="the reply is too slow")
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            return Lost(why=why, sent=not isinstance(error, _NOT_SENT), hopeless=_CERTIFICATE in why)


def _bounded(response: httpx.Response, most_bytes: int, deadline: float) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ForgeError(f"{response.url.host} sent a compressed reply, which nobody asked for", status=response.status_code)
    kept = bytearray()
    for chunk in response.iter_raw():
        kept += chunk
        if len(kept) > most_bytes:
            raise ForgeError(f"the reply of {response.url.host} is larger than {most_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise _Slow
    return bytes(kept)
