"""A webhook on loopback: keeps what it is posted, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """`statuses` are the next answers; 204 when there are no more."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.posted: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.statuses: list[int] = []

    @property
    def said(self) -> list[tuple[str, str]]:
        """(event, key) of everything that was posted."""
        return [(event["event"], event["key"]) for event in self.posted]


@contextmanager
def hook_server() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append(json.loads(content))
            hook.keys.append(self.headers.get("Authorization", ""))
            self.send_response(hook.statuses.pop(0) if hook.statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Hook(f"http://127.0.0.1:{server.server_port}/alerts")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
