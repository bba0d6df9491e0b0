"""Where a provider is and how it is reached: its address, key, headers and proxy, and what going wrong on the way means."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

import httpx

from llmops_git import __version__
from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError
from llmops_git.providers.transport import ReplyTooLarge
from llmops_git.providers.wire import Dialect


def headers_of(own: Mapping[str, str]) -> httpx.Headers:
    """The headers of every request."""
    fields = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": f"llmops-git/{__version__}",
    }
    return httpx.Headers({**fields, **own})


def base_address(settings: ProviderSettings, dialect: Dialect) -> httpx.URL:
    """The base address, checked. Raises LlmopsError."""
    where = f"provider `{settings.name}`"
    if not settings.base_url:
        raise LlmopsError(f"{where} has no base_url", hint=f"base_url: {dialect.example}")
    try:
        url = httpx.URL(settings.base_url.rstrip("/"))
    except httpx.InvalidURL as error:
        raise LlmopsError(f"{where}: base_url `{settings.base_url}` is not an address: {error}") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise LlmopsError(f"{where}: base_url `{settings.base_url}` must start with https:// or http:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise LlmopsError(
            f"{where}: base_url must hold no user name, query or fragment", hint="name the key's variable in key_env"
        )
    return url


def key_of(settings: ProviderSettings, environ: Mapping[str, str]) -> str:
    """The key, "" where none is needed. Raises LlmopsError; no message shows it."""
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


def is_proxied(url: httpx.URL) -> bool:
    """Whether the environment puts a proxy before an address."""
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


def wire_error(error: httpx.HTTPError) -> ProviderError:
    """The class of what went wrong on the wire."""
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
