"""Any endpoint that speaks OpenAI's chat completions, over httpx: one connection per worker, one TLS context for all."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx

from llmops_git import __version__
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError
from llmops_git.providers.openai_wire import body_of, error_of, overflow_reply, reply_of
from llmops_git.providers.transport import SECONDS, DirectTransport, ReplyTooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.base import Reply, Request

DEFAULT_CONCURRENCY = 16
MAX_REPLY_BYTES = 16 * 1024 * 1024
_FIRST_SUCCESS, _PAST_SUCCESS = 200, 300


class OpenAIProvider:
    """One endpoint. The key is read once, goes into one header, and appears in no message."""

    def __init__(self, settings: ProviderSettings, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the address is unusable or the key's variable is not set."""
        self._settings = settings
        self._url = _endpoint(settings)
        self._key = _key(settings, environ)
        self._context = httpx.create_ssl_context() if self._url.scheme == "https" else None
        self._proxied = _is_proxied(self._url)
        self._headers = _headers(self._key)
        self._wires: dict[int, DirectTransport | httpx.Client] = {}
        self._lock = threading.Lock()

    @property
    def concurrency(self) -> int:
        return self._settings.concurrency or DEFAULT_CONCURRENCY

    def fingerprint(self) -> str:
        return f"openai {self._url.netloc.decode('ascii')}{self._url.path.removesuffix('/chat/completions')}"

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
        with self._lock:
            wires, self._wires = list(self._wires.values()), {}
        for wire in wires:
            wire.close()

    def _ask(self, request: Request, worker: int) -> Reply:
        http_request = httpx.Request("POST", self._url, headers=self._headers, content=body_of(request))
        started = time.perf_counter()
        try:
            response = self._send(http_request, worker)
            try:
                content = _bounded(response)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise _wire_error(error) from None
        seconds = response.extensions.get(SECONDS, time.perf_counter() - started)
        if _FIRST_SUCCESS <= response.status_code < _PAST_SUCCESS:
            reply = reply_of(content)
        else:
            overflow = overflow_reply(response.status_code, content)
            if overflow is None:
                raise error_of(response.status_code, response.headers, content)
            reply = overflow
        return replace(reply, latency_seconds=seconds)

    def _send(self, request: httpx.Request, worker: int) -> httpx.Response:
        """Send over the worker's own connection. A client around the direct transport would only add cookies and redirects,
        which must not be, and a third of the CPU time."""
        wire = self._wires.get(worker)
        if wire is None:
            wire = self._new_wire()
            with self._lock:
                self._wires[worker] = wire
        return wire.send(request, stream=True) if isinstance(wire, httpx.Client) else wire.handle_request(request)

    def _new_wire(self) -> DirectTransport | httpx.Client:
        timeout = self._settings.timeout
        if self._proxied:
            limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
            return httpx.Client(timeout=timeout, limits=limits, verify=self._context or True)
        return DirectTransport(timeout=timeout, max_bytes=MAX_REPLY_BYTES, context=self._context)


def _headers(key: str) -> httpx.Headers:
    fields = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": f"llmops-git/{__version__}",
    }
    if key:
        fields["authorization"] = f"Bearer {key}"
    return httpx.Headers(fields)


def _endpoint(settings: ProviderSettings) -> httpx.URL:
    where = f"provider `{settings.name}`"
    if not settings.base_url:
        raise LlmopsError(f"{where} has no base_url", hint="base_url: https://api.openai.com/v1")
    try:
        url = httpx.URL(settings.base_url.rstrip("/") + "/chat/completions")
    except httpx.InvalidURL as error:
        raise LlmopsError(f"{where}: base_url `{settings.base_url}` is not an address: {error}") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise LlmopsError(f"{where}: base_url `{settings.base_url}` must start with https:// or http:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise LlmopsError(
            f"{where}: base_url must hold no user name, query or fragment", hint="name the key's variable in key_env"
        )
    return url


def _key(settings: ProviderSettings, environ: Mapping[str, str]) -> str:
    if not settings.key_env:
        return ""
    key = environ.get(settings.key_env, "").strip()
    if not key:
        raise LlmopsError(
            f"provider `{settings.name}` needs a key: the environment variable {settings.key_env} is not set",
            hint=f"export {settings.key_env}=…, or answer from recorded replies with --replay",
        )
    if not key.isascii() or not key.isprintable():
        raise LlmopsError(f"the key in {settings.key_env} holds characters that cannot be in a header")
    return key


def _is_proxied(url: httpx.URL) -> bool:
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


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


def _wire_error(error: httpx.HTTPError) -> ProviderError:
    message = str(error) or type(error).__name__
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return ProviderError("network", message, hint=_connect_hint(error))
        case httpx.TimeoutException():
            return ProviderError("timeout", message, charged=True)
        case httpx.RemoteProtocolError() | httpx.DecodingError() | ReplyTooLarge():
            return ProviderError("server", message, charged=True)
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return ProviderError("bad_request", message)
        case _:
            return ProviderError("network", message, charged=True)


def _connect_hint(error: httpx.HTTPError) -> str:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return "set SSL_CERT_FILE to the certificate authority of your network"
    return "is the server running, and base_url right?"
