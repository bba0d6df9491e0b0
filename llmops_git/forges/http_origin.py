"""Checks every address a token could travel to: https, or http on this machine; and nowhere but to the API's own origin."""

from __future__ import annotations

import ipaddress
import re

import httpx

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import ForgeError
from llmops_git.forges.text import one_line

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*"?next"?\s*(?:;|,|$)', re.IGNORECASE)
_HINT = "GITHUB_API_URL is https://api.github.com, or https://HOST/api/v3 on GitHub Enterprise Server"
_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65535


def checked_base(api_url: str) -> httpx.URL:
    """The API's address without a slash at its end. Raises LlmopsError for one that a token must not be sent to."""
    shown = one_line(api_url, 200)
    try:
        url = httpx.URL(api_url.rstrip("/"))
    except (httpx.InvalidURL, ValueError):
        raise LlmopsError(f"`{shown}` is no address of an API", hint=_HINT) from None
    if url.userinfo:
        raise LlmopsError("the address of the API holds a user name or a password", hint=_HINT)
    if url.query or url.fragment or not url.host or not _has_port(url):
        raise LlmopsError(f"`{shown}` is no address of an API", hint=_HINT)
    if not _is_safe(url, loopback=True):
        raise LlmopsError(f"`{shown}` is not https: the token would be readable on the way", hint=_HINT)
    return url


def checked_redirect(base: httpx.URL, location: str) -> httpx.URL:
    """Where a download goes on. Raises ForgeError for an address that is not https (http on this machine, if the API is)."""
    target = _joined(base, location)
    if target is None or target.userinfo or not _is_safe(target, loopback=is_loopback(base.host)):
        host = one_line(target.host, 100) if target is not None else "nowhere"
        raise ForgeError(f"the download is redirected to an address that is not safe ({host})")
    return target


def next_page(base: httpx.URL, here: httpx.URL, link: str) -> httpx.URL | None:
    """The address of the next page out of a Link header (RFC 8288); None at the end. Raises ForgeError for another origin."""
    for target, parameters in _LINK.findall(link):
        if not _NEXT.search(parameters):
            continue
        url = _joined(here, target)
        if url is None or url.userinfo or origin_of(url) != origin_of(base):
            host = one_line(url.host, 100) if url is not None else "nowhere"
            raise ForgeError(f"the next page is said to be at {host}, which is not the API ({base.host})")
        return url
    return None


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name, without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_safe(url: httpx.URL, *, loopback: bool) -> bool:
    plain = url.scheme == "http" and loopback and is_loopback(url.host)
    return bool(url.host) and _has_port(url) and (url.scheme == "https" or plain)


def _has_port(url: httpx.URL) -> bool:
    return url.port is None or url.port <= _LAST_PORT


def _joined(base: httpx.URL, target: str) -> httpx.URL | None:
    try:
        return base.join(target) if target else None
    except (httpx.InvalidURL, ValueError):
        return None
