"""Lets git children authenticate against one server with a token that no command line and no file ever holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

from llmops_git.errors import LlmopsError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def authenticated_environment(server: str, token: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables (git-config, GIT_CONFIG_COUNT) that make git send `token` to `server` and to nobody else.

    `server` is the address of a forge without a path, as `https://github.com`. What `environ` configures that way already is
    kept. A header that a checkout left in the repository's own configuration is dropped: two of them are refused. {} without
    a token. Raises LlmopsError for a server that is neither https nor on this machine.
    """
    if not token:
        return {}
    address = urlsplit(server)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
        raise LlmopsError(f"a token is not sent to {server}: it is neither https nor this machine")
    first = _count(environ)
    place = f"http.{server.rstrip('/')}/.extraheader"
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    # an empty value clears the list of headers that came before it
    settings = [(place, ""), (place, f"AUTHORIZATION: basic {credentials}"), ("http.followRedirects", "false")]
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def _count(environ: Mapping[str, str]) -> int:
    count = environ.get("GIT_CONFIG_COUNT", "")
    return int(count) if count.isdecimal() else 0
