"""A small living system for tests: requests under two releases, as spans and as lines of OTLP JSON. Seeded, no clock.

    spans = live_spans(requests=100)          # Span values, root first in each trace
    lines = live_lines(spans)                 # one line a trace, as the runtime's file sink writes them
    store = live_store(tmp_path, spans)       # a store that holds them

The second release (`v1.1.0`, the later half) is worse: slower, costlier, refuses more, is liked less, and its scores are lower.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmops_git.traces import attributes as names
from llmops_git.traces.content import input_messages, output_messages
from llmops_git.traces.otlp import to_otlp_line
from llmops_git.traces.span import Span

CONFIG = "support-router"
OLD, NEW = f"llmops/{CONFIG}/v1.0.0", f"llmops/{CONFIG}/v1.1.0"
DIGESTS = {OLD: "sha256:" + "a" * 64, NEW: "sha256:" + "b" * 64}
MODEL = "gpt-4.1-mini-2025-04-14"
PACK = "pii"
START_NS = 1_763_640_000_000_000_000  # 2025-11-20T12:00:00Z
FEATURES = ("triage", "search", "chat")
MILLISECOND = 1_000_000


def live_spans(
    *, requests: int = 60, seed: int = 7, start_ns: int = START_NS, every_ms: int = 60_000, content: bool = True
) -> tuple[Span, ...]:
    """The spans of `requests` requests, one every `every_ms`: the first half under OLD, the second under NEW."""
    draw = random.Random(seed)
    spans: list[Span] = []
    for number in range(requests):
        release = OLD if number < requests // 2 else NEW
        at = start_ns + number * every_ms * MILLISECOND
        spans += request_spans(number, release, at, draw, seed=seed, content=content)
    return tuple(spans)


def request_spans(
    number: int, release: str, at: int, draw: random.Random, *, seed: int = 7, content: bool = True
) -> Iterator[Span]:
    """One request: root, retrieval, input guard, chat, tool (one in four), output guard, signal and score."""
    worse = release == NEW
    trace_id = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:32]
    shared = {
        names.PROMPT_NAME: CONFIG,
        names.PROMPT_VERSION: release,
        names.CONFIG_DIGEST: DIGESTS[release],
        names.FEATURE: FEATURES[number % len(FEATURES)],
        names.USER: f"user-{number % 17}",
        names.ENVIRONMENT: "production",
    }
    message = f"Where is my order {number}? Mail me at ada{number}@example.org."
    reply = json.dumps({"queue": draw.choice(["orders", "billing"]), "text": f"Order {number} is on its way."})
    error = "RateLimited" if draw.random() < (0.10 if worse else 0.03) else ""
    hit = "redact" if draw.random() < 0.2 else "pass"
    chat_ms = draw.uniform(300, 700) * (1.6 if worse else 1.0)
    tokens = (draw.randint(150, 300), 0 if error else draw.randint(20, 60) * (2 if worse else 1))
    retrieved, guarded = at + 40 * MILLISECOND, at + 45 * MILLISECOND
    answered = guarded + int(chat_ms * MILLISECOND)
    ids = (hashlib.sha256(f"{trace_id}/{step}".encode()).hexdigest()[:16] for step in range(20))
    root_id = next(ids)

    def step(operation: str, name: str, start: int, end: int, found: dict, failed: str = "") -> Span:
        return Span(
            trace_id=trace_id,
            span_id=next(ids),
            parent_id=root_id,
            name=f"{operation} {name}",
            kind="client" if operation == names.CHAT else "internal",
            start_ns=start,
            end_ns=end,
            attributes={names.OPERATION: operation, **shared, **found},
            error=failed,
        )

    def guard(side: str, rule: str, at: int, result: str) -> Span:
        found = {names.GUARD_PACK: PACK, names.GUARD_VERSION: "sha256:" + "c" * 64, names.GUARD_RULE: rule}
        found |= {names.GUARD_SIDE: side, names.GUARD_RESULT: result}
        if result != "pass":
            found[names.GUARD_REASON] = "EMAIL"
        return step(names.APPLY_GUARDRAIL, f"{PACK}/{rule}", at, at + MILLISECOND, found)

    texts = {names.VARIABLE_PREFIX + "message": message} if content else {}
    yield Span(
        trace_id=trace_id,
        span_id=root_id,
        name=f"{names.INVOKE_WORKFLOW} {CONFIG}",
        start_ns=at,
        end_ns=answered + 5 * MILLISECOND,
        attributes={
            names.OPERATION: names.INVOKE_WORKFLOW,
            names.WORKFLOW_NAME: CONFIG,
            **shared,
            names.CONVERSATION: f"talk-{number // 3}",
            names.GIT_COMMIT: "1" * 40,
            names.CONTENT: "full" if content else "off",
            **texts,
        },
        error=error,
    )
    documents = tuple(
        {"id": f"help/{(number + place) % 9}.md#0", "score": round(0.9 - place / 10, 3)}
        | ({"content": f"Orders arrive within {place + 2} days."} if content else {})
        for place in range(3)
    )
    asked = {names.QUERY: message} if content else {}
    found = {names.DATA_SOURCE: "bm25", names.TOP_K: 3, names.DOCUMENTS: documents, **asked}
    yield step(names.RETRIEVAL, "bm25", at + MILLISECOND, retrieved, found)
    yield guard("input", "email", retrieved, hit)
    said = [{"role": "system", "content": "Route the message."}, {"role": "user", "content": message}]
    finish = "error" if error else "content_filter" if worse and number % 10 == 0 else "stop"
    found = {
        names.PROVIDER: "openai",
        names.REQUEST_MODEL: MODEL,
        names.RESPONSE_MODEL: MODEL,
        names.INPUT_TOKENS: tokens[0],
        names.OUTPUT_TOKENS: tokens[1],
        names.CACHED_INPUT_TOKENS: 0,
        names.COST_USD: round(tokens[0] * 4e-7 + tokens[1] * 1.6e-6, 9),
        names.FIRST_CHUNK: round(chat_ms / 3000, 6),
        names.FINISH_REASONS: (finish,),
    }
    if content:
        found |= {names.INPUT_MESSAGES: input_messages(said), names.OUTPUT_MESSAGES: output_messages(reply, (), finish)}
    yield step(names.CHAT, MODEL, guarded, answered, found, error)
    if number % 4 == 0:
        found = {names.TOOL_NAME: "lookup_order", names.TOOL_CALL: f"call-{number}"}
        if content:
            found |= {names.TOOL_ARGUMENTS: json.dumps({"id": number}), names.TOOL_RESULT: '{"status": "shipped"}'}
        yield step(names.EXECUTE_TOOL, "lookup_order", answered, answered + MILLISECOND, found)
    yield guard("output", "email", answered, "pass")
    if number % 5 == 0:
        down = draw.random() < (0.6 if worse else 0.1)
        found = {names.SIGNAL: "thumbs_down" if down else "thumbs_up"}
        if down:
            found[names.SIGNAL_COMMENT] = "wrong queue"
        late = answered + 30_000 * MILLISECOND
        yield step(names.GIVE_SIGNAL, found[names.SIGNAL], late, late, found)
    if number % 3 == 0:
        score = round(min(1.0, max(0.0, draw.gauss(0.6 if worse else 0.9, 0.1))), 4)
        found = {names.EVALUATION_NAME: "faithful", names.EVALUATION_SCORE: score, names.EVAL_DIGEST: "sha256:" + "d" * 64}
        late = answered + 60_000 * MILLISECOND
        yield step(names.EVALUATE, "faithful", late, late, found)


def live_lines(spans: Sequence[Span]) -> list[str]:
    """One line (without newline) a trace, in the order of the traces."""
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return [to_otlp_line(group) for group in traces.values()]


def live_store(folder: Path, spans: Sequence[Span], *, now_ns: int = START_NS + 30 * 86_400 * 10**9):
    """A store in `folder` that holds the spans: a raw file of them, read in."""
    from llmops_git.monitoring.ingest import ingest
    from llmops_git.monitoring.store import open_store

    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    file = raw / f"host-{len(list(raw.iterdir()))}.jsonl"
    file.write_text("".join(line + "\n" for line in live_lines(spans)))
    store = open_store(folder)
    ingest(store, [file], now_ns=now_ns)
    return store
