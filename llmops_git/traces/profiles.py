"""Export profiles: the attributes of a span as one receiver shows them best. Pure functions from a span to attributes.

`otel` is OpenTelemetry's own names and nothing else; each other profile adds to them. What each receiver does with a span was
seen in the running product where `docs/runtime.md` says so, else read in its documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span
from llmops_git.traces.tree import said_in

Profile = Callable[[Span], Mapping[str, Any]]

_KINDS = {
    names.INVOKE_WORKFLOW: "CHAIN",
    names.INVOKE_AGENT: "AGENT",
    names.RETRIEVAL: "RETRIEVER",
    names.EMBEDDINGS: "EMBEDDING",
    names.EXECUTE_TOOL: "TOOL",
    names.APPLY_GUARDRAIL: "GUARDRAIL",
    names.EVALUATE: "EVALUATOR",
}
_OBSERVATIONS = {
    "CHAIN": "chain", "AGENT": "agent", "RETRIEVER": "retriever", "EMBEDDING": "embedding", "TOOL": "tool",
    "GUARDRAIL": "guardrail", "EVALUATOR": "evaluator", "LLM": "generation",
}  # fmt: skip


def profile_of(name: str) -> Profile:
    """The profile of this name. Raises KeyError when there is none."""
    return PROFILES[name]


def otel(span: Span) -> Mapping[str, Any]:
    """OpenTelemetry's names, with structures as they are."""
    return span.attributes


def openinference(span: Span) -> Mapping[str, Any]:
    """Kinds, inputs and outputs by the names of OpenInference, which Phoenix, MLflow, Langfuse and Datadog read."""
    kind = kind_of(span)
    said, answered = input_of(span), output_of(span)
    added: dict[str, Any] = {"openinference.span.kind": kind}
    for name, value in (("input", said), ("output", answered)):
        if value is not None:
            added[f"{name}.value"], added[f"{name}.mime_type"] = value
    added |= _renamed(
        span,
        {
            names.CONVERSATION: "session.id",
            names.REQUEST_MODEL: "llm.model_name",
            names.INPUT_TOKENS: "llm.token_count.prompt",
            names.OUTPUT_TOKENS: "llm.token_count.completion",
            names.CACHED_INPUT_TOKENS: "llm.token_count.prompt_details.cache_read",
            names.REASONING_TOKENS: "llm.token_count.completion_details.reasoning",
            names.COST_USD: "llm.cost.total",
            names.PROMPT_NAME: "llm.prompt_template.name",
            names.PROMPT_VERSION: "llm.prompt_template.version",
            names.TOOL_NAME: "tool.name",
        },
    )
    if kind == "RETRIEVER":
        added |= _documents(span)
    return {**span.attributes, **added}


