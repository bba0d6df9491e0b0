"""Traces in a real Phoenix and a real MLflow, asked by their own APIs. Not part of the suite: `make backends`.

Each is installed into an environment of its own below BACKENDS_FOLDER (default: a temporary folder), which a second run reuses.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from llmops_git.providers.base import Reply, Usage
from llmops_git.runtime import OtlpSink
from tests.runtime.runtime_material import bundle_bytes, loaded

pytestmark = [pytest.mark.backends, pytest.mark.slow]
PHOENIX = "arize-phoenix==20.26.1"
MLFLOW = "mlflow==3.17.2"
MODEL = "gpt-4o-mini-2024-07-18"
PACK = {"name": "pii", "rules": [{"name": "email", "use": "pii", "kinds": ["EMAIL"], "action": "redact"}]}
KINDS = ["CHAIN", "RETRIEVER", "GUARDRAIL", "LLM", "TOOL", "CHAIN"]
START_SECONDS = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("BACKENDS_FOLDER")
    return Path(given) if given else tmp_path_factory.mktemp("backends")


def installed(folder: Path, package: str) -> Path:
    """The folder of the programs of an environment that has this package."""
    place = folder / package.replace("==", "-")
    if not (place / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(place / "bin" / "pip"), "install", "-q", package], check=True)
        (place / "done").touch()
    return place / "bin"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(command: list[str], url: str, place: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A server, until the block ends; it has answered once when the block begins."""
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log, env={**os.environ, **environment})
        try:
            until = time.monotonic() + START_SECONDS
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except OSError:
                    assert process.poll() is None, (place / "log").read_text()[-3000:]
                    assert time.monotonic() < until, "it does not answer"
                    time.sleep(0.5)
            yield
        finally:
            process.terminate()
            process.wait(30)


def send(tmp_path: Path, sink: OtlpSink) -> str:
    """One request with everything in it; the id of its trace."""
    model = {"provider": "openai", "id": MODEL, "parameters": {}}
    router = loaded(tmp_path, bundle=bundle_bytes(model=model, guardrails={"input": [PACK]}), sinks=[sink], content="full")
    with router.request(user="u-17", feature="triage", conversation="c-1") as request:
        request.retrieve("opening hours", lambda _: [{"id": "a", "text": "nine to five", "score": 0.5}], name="help")
        request.guard_input("I am joe@example.com")
        request.messages(message="when are you open?")
        usage = Usage(input_tokens=1200, output_tokens=150, cached_input_tokens=800)
        reply = Reply(text="nine to five", finish_reason="stop", model=MODEL, usage=usage)
        request.record(reply, ttft_seconds=0.02, cost_usd=0.00042)
        request.tool("lookup", {"order": 7}, lambda order: {"state": f"sent {order}"}, id="c1")
        request.signal("thumbs_down", comment="wrong")
    until = time.monotonic() + 60
    while not router.flush(15) and time.monotonic() < until:
        pass
    assert 6 == router.stats()["spans_otlp"]
    assert "spans_refused" not in router.stats()
    return request.trace_id


def test_phoenix_shows_kinds_messages_tokens_and_versions(folder: Path, tmp_path: Path) -> None:
    programs, port = installed(folder, PHOENIX), free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PHOENIX_WORKING_DIR": str(tmp_path), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(free_port())
    }  # fmt: skip
    with serving([str(programs / "phoenix"), "serve"], url, tmp_path, environment):
        sink = OtlpSink(
            f"{url}/v1/traces", profile="openinference", resource={"openinference.project.name": "shop"}, timeout=60
        )
        trace_id = send(tmp_path, sink)
        spans = found_in_phoenix(url, trace_id)
    assert KINDS == [span["span_kind"] for span in spans]
    root, retrieval, guard, chat, tool, _ = (span["attributes"] for span in spans)
    assert ("when are you open?", "nine to five", "c-1", "u-17") == tuple(
        root[name] for name in ("input.value", "output.value", "session.id", "user.id")
    )
    assert ("router", "llmops/router/v1.0.0") == (root["llm.prompt_template.name"], root["llm.prompt_template.version"])
    assert ("a", "nine to five", 0.5) == tuple(
        retrieval[f"retrieval.documents.0.document.{name}"] for name in ("id", "content", "score")
    )
    assert "redact" == guard["output.value"]
    assert ("when are you open?", "nine to five", 1200, 150, 800, MODEL) == tuple(
        chat[name]
        for name in (
            "llm.input_messages.1.message.content",
            "llm.output_messages.0.message.content",
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.token_count.prompt_details.cache_read",
            "llm.model_name",
        )
    )
    assert ("lookup", '{"state":"sent 7"}') == (tool["tool.name"], tool["output.value"])


def found_in_phoenix(url: str, trace_id: str) -> list[dict[str, Any]]:
    """The spans of a trace, in the order in which they began, once they are all there. It takes them in before it shows them."""
    until = time.monotonic() + 60
    spans: list[dict[str, Any]] = []
    while len(spans) < 6 and time.monotonic() < until:
        time.sleep(0.5)
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}/v1/projects/shop/spans?limit=100") as response:
            spans = [span for span in json.load(response)["data"] if span["context"]["trace_id"] == trace_id]
    return sorted(spans, key=lambda span: span["start_time"])


ASK_MLFLOW = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
[trace] = mlflow.MlflowClient().search_traces(locations=["0"])
spans = [
    {"name": span.name, "type": span.span_type, "in": span.inputs, "out": span.outputs, "attributes": dict(span.attributes)}
    for span in trace.data.spans
]
info = trace.info
found = {"id": info.trace_id, "in": info.request_preview, "out": info.response_preview, "meta": dict(info.trace_metadata), "spans": spans}
print(json.dumps(found, default=str))
"""


def test_mlflow_shows_kinds_previews_tokens_and_our_costs(folder: Path, tmp_path: Path) -> None:
    programs, port = installed(folder, MLFLOW), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(programs / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "artifacts"),
    ]  # fmt: skip
    with serving(command, f"{url}/health", tmp_path, {}):
        sink = OtlpSink(f"{url}/v1/traces", profile="mlflow", headers={"x-mlflow-experiment-id": "0"}, timeout=60)
        trace_id = send(tmp_path, sink)
        asked = subprocess.run(
            [str(programs / "python"), "-c", ASK_MLFLOW, url], capture_output=True, text=True, check=True, cwd=tmp_path
        )
    found = json.loads(asked.stdout.splitlines()[-1])
    assert (f"tr-{trace_id}", '"when are you open?"', '"nine to five"') == (found["id"], found["in"], found["out"])
    assert ["CHAIN", "RETRIEVER", "GUARDRAIL", "CHAT_MODEL", "TOOL", "CHAIN"] == [span["type"] for span in found["spans"]]
    usage, cost = (json.loads(found["meta"][f"mlflow.trace.{name}"]) for name in ("tokenUsage", "cost"))
    assert (1200, 150, 800) == tuple(usage[name] for name in ("input_tokens", "output_tokens", "cache_read_input_tokens"))
    assert 0.00042 == cost["total_cost"]
    assert ("c-1", "u-17") == (found["meta"]["mlflow.trace.session"], found["meta"]["mlflow.trace.user"])
    chat, tool = found["spans"][3], found["spans"][4]
    assert "when are you open?" == chat["in"][1]["parts"][0]["content"]
    assert "nine to five" == chat["out"][0]["parts"][0]["content"]
    assert ({"order": 7}, {"state": "sent 7"}) == (tool["in"], tool["out"])
    assert "llmops/router/v1.0.0" == chat["attributes"]["gen_ai.prompt.version"]
