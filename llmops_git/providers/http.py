"""A provider behind HTTP: one connection per worker, one TLS context for all; what is said over it is the dialect's."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import httpx

from llmops_git.configs.policy import ProviderSettings
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.providers.endpoint import base_address, headers_of, is_proxied, key_of, wire_error
from llmops_git.providers.rate_limits import rate_limits_of
from llmops_git.providers.sse import EventStream
from llmops_git.providers.transport import (
    SECONDS,
    STREAMED,
    WATCH,
    DirectTransport,
    ReplyTooLarge,
    is_event_stream,
)
from llmops_git.providers.wire import Dialect, Incoming, error_object, error_words

DEFAULT_CONCURRENCY = 16
MAX_REPLY_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 64 * 1024 * 1024  # an event is a few hundred bytes, and holds one token
_FIRST_SUCCESS, _PAST_SUCCESS = 200, 300
_REFUSED_FIELDS = frozenset({400, 422})
_ABOUT_STREAMING = re.compile(r"\bstream(?:ing|_options|ed)?\b", re.IGNORECASE)


class HttpProvider:
    """One endpoint. The key is read once, goes into one header, and appears in no message."""

    def __init__(self, settings: ProviderSettings, dialect: Dialect, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the address is unusable or the key's variable is not set."""
        self._settings = settings
        self._dialect = dialect
        self._base = base_address(settings, dialect)
        self._key = key_of(settings, environ)
        self._context = httpx.create_ssl_context() if self._base.scheme == "https" else None
        self._proxied = is_proxied(self._base)
        self._headers = headers_of(dialect.headers(self._key))
        self._wires: dict[int, DirectTransport | httpx.Client] = {}
        self._lock = threading.Lock()
        self._urls: dict[str, httpx.URL] = {}
        self._unstreamed: set[str] = set()  # models that answer, but not in events

    @property
    def concurrency(self) -> int:
        """The policy's `concurrency`, or 16."""
        return self._settings.concurrency or DEFAULT_CONCURRENCY

    def fingerprint(self) -> str:
        """The wire and the address."""
        return f"{self._dialect.name} {self._base.netloc.decode('ascii')}{self._base.path}"

    def generate(self, request: Request, *, worker: int) -> Reply:
        """Ask once. Raises ProviderError."""
        try:
            return self._ask(request, worker)
        except ProviderError as error:
            words = error.message.replace(self._key, "***") if self._key else error.message
            error.message = f"{self._settings.name}: {words}"
            error.args = (error.message,)
            raise

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            wires, self._wires = list(self._wires.values()), {}
        for wire in wires:
            wire.close()

    def _ask(self, request: Request, worker: int) -> Reply:
        if self._settings.stream and request.model not in self._unstreamed:
            try:
                return self._exchange(request, worker, stream=True)
            except _NoStream:
                self._unstreamed.add(request.model)
        return self._exchange(request, worker, stream=False)

    def _exchange(self, request: Request, worker: int, *, stream: bool) -> Reply:
        """One request and its reply. Raises ProviderError, or _NoStream where the server refused because of the streaming."""
        watch = _Watch(self._dialect.incoming(request)) if stream else None
        http_request = httpx.Request(
            "POST",
            self._url(self._dialect.path(request, stream=stream)),
            headers=self._headers,
            content=self._dialect.body(request, stream=stream),
            extensions={} if watch is None else {WATCH: watch.take},
        )
        started = time.perf_counter()
        try:
            response, content = self._send(http_request, worker, watch, started)
        except httpx.HTTPError as error:
            raise wire_error(error) from None
        seconds = response.extensions.get(SECONDS, time.perf_counter() - started)
        limits = rate_limits_of(response.headers.raw, time.time())
        try:
            if watch is not None and response.extensions.get(STREAMED):
                reply = watch.reply()
                return replace(reply, latency_seconds=seconds, ttft_seconds=watch.first_seconds, rate_limits=limits)
            reply = self._read(request, response.status_code, content, stream=stream)
            return replace(reply, latency_seconds=seconds, rate_limits=limits)
        except ProviderError as error:
            error.rate_limits = limits
            if error.retry_after is None and limits is not None:
                error.retry_after = limits.retry_after
            raise

    def _read(self, request: Request, status: int, content: bytes, *, stream: bool) -> Reply:
        """The reply in a body that came whole."""
        if _FIRST_SUCCESS <= status < _PAST_SUCCESS:
            return self._dialect.reply(content, request)
        if stream and status in _REFUSED_FIELDS and _is_about_streaming(content):
            raise _NoStream
        refused = self._dialect.refused(status, content)
        if isinstance(refused, ProviderError):
            raise refused
        return refused

    def _send(self, request: httpx.Request, worker: int, watch: _Watch | None, started: float) -> tuple[httpx.Response, bytes]:
        """Send over the worker's own connection. A client around the direct transport would only add cookies and redirects,
        which must not be, and a third of the CPU time."""
        wire = self._wires.get(worker)
        if wire is None:
            wire = self._new_wire()
            with self._lock:
                self._wires[worker] = wire
        response = wire.handle_request(request) if isinstance(wire, DirectTransport) else wire.send(request, stream=True)
        try:
            if response.extensions.get(STREAMED):
                return response, b""
            if watch is not None and is_event_stream(response.status_code, response.headers.get("content-type", "")):
                _follow(response, watch, started)
                return response, b""
            return response, _bounded(response)
        finally:
            response.close()

    def _new_wire(self) -> DirectTransport | httpx.Client:
        timeout = self._settings.timeout
        if self._proxied:
            limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
            return httpx.Client(timeout=timeout, limits=limits, verify=self._context or True)
        return DirectTransport(
            timeout=timeout, max_bytes=MAX_REPLY_BYTES, max_stream_bytes=MAX_STREAM_BYTES, context=self._context
        )

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(f"{self._base}{path}")
        return url