def langfuse(span: Span) -> Mapping[str, Any]:
    """What Langfuse reads besides: the time of the first token as a moment, costs, release and version as texts."""
    added: dict[str, Any] = {"langfuse.observation.type": _OBSERVATIONS.get(kind_of(span), "span")}
    first = span.attributes.get(names.FIRST_CHUNK)
    if isinstance(first, int | float):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=span.start_ns // 1000 + first * 1e6)
        added["langfuse.observation.completion_start_time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    cost = span.attributes.get(names.COST_USD)
    if cost is not None:
        added["gen_ai.usage.cost"] = cost
        added["langfuse.observation.cost_details"] = json.dumps({"total": cost})
    added |= _renamed(
        span,
        {
            names.PROMPT_VERSION: "langfuse.version",
            names.ENVIRONMENT: "langfuse.environment",
            names.CONVERSATION: "langfuse.session.id",
            names.USER: "langfuse.user.id",
        },
    )
    if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW:
        added["langfuse.trace.name"] = span.attributes.get(names.PROMPT_NAME, span.name)
        added |= _renamed(span, {names.PROMPT_VERSION: "langfuse.release"})
    return {**openinference(span), **added}


def mlflow(span: Span) -> Mapping[str, Any]:
    """What MLflow reads: OpenInference's names, and its own for what they do not say."""
    kind = kind_of(span)
    added = {"mlflow.spanType": json.dumps("CHAT_MODEL" if kind == "LLM" else kind)}
    cost = span.attributes.get(names.COST_USD)
    if cost is not None:
        added["mlflow.llm.cost"] = json.dumps({"total_cost": cost})
    return {**openinference(span), **added}


def langsmith(span: Span) -> Mapping[str, Any]:
    """What LangSmith reads: its own names for kinds, sessions and metadata."""
    kinds = {"RETRIEVER": "retriever", "TOOL": "tool", "LLM": "llm", "EMBEDDING": "embedding"}
    added: dict[str, Any] = {"langsmith.span.kind": kinds.get(kind_of(span), "chain"), "langsmith.trace.name": span.name}
    added |= _renamed(
        span,
        {
            names.CONVERSATION: "langsmith.metadata.session_id",
            names.USER: "langsmith.metadata.user_id",
            names.PROMPT_NAME: "langsmith.metadata.prompt_name",
            names.PROMPT_VERSION: "langsmith.metadata.prompt_version",
            names.FEATURE: "langsmith.metadata.feature",
            names.ENVIRONMENT: "langsmith.metadata.environment",
            names.CONFIG_DIGEST: "langsmith.metadata.config_digest",
            names.COST_USD: "gen_ai.usage.cost",
        },
    )
    return {**openinference(span), **added}


PROFILES: Mapping[str, Profile] = {
    "otel": otel,
    "openinference": openinference,
    "langfuse": langfuse,
    "mlflow": mlflow,
    "langsmith": langsmith,
}


def answers_of(spans: Iterable[Span]) -> Mapping[str, str]:
    """The id of each root -> the text that the last call to a model in its trace gave, where that was captured: receivers list
    traces by what went into their roots and came out of them."""
    spans = tuple(spans)
    roots = {span.trace_id: span.span_id for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW}
    found: dict[str, str] = {}
    for span in sorted(spans, key=lambda span: span.end_ns):
        if kind_of(span) == "LLM" and span.trace_id in roots:
            said = "".join(part.text for part in said_in(span.attributes.get(names.OUTPUT_MESSAGES)) if not part.call)
            if said:
                found[roots[span.trace_id]] = said
    return found


def with_answer(attributes: Mapping[str, Any], answer: str | None) -> Mapping[str, Any]:
    """A root's attributes with what came out of its trace, by the names that the profile uses for that."""
    if answer is None or "openinference.span.kind" not in attributes or "output.value" in attributes:
        return attributes
    value, kind = _text(answer)
    return {**attributes, "output.value": value, "output.mime_type": kind}


def kind_of(span: Span) -> str:
    """What a span is, in the words of OpenInference."""
    operation = span.attributes.get(names.OPERATION)
    return "LLM" if operation in names.BILLED - {names.EMBEDDINGS} else _KINDS.get(str(operation), "CHAIN")


def input_of(span: Span) -> tuple[str, str] | None:
    """What went into a step, as text, and its media type; None where that was not captured."""
    found = span.attributes
    operation = found.get(names.OPERATION)
    if operation == names.INVOKE_WORKFLOW:
        prefix = names.VARIABLE_PREFIX
        inputs = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
        if len(inputs) == 1:
            return _text(next(iter(inputs.values())))
        return _text(inputs) if inputs else None
    keys = {names.RETRIEVAL: names.QUERY, names.EXECUTE_TOOL: names.TOOL_ARGUMENTS}
    value = found.get(keys.get(str(operation), names.INPUT_MESSAGES))
    return None if value is None else _text(value)


def output_of(span: Span) -> tuple[str, str] | None:
    """What came out of a step, as `input_of`."""
    found = span.attributes
    operation = found.get(names.OPERATION)
    keys = {
        names.RETRIEVAL: names.DOCUMENTS, names.EXECUTE_TOOL: names.TOOL_RESULT, names.APPLY_GUARDRAIL: names.GUARD_RESULT,
        names.GIVE_SIGNAL: names.SIGNAL,
    }  # fmt: skip
    value = found.get(keys.get(str(operation), names.OUTPUT_MESSAGES))
    return None if value is None else _text(value)


def _text(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return value, "application/json" if value[:1] in "[{" and _is_json(value) else "text/plain"
    return json.dumps(value, ensure_ascii=False, default=str), "application/json"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _renamed(span: Span, pairs: Mapping[str, str]) -> dict[str, Any]:
    return {new: span.attributes[old] for old, new in pairs.items() if span.attributes.get(old) is not None}


def _documents(span: Span) -> dict[str, Any]:
    added: dict[str, Any] = {}
    for number, document in enumerate(span.attributes.get(names.DOCUMENTS) or ()):
        place = f"retrieval.documents.{number}.document"
        for old, new in (("id", "id"), ("content", "content"), ("score", "score")):
            if isinstance(document, Mapping) and document.get(old) is not None:
                added[f"{place}.{new}"] = document[old]
    return added
