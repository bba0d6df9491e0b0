"""Builds the spans of one sample: the whole request, its guardrails, the retrieval in it, the calls to the model and of tools.

Ids are computed from what the sample is, so the same run written twice has the same ids. Tokens and cost stand only on the
calls to the model. The content of a call (messages, documents, results) is in its span as far as the steps hold it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops_git.traces import attributes as names
from llmops_git.traces.content import cut
from llmops_git.traces.span import Span
from llmops_git.traces.told import inner_spans


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """What all samples of one run share. `version` is the release tag where there is one, else the config digest."""

    run_id: str
    config: str
    config_digest: str
    eval_digest: str
    version: str
    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalStep:
    """Finding documents. `documents` are (id, score), best first; times are nanoseconds since 1970."""

    retriever: str
    top_k: int
    start_ns: int
    end_ns: int
    documents: tuple[tuple[str, float], ...]
    query: str = ""
    texts: tuple[str, ...] = ()  # of the documents, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatStep:
    """The call to the model. Numbers that nobody knows are None; `error` is the class of the error, if it failed."""

    start_ns: int
    end_ns: int
    model: str = ""
    engine: str = ""
    finish_reason: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cached: bool = False
    error: str = ""
    ttft_seconds: float | None = None
    input_messages: str = ""  # JSON, see traces.content; of a later step what it added
    output_messages: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStep:
    """A tool call. `result` is None where there was none; `recorded` says that it is the case's own."""

    id: str
    name: str
    arguments: str
    start_ns: int
    end_ns: int
    result: str | None = None
    recorded: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStep:
    """One rule of a guardrail pack that was applied. `result` is pass, block, redact, flag, shadow or error; `reason` is what
    was found (the names of it, not the text), or why the rule failed to decide."""

    pack: str
    version: str
    rule: str
    side: str
    result: str
    start_ns: int
    end_ns: int
    reason: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSteps:
    """What happened to one sample. `chat` is the first call, None when none was made; `later` are the steps after it;
    `scores` holds what was measured; `inner` are the steps that an application told of itself: {"name", "seconds", "input",
    "output", "error", "steps"}."""

    case: str
    repeat: int
    start_ns: int
    end_ns: int
    guards: tuple[GuardStep, ...] = ()
    retrieval: RetrievalStep | None = None
    chat: ChatStep | None = None
    later: tuple[ChatStep | ToolStep, ...] = ()
    inner: tuple[Mapping[str, Any], ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)  # why, of scores that judges gave
    error: str = ""


def trace_id_of(identity: RunIdentity, case: str, repeat: int) -> str:
    """The trace id (32 hex digits) of a sample."""
    parts = (identity.run_id, identity.config_digest, identity.eval_digest, case, str(repeat))
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:32]


def sample_spans(identity: RunIdentity, steps: SampleSteps) -> tuple[Span, ...]:
    """The spans of one sample, root first."""
    trace_id = trace_id_of(identity, steps.case, steps.repeat)
    prompt = {
        names.PROMPT_NAME: identity.config,
        names.PROMPT_VERSION: identity.version,
        names.CONFIG_DIGEST: identity.config_digest,
    }
    root = Span(
        trace_id=trace_id,
        span_id=_span_id(trace_id, names.INVOKE_WORKFLOW),
        name=f"{names.INVOKE_WORKFLOW} {identity.config}",
        start_ns=steps.start_ns,
        end_ns=steps.end_ns,
        attributes={names.OPERATION: names.INVOKE_WORKFLOW, names.WORKFLOW_NAME: identity.config, **prompt}
        | {names.EVAL_DIGEST: identity.eval_digest, names.RUN_ID: identity.run_id}
        | {names.CASE: steps.case, names.REPEAT: steps.repeat}
        | {names.SCORE_PREFIX + name: value for name, value in steps.scores.items()}
        | {names.REASON_PREFIX + name: reason for name, reason in steps.reasons.items()},
        error=steps.error,
    )
    spans = [root]
    spans += [_guard_span(root, step, prompt, number) for number, step in enumerate(steps.guards) if step.side == "input"]
    if steps.retrieval is not None:
        spans.append(_retrieval_span(root, steps.retrieval))
    turns = (() if steps.chat is None else (steps.chat,)) + steps.later
    several = len(turns) > 1
    asked = 0
    for number, turn in enumerate(turns):
        if isinstance(turn, ToolStep):
            spans.append(_tool_span(root, turn, number))
            continue
        asked += 1
        spans.append(_chat_span(root, identity, turn, prompt, number=number, step=asked if several else 0))
        if steps.inner and len(turns) == 1:
            spans += inner_spans(spans[-1], steps.inner)
    spans += [_guard_span(root, step, prompt, number) for number, step in enumerate(steps.guards) if step.side != "input"]
    return tuple(spans)


