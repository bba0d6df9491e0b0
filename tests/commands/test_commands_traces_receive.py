"""`llmops-git traces receive`: a real server on the loopback, spoken to as exporters do."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops_git.commands import traces_received
from llmops_git.commands.traces_received import RawFiles, _Server
from llmops_git.monitoring.ingest import ingest
from llmops_git.monitoring.store import open_store
from tests.monitoring.live_material import START_NS, live_lines, live_spans

SPANS = live_spans(requests=12)
LINES = live_lines(SPANS)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    files = RawFiles(tmp_path / "raw")
    server = _Server(files, 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    files.close()


def post(server: _Server, body: bytes, headers: dict[str, str], path: str = "/v1/traces") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def kept(folder: Path) -> set[str]:
    store = open_store(folder)
    ingest(store, [folder / "raw"], now_ns=START_NS + 86_400 * 10**9)
    with store.connection() as connection:
        return {row[0] for row in connection.execute("select span_id from spans").fetchall()}


def test_json_and_packed_json_of_many_at_once(server: _Server, tmp_path: Path) -> None:
    answers: list[tuple[int, bytes]] = []

    def send(number: int) -> None:
        pretty = json.dumps(json.loads(LINES[number]), indent=2).encode()
        packed = number % 2 == 0
        headers = {**JSON, **({"Content-Encoding": "gzip"} if packed else {})}
        answers.append(post(server, gzip.compress(pretty) if packed else pretty, headers))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(200, b"{}")] * 12 == answers
    assert {one.span_id for one in SPANS} == kept(tmp_path)


def test_the_sdk_of_opentelemetry_over_protobuf(server: _Server, tmp_path: Path) -> None:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    document = json.loads(LINES[0])
    for one in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in one:
                one[name] = __import__("base64").b64encode(bytes.fromhex(one[name])).decode()
    body = ParseDict(document, ExportTraceServiceRequest()).SerializeToString()
    assert (200, b"") == post(server, body, {"Content-Type": "application/x-protobuf"})
    assert 400 == post(server, b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"})[0]
    first = SPANS[0].trace_id
    assert {one.span_id for one in SPANS if one.trace_id == first} == kept(tmp_path)
    read = {one.span_id: one for one in open_store(tmp_path).read_trace(first)}
    for one in SPANS:
        if one.trace_id == first:
            assert (one.name, one.kind, one.start_ns, one.parent_id) == (
                read[one.span_id].name, read[one.span_id].kind, read[one.span_id].start_ns, read[one.span_id].parent_id
            )  # fmt: skip
            assert dict(one.attributes).items() <= dict(read[one.span_id].attributes).items()


@pytest.mark.parametrize(
    ("body", "headers", "path", "status"),
    [
        (b"{}", {**JSON, "Host": "evil.example"}, "/v1/traces", 403),
        (b"{}", {**JSON, "Origin": "https://evil.example"}, "/v1/traces", 403),
        (b"{}", JSON, "/", 404),
        (b"{", JSON, "/v1/traces", 400),
        (b"[]", JSON, "/v1/traces", 400),
        (b"[" * 100_000, JSON, "/v1/traces", 400),
        (b'{"resourceSpans": 7}', JSON, "/v1/traces", 400),
        (b"{}", {"Content-Type": "text/plain"}, "/v1/traces", 415),
        (b"{}", {**JSON, "Content-Encoding": "br"}, "/v1/traces", 415),
        (b"{}", {**JSON, "Content-Encoding": "gzip"}, "/v1/traces", 400),
        (b"{}", {**JSON, "Content-Length": "99999999999"}, "/v1/traces", 413),
        (b"{}", {**JSON, "Content-Length": "-1"}, "/v1/traces", 413),
        (b"{}", {**JSON, "Content-Length": "x"}, "/v1/traces", 411),
    ],
)  # fmt: skip
def test_what_is_not_taken(
    server: _Server, tmp_path: Path, body: bytes, headers: dict[str, str], path: str, status: int
) -> None:
    assert status == post(server, body, headers, path)[0]
    assert 200 == post(server, LINES[0].encode(), JSON)[0]
    (file,) = (tmp_path / "raw").iterdir()
    assert 1 == len(file.read_bytes().splitlines())


def test_a_bomb_is_too_large(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_received, "MOST_BYTES", 10_000)
    assert 413 == post(server, gzip.compress(b" " * 1_000_000), {**JSON, "Content-Encoding": "gzip"})[0]


def test_a_full_disk_is_answered_so_that_exporters_try_again(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(server.files, "append", full)
    assert (503, b"cannot be written: No space left on device") == post(server, LINES[0].encode(), JSON)


def test_files_roll_over(server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces_received, "ROLLOVER_BYTES", 20_000)
    for line in LINES:
        assert 200 == post(server, line.encode(), JSON)[0]
    assert 2 < len(list((tmp_path / "raw").iterdir()))
    assert {one.span_id for one in SPANS} == kept(tmp_path)


def test_the_command_says_where_it_listens_and_ends_when_it_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "llmops_git", "traces", "receive", "--port", "0", "--store", str(tmp_path)]
    environment: dict[str, Any] = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    said = process.stdout.readline()
    port = int(said.partition("127.0.0.1:")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/v1/traces", LINES[0].encode(), JSON)
    assert 200 == connection.getresponse().status
    connection.close()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (0, "ended\n") == (process.returncode, err)
    assert kept(tmp_path)
