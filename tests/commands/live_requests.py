"""Live requests as spans, as the runtime records them: everything about one is an argument."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmops_git.monitoring.store import Store, open_store
from llmops_git.traces import attributes as names
from llmops_git.traces.content import output_messages
from llmops_git.traces.span import Span

SECOND = 1_000_000_000


def live_request(
    number: int,
    inputs: Mapping[str, Any] | None,
    output: str = "no idea",
    *,
    config: str = "router",
    release: str = "llmops/router/v1.0.0",
    digest: str = "sha256:" + "a" * 64,
    environment: str = "production",
    error: str = "",
    cost: float | None = 0.001,
    seconds: float = 1.0,
    signals: Sequence[tuple[str, str]] = (),
    scores: Mapping[str, float] | None = None,
    guards: Sequence[tuple[str, str]] = (),
    documents: Sequence[Mapping[str, Any]] = (),
    tools: Sequence[tuple[str, str, str]] = (),
    hours_ago: float = 1.0,
    content: str = "full",
) -> tuple[Span, ...]:
    """The spans of one request, root first. `inputs` None: content was off; signals are (name, comment), guards (rule, result),
    tools (name, arguments, result)."""
    trace = hashlib.sha256(f"request {number}".encode()).hexdigest()[:32]
    start = time.time_ns() - int(hours_ago * 3600 * SECOND)
    shared = {
        names.PROMPT_NAME: config, names.PROMPT_VERSION: release, names.CONFIG_DIGEST: digest, names.ENVIRONMENT: environment,
    }  # fmt: skip
    spans: list[Span] = []

    def add(operation: str, name: str, found: Mapping[str, Any], *, failed: str = "", length: float = 0.0) -> None:
        spans.append(
            Span(
                trace_id=trace,
                span_id=hashlib.sha256(f"{trace}/{len(spans)}".encode()).hexdigest()[:16],
                parent_id=spans[0].span_id if spans else "",
                name=f"{operation} {name}",
                kind="client" if operation == names.CHAT else "internal",
                start_ns=start + len(spans),
                end_ns=start + len(spans) + int(length * SECOND),
                attributes={names.OPERATION: operation, **shared, **found},
                error=failed,
            )
        )

    captured = {names.VARIABLE_PREFIX + name: value for name, value in (inputs or {}).items()}
    about = {names.CONTENT: "off" if inputs is None else content}
    add(names.INVOKE_WORKFLOW, config, {**captured, **about}, failed=error, length=seconds)
    if documents:
        add(names.RETRIEVAL, "search", {names.DOCUMENTS: tuple(dict(document) for document in documents)})
    said = {} if inputs is None or error else {names.OUTPUT_MESSAGES: output_messages(output, (), "stop")}
    billed = {names.INPUT_TOKENS: 100, names.OUTPUT_TOKENS: 10, **({} if cost is None else {names.COST_USD: cost})}
    model = {names.REQUEST_MODEL: "test-model-2026-01-01", names.PROVIDER: "test"}
    add(names.CHAT, "test-model", {**model, **billed, **said}, failed=error, length=seconds)
    for name, arguments, result in tools:
        add(names.EXECUTE_TOOL, name, {names.TOOL_NAME: name, names.TOOL_ARGUMENTS: arguments, names.TOOL_RESULT: result})
    for rule, result in guards:
        guard = {names.GUARD_PACK: "pii", names.GUARD_RULE: rule, names.GUARD_SIDE: "input", names.GUARD_RESULT: result}
        add(names.APPLY_GUARDRAIL, f"pii/{rule}", guard)
    for name, comment in signals:
        add(names.GIVE_SIGNAL, name, {names.SIGNAL: name, **({names.SIGNAL_COMMENT: comment} if comment else {})})
    for name, value in (scores or {}).items():
        add(names.EVALUATE, name, {names.EVALUATION_NAME: name, names.EVALUATION_SCORE: value})
    return tuple(spans)


def stored(folder: Path, *requests: Sequence[Span]) -> Store:
    """The store of a project's folder, with these requests added."""
    store = open_store(folder / ".llmops" / "traces")
    store.append([span for request in requests for span in request])
    return store
