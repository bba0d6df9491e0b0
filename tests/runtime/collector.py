"""A real OTLP/HTTP collector on the loopback: it takes protobuf, answers by script, and remembers what it was sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the collector answers."""

    status: int = 200
    rejected: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass(slots=True)
class Collector:
    """`exports` are those that were taken (2xx), `asked` is how often it was asked at all."""

    url: str = ""
    asked: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    exports: list[ExportTraceServiceRequest] = field(default_factory=list)

    def spans(self) -> list[Any]:
        return [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def attributes(self, name: str) -> dict[str, Any]:
        """The attributes of the one span whose name begins so."""
        [span] = [span for span in self.spans() if span.name.startswith(name)]
        return {item.key: value_of(item.value) for item in span.attributes}


def value_of(value: Any) -> Any:
    kind = value.WhichOneof("value")
    match kind:
        case "array_value":
            return [value_of(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: value_of(item.value) for item in value.kvlist_value.values}
        case None:
            return None
        case _:
            return getattr(value, kind)


@contextmanager
def collector(script: Callable[[ExportTraceServiceRequest, int], Said] = lambda *_: Said()) -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
            said = script(request, found.asked)
            found.asked += 1
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            if said.hold is not None:
                said.hold.wait(20)
            if said.status < 300:
                found.exports.append(request)
            partial = ExportTracePartialSuccess(rejected_spans=said.rejected, error_message="too old" if said.rejected else "")
            content = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
            self.send_response(said.status)
            for name, value in {**said.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
