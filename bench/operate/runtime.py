"""What the runtime costs an application: to import, to load, and for each span on the thread that serves the request.

python -m bench.operate.runtime      writes bench/results/runtime.md
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.releases.measure import cpu_of, header, milliseconds, ratio, rounds
from llmops_git.configs.digest import digest_of
from llmops_git.providers.base import Reply, Usage
from llmops_git.releases.bundle import SCHEMA, format_bundle
from llmops_git.runtime import FileSink, Router, load

RESULT = Path(__file__).parents[1] / "results" / "runtime.md"
ROUNDS = 11
IMPORTS = 25
REQUESTS = 400
SPANS = 5  # of a request: itself, a search, two tools, a call to a model
DOCUMENTS = [{"id": f"d{number}", "text": "word " * 40, "score": 0.5} for number in range(4)]
REPLY = Reply(text="answer " * 20, finish_reason="stop", usage=Usage(input_tokens=900, output_tokens=30))
QUESTION = "question " * 20
ASKED = [{"role": "system", "content": "Route it. " * 30}, {"role": "user", "content": QUESTION}]


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_bundle(folder / "router.json")
        started = rounds(
            {
                "python": lambda: cpu_of([sys.executable, "-c", "pass"], folder),
                "import": lambda: cpu_of([sys.executable, "-c", "from llmops_git import runtime"], folder),
                "load": lambda: cpu_of(
                    [sys.executable, "-c", "from llmops_git import runtime; runtime.load('router', bundle='router.json')"],
                    folder,
                ),
                "sdk": lambda: cpu_of([sys.executable, "-c", "import opentelemetry.sdk.trace.export"], folder),
            },
            IMPORTS,
        )
        routers = {
            content: load("router", bundle=folder / "router.json", content=content, sinks=[FileSink(folder / content)])  # type: ignore[arg-type]
            for content in ("off", "redacted", "full")
        }
        calls: dict[str, Callable[[], None]] = {"floor": bare, "sdk": opentelemetry(folder)}
        calls |= {content: recorded(router) for content, router in routers.items()}
        settle: dict[str, Callable[[], object]] = {content: partial(router.flush, 60.0) for content, router in routers.items()}
        served = rounds({name: caller_of(call, settle.get(name)) for name, call in calls.items()}, ROUNDS)
        whole = rounds({name: process_of(call, settle.get(name)) for name, call in calls.items()}, ROUNDS)
        for router in routers.values():
            router.close()
        shutil.rmtree(folder / "otel", ignore_errors=True)
    RESULT.write_text(page(started, served, whole))
    print(RESULT.read_text())


def write_bundle(file: Path) -> None:
    resolved = {
        "inputs": {"type": "object", "properties": {}},
        "messages": [{"role": "user", "template": "{{ message }}"}],
        "model": {"provider": "openai", "id": "gpt-4.1-mini-2025-04-14", "parameters": {}},
        "templates": {},
    }
    document = {
        "schema": SCHEMA, "config": "router", "release": "llmops/router/v1.0.0", "tag_object": "0" * 40, "commit": "0" * 40,
        "digest": digest_of(resolved), "resolved": resolved,
    }  # fmt: skip
    file.write_bytes(format_bundle(document))


def search(_query: str) -> list[dict[str, object]]:
    return DOCUMENTS


def tool(order: int) -> str:
    return f"order {order} was sent"


def bare() -> None:
    """The floor: what any recorder does on the caller's thread, an id, two times and a record for each span; the application's
    own calls are in it."""
    import os

    for number in range(REQUESTS):
        spans = []
        for call, argument in ((search, QUESTION), (tool, number), (tool, number), (str, "x"), (str, "y")):
            start = time.time_ns()
            call(argument)  # type: ignore[operator]
            record = {"id": os.urandom(8).hex(), "start": start, "end": time.time_ns(), "name": "span", "value": argument}
            spans.append(record)


def recorded(router: Router) -> Callable[[], None]:
    def serve() -> None:
        for number in range(REQUESTS):
            with router.request(user="u-17", feature="triage") as request:
                request.retrieve(QUESTION, search)
                request.tool("lookup", {"order": number}, tool)
                request.tool("lookup", {"order": number}, tool)
                request.record(REPLY, messages=ASKED)

    return serve


def opentelemetry(folder: Path) -> Callable[[], None]:
    """The SDK with its batch processor and the official exporter of JSON files, the same spans and attributes."""
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(path=str(folder / "otel.jsonl")), max_queue_size=100_000))
    tracer = provider.get_tracer("bench")
    shared = {"gen_ai.prompt.name": "router", "gen_ai.prompt.version": "llmops/router/v1.0.0", "user.id": "u-17"}

    def serve() -> None:
        for number in range(REQUESTS):
            with tracer.start_as_current_span("invoke_workflow router", attributes=shared):
                with tracer.start_as_current_span("retrieval search", attributes=shared):
                    search(QUESTION)
                for _ in range(2):
                    with tracer.start_as_current_span("execute_tool lookup", attributes=shared):
                        tool(number)
                attributes = {**shared, "gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 30}
                with tracer.start_as_current_span("chat gpt", attributes=attributes):
                    pass

    return serve


def caller_of(call: Callable[[], None], settle: Callable[[], object] | None) -> Callable[[], float]:
    """Seconds of processor time that a span takes on the caller's thread."""

    def measure() -> float:
        started = time.thread_time()
        call()
        seconds = time.thread_time() - started
        if settle is not None:
            settle()
        return seconds / (REQUESTS * SPANS)

    return measure


