"""ClickHouse's HTTP interface on loopback, answered by the real engine (chDB) in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOT_SETTINGS = {"database", "default_format"}


class Engine:
    """One session of chDB; it may be asked from one thread at a time."""

    def __init__(self, folder: str) -> None:
        from chdb.session import Session

        self._session = Session(folder)
        self._lock = threading.Lock()

    def run(
        self,
        sql: str,
        form: str = "JSONCompact",
        *,
        parameters: dict[str, str] | None = None,
        settings: dict[str, str] | None = None,
    ) -> bytes:
        with self._lock:
            for name, value in (settings or {}).items():
                self._session.query(f"SET {name} = {value}")
            return self._session.query(sql, form, params=parameters or {}).bytes()

    def close(self) -> None:
        self._session.close()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
        self.server.seen.append((sql, given, dict(self.headers)))
        if self.server.password and self.headers.get("X-ClickHouse-Key") != self.server.password:
            self._answer(403, b"Code: 516. DB::Exception: default: Authentication failed")
            return
        parameters = {name.removeprefix("param_"): value for name, value in given.items() if name.startswith("param_")}
        settings = {name: value for name, value in given.items() if not name.startswith("param_") and name not in NOT_SETTINGS}
        settings.pop("readonly")  # it would hold for the session of the tests too
        try:
            self._answer(200, self.server.engine.run(sql, given["default_format"], parameters=parameters, settings=settings))
        except Exception as error:  # noqa: BLE001  # whatever the engine says
            self._answer(400, str(error).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def clickhouse(engine: Engine, password: str = "") -> Iterator[Any]:
    """The server; `place` is the name of its store, `seen` what it was asked."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.engine, server.seen, server.password = engine, [], password
    server.place = f"clickhouse+http://127.0.0.1:{server.server_address[1]}/default"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
