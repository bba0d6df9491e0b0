"""`llmops-git traces receive`: takes OTLP over HTTP on this machine, for applications in any language, and appends raw files.

Only this machine is answered, and no page of a browser: what an application sends is what is kept. An answer of 200 says that
the spans are in a raw file; where that cannot be written the answer is one upon which exporters try again.
"""

from __future__ import annotations

import os
import secrets
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from llmops_git.commands.loopback import HOST, names_this_machine, opened, serve
from llmops_git.commands.traces_kept import store_at
from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.monitoring.fast_json import dumps, loads
from llmops_git.monitoring.files import LocalFiles
from llmops_git.monitoring.store import RAW

PATH = "/v1/traces"
MOST_BYTES = 32 << 20  # of a request, and four times that unpacked
ROLLOVER_BYTES = 64 << 20  # then the next raw file begins
_JSON, _PROTOBUF = "application/json", "application/x-protobuf"


class Refusal(Exception):
    """A request that is not taken: an HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class RawFiles:
    """Appends lines to raw files, one process a file. What `append` returned from is with the operating system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._file = self._next()

    def append(self, line: bytes) -> None:
        """Write a line. Raises OSError."""
        with self._lock:
            if self._file.tell() > ROLLOVER_BYTES:
                self._file.close()
                self._file = self._next()
            # what a full disk does not take stays in the buffer, and stands before the next line
            self._file.write(line + b"\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _next(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / f"received-{os.getpid()}-{secrets.token_hex(4)}.jsonl").open("ab")


def line_of(body: bytes, kind: str, encoding: str) -> bytes:
    """The line of a request. Raises Refusal."""
    if encoding == "gzip":
        body = _unpacked(body)
    elif encoding not in {"", "identity"}:
        raise Refusal(415, "only gzip")
    if kind == _PROTOBUF:
        return dumps(_from_protobuf(body))
    if kind != _JSON:
        raise Refusal(415, f"only {_JSON} and {_PROTOBUF}")
    try:
        document = loads(body)
        spans = document.get("resourceSpans", document.get("resource_spans", []))
        if not isinstance(spans, list):
            raise TypeError
        return dumps(document)
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Refusal(400, "not OTLP as JSON") from None


def _unpacked(body: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        found = reader.decompress(body, 4 * MOST_BYTES)
    except zlib.error:
        raise Refusal(400, "not gzip") from None
    if reader.unconsumed_tail:
        raise Refusal(413, "too large")
    return found


def _from_protobuf(body: bytes) -> Any:
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ModuleNotFoundError:
        raise Refusal(415, 'protobuf needs: pip install "llmops-git[otlp]"; or send JSON') from None
    message = ExportTraceServiceRequest()
    try:
        message.ParseFromString(body)
        return MessageToDict(message)  # ids in base64, as the JSON form of any message has them
    except (DecodeError, ValueError, RecursionError):
        raise Refusal(400, "not OTLP as protobuf") from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, files: RawFiles, port: int) -> None:
        self.files = files
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "llmops-git"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            line = line_of(self._body(), kind, self.headers.get("Content-Encoding", "").lower())
            self.server.files.append(line)
        except Refusal as refusal:
            self.close_connection = True
            self._answer(refusal.status, "text/plain", refusal.why.encode())
        except OSError as error:
            self._answer(503, "text/plain", f"cannot be written: {error.strerror}".encode())
        else:
            self._answer(200, kind, b"{}" if kind == _JSON else b"")

    def _body(self) -> bytes:
        if not names_this_machine(self.headers.get("Host")) or "Origin" in self.headers:
            raise Refusal(403, "only for programs of this machine")
        if self.path != PATH:
            raise Refusal(404, f"only {PATH}")
        try:
            size = int(self.headers["Content-Length"])
        except (TypeError, ValueError):
            raise Refusal(411, "say the length") from None
        if not 0 <= size <= MOST_BYTES:
            raise Refusal(413, "too large")
        body = self.rfile.read(size)
        if len(body) < size:
            raise Refusal(400, "cut off")
        return body

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: one line a request would be as much as is received."""


def receive(where: str | None, port: int) -> int:
    """Receive until interrupted. Raises LlmopsError where the port is taken, or the store is not on this machine."""
    store = store_at(where)
    if not isinstance(store.files, LocalFiles):
        raise LlmopsError(
            f"{store.files.where} is not on this machine", hint="receive into a folder, and ingest that with --store"
        )
    files = RawFiles(store.files.folder / RAW)
    try:
        serve(opened(lambda: _Server(files, port), port), PATH)
    finally:
        files.close()
    return EXIT_OK