def process_of(call: Callable[[], None], settle: Callable[[], object] | None) -> Callable[[], float]:
    """The same for the whole process, until everything is written."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def measure() -> float:
        started = spent()
        call()
        if settle is not None:
            settle()
        return (spent() - started) / (REQUESTS * SPANS)

    return measure


def microseconds(seconds: list[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2] * 1e6:.1f} us"


def page(started: dict[str, list[float]], served: dict[str, list[float]], whole: dict[str, list[float]]) -> str:
    imports = {
        "python": ("`python -c pass` (floor)", ""),
        "import": ("`from llmops_git import runtime`", "at most 50 ms"),
        "load": ("and `runtime.load` of a bundle, ready to serve", ""),
        "sdk": ("for comparison: `import opentelemetry.sdk.trace.export`", ""),
    }
    spans = {
        "floor": ("an id, two times and a record in a list (floor)", ""),
        "off": ("the runtime, content off", "at most 50 us"),
        "redacted": ("the runtime, content redacted", "at most 50 us"),
        "full": ("the runtime, content full", "at most 50 us"),
        "sdk": ("for comparison: OpenTelemetry's SDK, batches, JSON files, no content", ""),
    }
    first = [
        f"| {text} | {milliseconds(started[name])} | {ratio(started, name, 'python'):.2f}x | {goal} |"
        for name, (text, goal) in imports.items()
    ]
    second = [
        f"| {text} | {microseconds(served[name])} | {ratio(served, name, 'floor'):.1f}x | {microseconds(whole[name])} | {goal} |"
        for name, (text, goal) in spans.items()
    ]
    return "\n".join(
        [
            "# The runtime",
            "",
            header(),
            "",
            f"## To start ({IMPORTS} rounds)",
            "",
            "| what | CPU of the process | ratio | goal |",
            "|---|---|---|---|",
            *first,
            "",
            f"## For each span ({ROUNDS} rounds of {REQUESTS} requests with {SPANS} spans)",
            "",
            "A request has a search with four documents, two calls of tools, and a call to a model with two messages, 900 tokens in and 30 out.",
            "",
            "| what | CPU on the caller's thread | ratio | CPU of the process until it is written | goal |",
            "|---|---|---|---|---|",
            *second,
            "",
            (
                "The comparison writes its files within its own batches, so that not all of its last column is in it. That importing brings in "
                "nothing heavy is tested by the list of modules (`tests/runtime/test_runtime_imports.py`), not by time."
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
