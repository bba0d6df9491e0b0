"""Builds the spans of one sample: the whole request, the retrieval in it and the call to the model.

Ids are computed from what the sample is, so the same run written twice has the same ids. No prompt and no reply is in a
span: the run folder holds the replies, and `render --case` shows the messages. Tokens and cost stand only on the call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSteps:
    """What happened to one sample. `chat` is None when no call was made; `scores` holds what was measured."""

    case: str
    repeat: int
    start_ns: int
    end_ns: int
    retrieval: RetrievalStep | None = None
    chat: ChatStep | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
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
        | {names.SCORE_PREFIX + name: value for name, value in steps.scores.items()},
        error=steps.error,
    )
    spans = [root]
    if steps.retrieval is not None:
        spans.append(_retrieval_span(root, steps.retrieval))
    if steps.chat is not None:
        spans.append(_chat_span(root, identity, steps.chat, prompt))
    return tuple(spans)


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
            names.DOCUMENTS: tuple({"id": document, "score": score} for document, score in step.documents),
        },
    )


def _chat_span(root: Span, identity: RunIdentity, step: ChatStep, prompt: Mapping[str, Any]) -> Span:
    known = {
        names.RESPONSE_MODEL: step.model or None,
        names.ENGINE: step.engine or None,
        names.FINISH_REASONS: (step.finish_reason,) if step.finish_reason else None,
        names.INPUT_TOKENS: step.input_tokens,
        names.OUTPUT_TOKENS: step.output_tokens,
        names.CACHED_INPUT_TOKENS: step.cached_input_tokens,
        names.REASONING_TOKENS: step.reasoning_tokens,
        names.COST_USD: step.cost_usd,
    }
    return Span(
        trace_id=root.trace_id,
        span_id=_span_id(root.trace_id, names.CHAT),
        parent_id=root.span_id,
        name=f"{names.CHAT} {identity.model}",
        kind="client",
        start_ns=step.start_ns,
        end_ns=step.end_ns,
        attributes={
            names.OPERATION: names.CHAT,
            names.PROVIDER: identity.provider,
            names.REQUEST_MODEL: identity.model,
            names.CACHED: step.cached,
            **prompt,
            **{name: value for name, value in known.items() if value is not None},
        },
        error=step.error,
    )


def _span_id(trace_id: str, step: str) -> str:
    return hashlib.sha256(f"{trace_id}/{step}".encode()).hexdigest()[:16]