class _NoStream(Exception):
    """The server would answer, but not in events."""


class _Watch:
    """Feeds the pieces of a stream to what makes a reply of them, and remembers when the first of the answer came."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._events = EventStream()
        self.first_seconds: float | None = None

    def take(self, piece: bytes, seconds: float) -> Literal["first", "more", "whole"]:
        """One piece of the stream, as a transport hands it over."""
        incoming = self._incoming
        for event in self._events.feed(piece):
            incoming.take(event)
        if self.first_seconds is None and incoming.started:
            self.first_seconds = seconds
        if incoming.done:
            return "whole"
        return "first" if self.first_seconds is None else "more"

    def reply(self) -> Reply:
        """The whole reply. Raises ProviderError."""
        if not self._incoming.done:
            for event in self._events.end():
                self._incoming.take(event)
        return self._incoming.reply()


def _follow(response: httpx.Response, watch: _Watch, started: float) -> None:
    """Read a stream through httpx's own transport, which is what is behind a proxy."""
    size, seconds = 0, 0.0
    for piece in response.iter_raw():
        seconds = time.perf_counter() - started
        size += len(piece)
        if size > MAX_STREAM_BYTES:
            raise ReplyTooLarge(f"the reply is larger than {MAX_STREAM_BYTES} bytes")
        if watch.take(piece, seconds) == "whole":
            break
    response.extensions |= {STREAMED: True, SECONDS: seconds}


def _is_about_streaming(content: bytes) -> bool:
    """Whether an error says that this model or server does not stream, or does not report usage when it does."""
    error = error_object(content)
    if isinstance(error, dict) and str(error.get("param") or "").startswith("stream"):
        return True
    return bool(_ABOUT_STREAMING.search(error_words(content)))


def _bounded(response: httpx.Response) -> bytes:
    """The body, as long as it is plain and not too large."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("the server compressed its reply although it was asked not to")
    parts, size = [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > MAX_REPLY_BYTES:
            raise ReplyTooLarge(f"the reply is larger than {MAX_REPLY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
