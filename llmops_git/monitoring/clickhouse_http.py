"""Asks a ClickHouse server over its HTTP interface. Reading only: the server is told so with every query.

A store is named `clickhouse+https://host:8443/database` (or `clickhouse+http://` on this machine). User and password come from
the environment: `CLICKHOUSE_USER` and `CLICKHOUSE_PASSWORD`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.monitoring.clickhouse import SETTINGS, asked
from llmops_git.monitoring.metrics_sql import Query

if TYPE_CHECKING:
    import httpx

SCHEME = "clickhouse+"
TIMEOUT = 60.0  # seconds, of one query
LARGEST = 64 << 20  # bytes of one answer
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to ask. `url` has neither user nor password."""

    url: str
    database: str
    user: str = ""
    password: str = ""


def server_at(place: str, environment: Mapping[str, str]) -> Server:
    """The server that a store names. Raises LlmopsError for an address that could give the password away."""
    hint = f"{SCHEME}https://host:8443/database"
    try:
        parts = urlsplit(place.removeprefix(SCHEME))
        port = parts.port
    except ValueError as error:
        raise LlmopsError(f"{place} is no address: {error}", hint=hint) from None
    if parts.username is not None or parts.password is not None:
        raise LlmopsError("an address with a user or a password in it is not kept", hint="CLICKHOUSE_USER, CLICKHOUSE_PASSWORD")
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    database = parts.path.strip("/") or "default"
    if not parts.hostname or not secure or parts.query or parts.fragment or not _DATABASE.fullmatch(database):
        raise LlmopsError(f"{place} must be an https address, or http on this machine, with a database", hint=hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Server(
        url=f"{parts.scheme}://{host}{f':{port}' if port else ''}/",
        database=database,
        user=environment.get("CLICKHOUSE_USER", ""),
        password=environment.get("CLICKHOUSE_PASSWORD", ""),
    )


def asker(server: Server, client: httpx.Client) -> Callable[[Query], Sequence[Sequence[Any]]]:
    """Runs queries; rows as DuckDB gives them. Raises NotMeasured where the server does not answer, or says no."""
    headers = {"X-ClickHouse-User": server.user, "X-ClickHouse-Key": server.password} if server.user else {}

    def ask(query: Query) -> Sequence[Sequence[Any]]:
        import httpx

        found = asked(query)
        given = {f"param_{name}": value for name, value in found.parameters.items()}
        settings = {"database": server.database, "default_format": "JSONCompact", "readonly": "2", **SETTINGS}
        try:
            with client.stream(
                "POST", server.url, params={**settings, **given}, content=found.sql, headers=headers, timeout=TIMEOUT
            ) as reply:
                body = _read(reply)
        except httpx.HTTPError as error:
            raise NotMeasured(f"{server.url} does not answer: {type(error).__name__}") from None
        if reply.status_code != httpx.codes.OK:
            said = body.decode("utf-8", "replace").partition("\n")[0][:300]
            raise NotMeasured(f"{server.url} refused a query ({reply.status_code}): {said}", hint="llmops-git monitor export")
        return rows_of(body)

    return ask


def _read(reply: httpx.Response) -> bytes:
    body = bytearray()
    for part in reply.iter_bytes():
        body += part
        if len(body) > LARGEST:
            raise NotMeasured(f"an answer has more than {LARGEST >> 20} MB")
    return bytes(body)


def rows_of(body: bytes) -> list[tuple[Any, ...]]:
    """The rows of an answer in the format JSONCompact, times and days as Python's. Raises NotMeasured for anything else."""
    try:
        document = json.loads(body)
        readers = [_reader(column["type"]) for column in document["meta"]]
        return [
            tuple(None if value is None else read(value) for read, value in zip(readers, row, strict=True))
            for row in document["data"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise NotMeasured(f"an answer cannot be read: {type(error).__name__}: {str(error)[:200]}") from None


def _reader(kind: str) -> Callable[[Any], Any]:
    while wrapped := _WRAPPED.fullmatch(kind):
        kind = wrapped[1]
    if kind.startswith("DateTime"):
        return datetime.fromisoformat
    if kind.startswith("Date"):
        return date.fromisoformat
    return float if kind.startswith("Decimal") else _same


def _same(value: Any) -> Any:
    return value
