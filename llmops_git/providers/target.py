"""An application as the system under test: inputs and the config's bundle are posted to it, its output comes back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from llmops_git.configs.policy import Endpoint
from llmops_git.configs.values import TARGET
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.http import HttpProvider
from llmops_git.providers.stubs import PostDialect, settings_of
from llmops_git.providers.wire import NO_JSON, count, no_reply, whole

MOST_STEPS = 200  # of a trace
MOST_DEPTH = 10
MOST_TEXT = 20_000  # characters of what a step took and gave
_FIELDS = ("input", "output")


class TargetProvider(HttpProvider):
    """One application. `bundles` are the configs that it may be asked with, by their digests, as JSON."""

    def __init__(self, endpoint: Endpoint, bundles: Mapping[str, bytes], *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the key's variable is not set."""
        super().__init__(settings_of(endpoint, f"{TARGET}{endpoint.name}"), TargetDialect(bundles), environ=environ)

    def generate(self, request: Request, *, worker: int) -> Reply:
        """The application's output; its own latency, where it tells one, goes before what we measured. Raises ProviderError."""
        reply = super().generate(request, worker=worker)
        told = [step["seconds"] for step in reply.trace if step.get("name") == _WHOLE]
        steps = tuple(step for step in reply.trace if step.get("name") != _WHOLE)
        return replace(reply, trace=steps, latency_seconds=told[0] if told else reply.latency_seconds)


_WHOLE = "\0whole"  # a step that holds the application's own latency; no told name has a control character there


class TargetDialect(PostDialect):
    """`{"inputs", "bundle", "sample"}` there, `{"output", "usage", "latency", "trace", …}` back."""

    name = "target"

    def __init__(self, bundles: Mapping[str, bytes]) -> None:
        self._bundles = bundles

    def body(self, request: Request, *, stream: bool) -> bytes:  # noqa: ARG002
        bundle = self._bundles[str(request.parameters["bundle"])]
        inputs = str(request.messages[0]["content"]).encode(errors="replace")
        return b'{"inputs":%b,"bundle":%b,"sample":%d}' % (inputs, bundle, request.sample)

    def reply(self, content: bytes, request: Request) -> Reply:  # noqa: ARG002
        try:
            return _reply(json.loads(content))
        except NO_JSON:
            no_reply(content, "an object with an `output`")


def bundle_of(name: str, digest: str, resolved: Mapping[str, Any]) -> bytes:
    """A config as an application gets it."""
    return json.dumps({"config": name, "digest": digest, "resolved": resolved}, sort_keys=True).encode()


def _reply(document: Any) -> Reply:
    output = document["output"]
    usage = document.get("usage") or {}
    seconds = document.get("latency")
    told = [{"name": _WHOLE, "seconds": float(seconds)}] if _is_seconds(seconds) else []
    calls = document.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        raise ProviderError("server", "`tool_calls` must be a list of {name, arguments}", charged=True)
    return Reply(
        text=whole(output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)),
        finish_reason=whole(document.get("finish_reason") or ""),
        tool_calls=tuple(_call(call) for call in calls),
        usage=Usage(**{name: count(usage.get(name)) for name in Usage.__slots__}),
        model=whole(document.get("model") or ""),
        engine=whole(document.get("version") or ""),
        trace=(*told, *_steps(document.get("trace") or [], [MOST_STEPS], MOST_DEPTH)),
    )


def _call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = call.get("arguments")
    written = (
        arguments if isinstance(arguments, str) else json.dumps(arguments if arguments is not None else {}, sort_keys=True)
    )
    result = {"result": _text(call["result"])} if "result" in call else {}
    return {"name": whole(call["name"]), "arguments": whole(written), **result}


def _steps(told: Any, left: list[int], depth: int) -> Iterator[Mapping[str, Any]]:
    """The steps of a trace, as far as they are some; what is beside or beyond is left out, since no score hangs on it."""
    for step in told if isinstance(told, list) and depth else []:
        if not isinstance(step, dict) or not left[0]:
            continue
        left[0] -= 1
        found: dict[str, Any] = {"name": _text(step.get("name") or "step")[:200].replace("\0", "")}
        if _is_seconds(step.get("seconds")):
            found["seconds"] = float(step["seconds"])
        found |= {name: _text(step[name]) for name in _FIELDS if step.get(name) is not None}
        if step.get("error"):
            found["error"] = _text(step["error"])[:200]
        if below := list(_steps(step.get("steps"), left, depth - 1)):
            found["steps"] = below
        yield found


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _text(value: Any) -> str:
    return whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:MOST_TEXT]
