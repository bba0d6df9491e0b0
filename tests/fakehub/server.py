"""The hub on the loopback: one server for API and git, a second one (another origin) for artifacts."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fakehub import api, githttp
from fakehub.contract import NOTHING
from fakehub.faults import Fault
from fakehub.githttp import Answer
from fakehub.records import Request

if TYPE_CHECKING:
    from fakehub.hub import Hub

API = "/api/v3"
Route = Callable[[str, str, Mapping[str, str], bytes], Answer | None]  # method, target, headers, body; None: hang up


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


def listen(route: Route) -> tuple[Server, str, threading.Thread]:
    """A running server on a free port of the loopback, its address and its thread."""
    server = Server(("127.0.0.1", 0), _handler(route))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    return server, f"http://127.0.0.1:{server.server_address[1]}", thread


def _handler(route: Route) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = route(self.command, self.path, headers, _body(self, headers))
            if answer is None:
                self.close_connection = True
                return
            partial = "x-hub-partial" in answer.headers
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name not in {"x-hub-partial", "content-length"}:
                    self.send_header(name, value)
            if answer.status not in {204, 304}:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if partial else answer.body)
            self.wfile.flush()
            self.close_connection = self.close_connection or partial

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Quiet: tests read `hub.log`."""

    return Handler


def _body(handler: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return handler.rfile.read(int(headers.get("content-length", "0")))
    parts = []
    while size := int(handler.rfile.readline().partition(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    while handler.rfile.readline().strip():  # trailers
        pass
    return b"".join(parts)


def route(hub: Hub, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
    """Answer one request to the main origin, with the misfortunes that were ordered for it."""
    path, _, query = target.partition("?")
    fault = hub.faults.take(method, target)
    entry = _logged(hub, method, path, query, headers, body)
    hub.log.append(entry)
    if fault is not None:
        _wait(fault)
    answer = None
    for _ in range(1 if fault is None else fault.works + fault.twice):
        answer = _safely(hub, entry, method, path, query, headers, body)
    if fault is not None:
        answer = _spoilt(fault, answer)
    entry.status = answer.status if answer else 0
    return answer


def _wait(fault: Fault) -> None:
    if fault.hold is not None:
        fault.hold.wait(30)
    if fault.meanwhile is not None:
        fault.meanwhile()


def _spoilt(fault: Fault, answer: Answer | None) -> Answer | None:
    if fault.drop in {"before", "after"}:
        return None
    if fault.status is not None:
        body = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body or {"message": "Server Error"}).encode()
        answer = Answer(fault.status, {"content-type": "application/json", **fault.headers}, body)
    if fault.drop == "partial" and answer is not None:
        return Answer(answer.status, {**answer.headers, "x-hub-partial": "1"}, answer.body)
    return answer


def _safely(hub: Hub, entry: Request, *request: Any) -> Answer:
    """An error of the hub's own is a violation too: a test must not take it for one of GitHub's."""
    try:
        return _work(hub, entry, *request)
    except Exception:  # noqa: BLE001
        hub.violations.append(f"the hub failed at {entry.method} {entry.path}:\n{traceback.format_exc()}")
        return Answer(500, {"content-type": "application/json"}, b'{"message": "Server Error"}')


def _work(hub: Hub, entry: Request, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
    if path.startswith(f"{API}/"):
        with hub.lock:
            entry.operation, reply = api.answer(hub, method, path.removeprefix(API), query, headers, body)
        return _sent(hub, reply)
    if githttp.PATH.fullmatch(path):
        entry.operation = "git"
        return githttp.serve(hub, method, path, query, headers, body)
    return hub.control(method, path, body) or Answer(404, {"content-type": "text/html"}, b"<h1>Not Found</h1>")


def _sent(hub: Hub, reply: api.Reply) -> Answer:
    hub.used += 1
    headers = {} if hub.enterprise else {"x-ratelimit-limit": str(hub.rate), "x-ratelimit-remaining": str(hub.rate - hub.used)}
    headers |= {"content-type": "application/json; charset=utf-8", "x-github-request-id": f"HUB:{hub.used}", **reply.headers}
    return Answer(reply.status, headers, b"" if reply.body is NOTHING else json.dumps(reply.body).encode())


def _logged(hub: Hub, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    token = hub.authenticate(githttp.token_of(headers))
    parsed: Any = None
    if path.startswith(f"{API}/") and body:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = body
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    login = token.login if token else ""
    return Request(method=method, path=path, query=pairs, headers=dict(headers), body=parsed, operation="", login=login)
