"""An application that uses OpenTelemetry: requests join its traces, and can leave by its own exporter. With the real SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Reply, Usage
from llmops_git.runtime import FileSink, OtelSink
from llmops_git.traces import attributes as names
from tests.runtime.runtime_material import loaded, the, written


@pytest.fixture
def provider() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    found = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    found.add_span_processor(SimpleSpanProcessor(exporter))
    yield found, exporter
    found.shutdown()


def test_a_request_joins_the_trace_that_is_under_way(
    tmp_path: Path, provider: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    tracer = provider[0].get_tracer("app")
    router = loaded(tmp_path)
    with tracer.start_as_current_span("GET /") as outer, router.request() as request:
        request.tool("t", {}, lambda: None)
    with router.request() as alone:
        pass
    spans = written(tmp_path, router)
    context = outer.get_span_context()
    assert f"{context.trace_id:032x}" == request.trace_id != alone.trace_id
    root, _, other = spans
    assert (request.trace_id, f"{context.span_id:016x}") == (root.trace_id, root.parent_id)
    assert "" == other.parent_id


def test_a_signal_finds_its_request_within_a_longer_trace(
    tmp_path: Path, provider: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    router = loaded(tmp_path)
    with provider[0].get_tracer("app").start_as_current_span("GET /"):
        with router.request(feature="one") as first:
            pass
        with router.request(feature="two"):
            pass
    router.signal(first.id, "thumbs_down")
    signal = the(written(tmp_path, router), names.GIVE_SIGNAL)
    assert (first.span_id, "one") == (signal.parent_id, signal.attributes[names.FEATURE])


def test_spans_leave_through_the_applications_own_exporter(
    tmp_path: Path, provider: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    own, exporter = provider
    tracer = own.get_tracer("app")
    router = loaded(tmp_path, sinks=[OtelSink(own), FileSink(tmp_path / "raw")], content="full")
    with tracer.start_as_current_span("GET /"), router.request(user="u") as request:
        with tracer.start_as_current_span("POST api.openai.com"):
            pass  # as an instrumentation of the application's would
        request.retrieve("x", lambda _: [{"id": "a", "text": "t", "score": 0.5}])
        request.messages(message="hi")
        request.record(Reply(text="ok", finish_reason="stop", usage=Usage(input_tokens=3, output_tokens=1)))
    with pytest.raises(ValueError, match="bad"), router.request():
        raise ValueError("bad")
    assert 4 == len(written(tmp_path, router))
    found = {span.name: span for span in exporter.get_finished_spans()}
    chat, inner = found["chat test-model-2026-01-01"], found["POST api.openai.com"]
    retrieval = found["retrieval <lambda>"]
    assert inner.parent is not None
    assert chat.parent is not None
    assert int(request.span_id, 16) == inner.parent.span_id == chat.parent.span_id
    assert 1 == len({span.context.trace_id for span in (chat, inner, retrieval, found["GET /"])})
    assert (3, "u", ("stop",)) == tuple(
        chat.attributes[name] for name in (names.INPUT_TOKENS, names.USER, names.FINISH_REASONS)
    )
    assert [{"id": "a", "content": "t", "score": 0.5}] == json.loads(retrieval.attributes[names.DOCUMENTS])
    assert trace.SpanKind.CLIENT == chat.kind
    assert "shop" == chat.resource.attributes["service.name"]
    assert trace.StatusCode.ERROR == found["invoke_workflow router"].status.status_code
    assert "ValueError" == found["invoke_workflow router"].attributes[names.ERROR_TYPE]


def test_the_spans_survive_the_official_batch_processor_and_exporter(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    own = TracerProvider()
    own.add_span_processor(BatchSpanProcessor(exporter))
    router = loaded(tmp_path, sinks=[OtelSink(own)])
    with router.request():
        pass
    assert router.flush(5)
    assert own.force_flush()
    [span] = exporter.get_finished_spans()
    assert "invoke_workflow" in span.to_json()
    own.shutdown()


def test_without_a_provider_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="no tracer provider") as raised:
        loaded(tmp_path, sinks=[OtelSink()])
    assert "set_tracer_provider" in raised.value.hint


def test_an_application_without_opentelemetry_does_not_import_it(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom llmops_git import runtime\nrouter = runtime.load('router', bundle='router.json')\n"
        "with router.request(): pass\nprint('opentelemetry' in sys.modules)"
    )
    loaded(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "False\n" == done.stdout
