"""A real chat completions server on the loopback, for tests: it answers by script and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `hold` is waited for before answering; `sent` cuts the body off after so many bytes."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    sent: int | None = None
    silent: bool = False  # close the connection without a word
    chunked: bool = False
    parts: tuple[bytes, ...] = ()  # instead of a body: chunks, of which all but the first wait for `then`
    then: threading.Event | None = None


def completion(text: str = "ok", **changes: Any) -> bytes:
    """The body of a successful reply; `changes` replace top-level fields."""
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "test-model-2026-01-01",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }
    return json.dumps({**document, **changes}).encode()


def text_answer(text: str = "ok", **changes: Any) -> Answer:
    return Answer(body=completion(text, **changes))


def event_stream(*documents: Any, **changes: Any) -> Answer:
    """An answer in events: JSON documents, or texts as they are (`[DONE]`). `changes` are fields of the answer."""
    events = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    body = "".join(f"data: {event}\n\n" for event in events).encode()
    return Answer(**{"body": body, "headers": {"content-type": "text/event-stream; charset=utf-8"}, "chunked": True, **changes})


def error_answer(status: int, message: str = "no", *, code: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=json.dumps({"error": {"message": message, "code": code}}).encode(), headers=headers or {})


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request as the server saw it."""

    path: str
    headers: Mapping[str, str]
    body: Any
    connection: int  # which connection it came over


Script = Callable[[Asked, int], Answer]  # the request, and how many came before it


@dataclass(slots=True)
class ChatServer:
    """What a test sees of the server."""

    url: str
    asked: list[Asked]

    @property
    def connections(self) -> int:
        return len({asked.connection for asked in self.asked})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


@contextmanager
def chat_server(script: Script, *, certificate: Path | None = None) -> Iterator[ChatServer]:
    """A running server whose answers are made by `script`; it ends with the block. With a certificate it speaks TLS."""
    asked: list[Asked] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            request = Asked(
                path=self.path,
                headers=dict(self.headers),
                body=json.loads(self.rfile.read(length)),
                connection=self.client_address[1],
            )
            with lock:
                number = len(asked)
                asked.append(request)
            _send(self, script(request, number))

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ChatServer(f"{scheme}://127.0.0.1:{server.server_address[1]}/v1", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.hold is not None:
        answer.hold.wait(30)
    if answer.silent:
        handler.close_connection = True
        return
    handler.send_response(answer.status)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    body = answer.body if answer.sent is None else answer.body[: answer.sent]
    if answer.parts:
        _send_parts(handler, answer)
        return
    if answer.chunked and answer.sent is not None:
        handler.send_header("transfer-encoding", "chunked")
        body = b"%x\r\n%b" % (len(answer.body), body)
    elif answer.chunked:
        handler.send_header("transfer-encoding", "chunked")
        body = (
            b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 7]), body[i : i + 7]) for i in range(0, len(body), 7)) + b"0\r\n\r\n"
        )
    else:
        handler.send_header("content-length", str(len(answer.body)))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()
    if answer.sent is not None:
        handler.close_connection = True


def _send_parts(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for number, part in enumerate(answer.parts):
        if number and answer.then is not None:
            answer.then.wait(30)
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")
    handler.wfile.flush()
