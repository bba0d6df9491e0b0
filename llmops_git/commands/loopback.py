"""Servers for this machine only: where they listen, whom they answer, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import TypeVar

import click

from llmops_git.errors import LlmopsError

HOST = "127.0.0.1"
_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
S = TypeVar("S", bound=ThreadingHTTPServer)


def names_this_machine(host: str | None) -> bool:
    """Whether a request's `Host` is this machine's. A page of another site that a browser has open can lead a name of its own
    to 127.0.0.1, and would read what is answered to that name."""
    return (host or "").rpartition(":")[0] in _NAMES


def opened(make: Callable[[], S], port: int) -> S:
    """The server, listening. Raises LlmopsError where the port is taken."""
    try:
        return make()
    except OSError as error:
        raise LlmopsError(f"port {port} cannot be used: {error.strerror}", hint="--port 0 takes one that is free") from None


def serve(server: ThreadingHTTPServer, path: str) -> None:
    """Say where the server is, and serve until interrupted."""
    click.echo(f"http://{HOST}:{server.server_address[1]}{path} (Ctrl-C ends it)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    finally:
        server.server_close()
