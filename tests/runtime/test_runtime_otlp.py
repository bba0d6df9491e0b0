"""Spans to a collector: protobuf over HTTP, again where that may help, and counted where it does not."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Reply, Usage
from llmops_git.runtime import FileSink, OtlpSink, Router, channel
from llmops_git.traces import attributes as names
from tests.runtime.collector import Said, collector
from tests.runtime.runtime_material import loaded


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "FIRST_WAIT", 0.02)


def serve(router: Router, number: int = 0) -> None:
    with router.request(user=f"u{number}", feature="triage", conversation="c-1") as request:
        request.retrieve("where?", lambda _: [{"id": "a", "text": "there", "score": 0.5}], name="help")
        request.messages(message="hi")
        request.record(
            Reply(text="ok", finish_reason="stop", usage=Usage(input_tokens=3, output_tokens=1)),
            ttft_seconds=0.25,
            cost_usd=0.5,
        )


def test_a_collector_gets_what_the_files_hold(tmp_path: Path) -> None:
    with collector() as found:
        sink = OtlpSink(found.url, headers={"authorization": "Bearer t"}, resource={"openinference.project.name": "shop"})
        router = loaded(tmp_path, sinks=[sink], content="full")
        serve(router)
        assert router.flush(10)
    spans = found.spans()
    assert ["invoke_workflow router", "retrieval help", "chat test-model-2026-01-01"] == [span.name for span in spans]
    assert 1 == len({span.trace_id for span in spans})
    assert [spans[0].span_id] * 2 == [span.parent_span_id for span in spans[1:]]
    assert [1, 1, 3] == [span.kind for span in spans]
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    chat = found.attributes("chat")
    assert (3, ["stop"], 0.25, 0.5) == tuple(
        chat[name] for name in (names.INPUT_TOKENS, names.FINISH_REASONS, names.FIRST_CHUNK, names.COST_USD)
    )
    assert [{"id": "a", "content": "there", "score": 0.5}] == found.attributes("retrieval")[names.DOCUMENTS]
    resource = {item.key: item.value.string_value for item in found.exports[0].resource_spans[0].resource.attributes}
    expected = {"service.name": "router", names.ENVIRONMENT: "production", "openinference.project.name": "shop"}
    assert expected == {name: resource[name] for name in expected}
    headers = found.headers[0]
    assert ("application/x-protobuf", "gzip", "Bearer t") == tuple(
        headers[name] for name in ("content-type", "content-encoding", "authorization")
    )


def test_an_error_is_a_status(tmp_path: Path) -> None:
    with collector() as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        with router.request() as request:
            request.fail("timeout")
        assert router.flush(10)
    [span] = found.spans()
    assert (2, "timeout") == (span.status.code, span.status.message)
    assert "timeout" == found.attributes("invoke")["error.type"]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_may_go_better_is_sent_again_and_arrives_once(tmp_path: Path, status: int) -> None:
    with collector(lambda _, number: Said(status=status if number < 2 else 200)) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        serve(router)
        until = time.monotonic() + 10
        while not found.exports and time.monotonic() < until:
            time.sleep(0.02)
        assert router.flush(5)
    assert (3, 3) == (found.asked, len(found.spans()))
    assert (2, 3) == (router.stats()["failures_otlp"], router.stats()["spans_otlp"])


def test_a_collector_says_when_it_may_be_asked_again(tmp_path: Path) -> None:
    with collector(lambda *_: Said(status=429, headers={"retry-after": "20"})) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        serve(router)
        time.sleep(1.2)
        assert 1 == found.asked
        assert not router.flush(1)  # a flush asks all the same
        assert 2 == found.asked


@pytest.mark.parametrize("status", [400, 401, 404, 415, 500])
def test_what_is_refused_is_counted_and_not_sent_again(tmp_path: Path, status: int) -> None:
    with collector(lambda *_: Said(status=status)) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        serve(router)
        assert router.flush(10)
        assert router.flush(10)
    assert 1 == found.asked
    assert 3 == router.stats()["spans_refused"]
    assert "spans_otlp" not in router.stats()


def test_a_part_may_be_refused(tmp_path: Path) -> None:
    with collector(lambda *_: Said(rejected=2)) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        serve(router)
        assert router.flush(10)
    assert (1, 2) == (router.stats()["spans_otlp"], router.stats()["spans_refused"])


def test_what_is_too_large_is_sent_in_halves(tmp_path: Path) -> None:
    def small(request: Any, _number: int) -> Said:
        spans = sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        return Said(status=200 if spans <= 5 else 413)

    with collector(small) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        for number in range(10):
            serve(router, number)
        assert router.flush(10)
    assert 30 == len(found.spans()) == router.stats()["spans_otlp"]


def test_a_dead_collector_disturbs_neither_the_application_nor_the_files(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1/traces"
        router = loaded(tmp_path, sinks=[OtlpSink(url), FileSink(tmp_path / "raw")])
        router.pipeline.channels[0].worker._most = 60
        started = time.perf_counter()
        for number in range(100):
            serve(router, number)
        assert time.perf_counter() - started < 1
        assert not router.flush(5)
    stats = router.stats()
    assert (300, 60, 240) == (stats["spans_file"], stats["spans_waiting"], stats["spans_dropped"])
    assert stats["failures_otlp"] >= 1


def test_a_collector_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    release = threading.Event()
    with collector(lambda *_: Said(hold=release)) as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url, timeout=0.3), FileSink(tmp_path / "raw")])
        for number in range(20):
            serve(router, number)
        started = time.perf_counter()
        assert not router.flush(2)
        assert time.perf_counter() - started < 4
        assert 60 == router.stats()["spans_file"]
        release.set()
        until = time.monotonic() + 10
        while not router.flush(1) and time.monotonic() < until:
            pass
        assert 60 == router.stats()["spans_otlp"]


def test_large_batches_go_in_parts_and_traces_are_not_split(tmp_path: Path) -> None:
    with collector() as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url)])
        front = router.pipeline._front
        with front._running:
            for number in range(400):
                serve(router, number)
        assert router.flush(20)
    assert 1_200 == len(found.spans())
    for export in found.exports:
        spans = [span for scope in export.resource_spans[0].scope_spans for span in scope.spans]
        assert len(spans) <= 512
        assert 0 == len(spans) % 3


@pytest.mark.parametrize(
    ("endpoint", "options", "message"),
    [("localhost:4318", {}, "not an address"), ("http://x", {"profile": "otl"}, "no export profile `otl`")],
)
def test_a_sink_that_cannot_be_is_refused(endpoint: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(LlmopsError, match=message):
        OtlpSink(endpoint, **options)


def test_a_profile_names_attributes_for_its_receiver(tmp_path: Path) -> None:
    with collector() as found:
        router = loaded(tmp_path, sinks=[OtlpSink(found.url, profile="langfuse")], content="full")
        serve(router)
        assert router.flush(10)
    chat, root = found.attributes("chat"), found.attributes("invoke")
    assert ("hi", "ok") == (root["input.value"], root["output.value"])
    assert ("LLM", "generation", "llmops/router/v1.0.0") == tuple(
        chat[name] for name in ("openinference.span.kind", "langfuse.observation.type", "langfuse.version")
    )