def _guard_span(root: Span, step: GuardStep, prompt: Mapping[str, Any], number: int) -> Span:
    known = {names.GUARD_REASON: cut(step.reason) or None, names.GUARD_SCORE: step.score}
    return Span(
        trace_id=root.trace_id,
        span_id=_span_id(root.trace_id, f"{names.APPLY_GUARDRAIL}/{number}"),
        parent_id=root.span_id,
        name=f"{names.APPLY_GUARDRAIL} {step.pack}/{step.rule}",
        start_ns=step.start_ns,
        end_ns=step.end_ns,
        attributes={
            names.OPERATION: names.APPLY_GUARDRAIL,
            names.GUARD_PACK: step.pack,
            names.GUARD_VERSION: step.version,
            names.GUARD_RULE: step.rule,
            names.GUARD_SIDE: step.side,
            names.GUARD_RESULT: step.result,
            **prompt,
            **{name: value for name, value in known.items() if value is not None},
        },
    )


def _retrieval_span(root: Span, step: RetrievalStep) -> Span:
    return Span(
        trace_id=root.trace_id,
        span_id=_span_id(root.trace_id, names.RETRIEVAL),
        parent_id=root.span_id,
        name=f"{names.RETRIEVAL} {step.retriever}",
        start_ns=step.start_ns,
        end_ns=step.end_ns,
        attributes={
            names.OPERATION: names.RETRIEVAL,
            names.DATA_SOURCE: step.retriever,
            names.TOP_K: step.top_k,
            names.DOCUMENTS: tuple(_documents(step)),
            **({names.QUERY: cut(step.query)} if step.query else {}),
        },
    )


def _documents(step: RetrievalStep) -> Iterator[dict[str, Any]]:
    for number, (document, score) in enumerate(step.documents):
        content = {"content": cut(step.texts[number])} if number < len(step.texts) else {}
        yield {"id": document, "score": score, **content}


def _tool_span(root: Span, step: ToolStep, number: int) -> Span:
    result = {} if step.result is None else {names.TOOL_RESULT: cut(step.result), names.RECORDED: step.recorded}
    return Span(
        trace_id=root.trace_id,
        span_id=_span_id(root.trace_id, f"{names.EXECUTE_TOOL}/{number}"),
        parent_id=root.span_id,
        name=f"{names.EXECUTE_TOOL} {cut(step.name)}",
        start_ns=step.start_ns,
        end_ns=step.end_ns,
        attributes={
            names.OPERATION: names.EXECUTE_TOOL,
            names.TOOL_NAME: cut(step.name),
            names.TOOL_CALL: step.id,
            names.TOOL_ARGUMENTS: cut(step.arguments),
            **result,
        },
        error=step.error,
    )


def _chat_span(root: Span, identity: RunIdentity, chat: ChatStep, prompt: Mapping[str, Any], *, number: int, step: int) -> Span:
    """`number` is its place among all calls, `step` which call of the model it is where there are several."""
    applied = identity.provider.startswith(names.APPLICATION)
    operation = names.INVOKE_AGENT if applied else names.CHAT
    known = {
        names.STEP: step or None,
        names.INPUT_MESSAGES: chat.input_messages or None,
        names.OUTPUT_MESSAGES: chat.output_messages or None,
        names.FIRST_CHUNK: chat.ttft_seconds,
        names.RESPONSE_MODEL: chat.model or None,
        names.ENGINE: chat.engine or None,
        names.FINISH_REASONS: (chat.finish_reason,) if chat.finish_reason else None,
        names.INPUT_TOKENS: chat.input_tokens,
        names.OUTPUT_TOKENS: chat.output_tokens,
        names.CACHED_INPUT_TOKENS: chat.cached_input_tokens,
        names.REASONING_TOKENS: chat.reasoning_tokens,
        names.COST_USD: chat.cost_usd,
    }
    return Span(
        trace_id=root.trace_id,
        span_id=_span_id(root.trace_id, f"{names.CHAT}/{number}" if number else names.CHAT),
        parent_id=root.span_id,
        name=f"{operation} {identity.provider.removeprefix(names.APPLICATION) if applied else identity.model}",
        kind="client",
        start_ns=chat.start_ns,
        end_ns=chat.end_ns,
        attributes={
            names.OPERATION: operation,
            names.PROVIDER: identity.provider,
            names.REQUEST_MODEL: identity.model,
            names.CACHED: chat.cached,
            **prompt,
            **{name: value for name, value in known.items() if value is not None},
        },
        error=chat.error,
    )


def _span_id(trace_id: str, step: str) -> str:
    return hashlib.sha256(f"{trace_id}/{step}".encode()).hexdigest()[:16]
