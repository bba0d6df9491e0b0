"""Serves the dashboard to this machine only: the page, and each trace with its texts."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from llmops_git.commands.loopback import HOST, names_this_machine, opened, serve
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.boarding import Boarding

_TRACE = re.compile(r"/trace/([0-9a-f]{32})", re.ASCII)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, boarding: Boarding, port: int) -> None:
        self.boarding = boarding
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "llmops-git"
    sys_version = ""

    def do_GET(self) -> None:
        if not names_this_machine(self.headers.get("Host")):
            self._answer(403, "text/plain", "only for this machine\n")
            return
        try:
            found = self._page()
        except LlmopsError as error:
            self._answer(503, "text/plain", f"{error.message}\n{error.hint}\n")
            return
        if found is None:
            self._answer(404, "text/plain", "there is no such page\n")
        else:
            self._answer(200, "text/html", found)

    def _page(self) -> str | None:
        if self.path == "/":
            return self.server.boarding.page(live=True)
        asked = _TRACE.fullmatch(self.path)
        spans = self.server.boarding.trace(asked[1]) if asked else ()
        if not spans:
            return None
        from llmops_git.reports.trace_page import render_trace_page

        return render_trace_page(spans)

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: who reads what is nobody's business."""


def serve_dashboard(boarding: Boarding, port: int) -> int:
    """Serve until interrupted. Raises LlmopsError where the port is taken, or where there is nothing to show."""
    boarding.page(live=True)  # what is missing is said now, and not in the browser
    serve(opened(lambda: _Server(boarding, port), port), "/")
    return EXIT_OK
