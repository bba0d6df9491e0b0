"""What the store keeps of a span as columns, and how a span becomes a row and a row a span again.

Everything that metrics group, filter or sum by is a column; the rest, and the content, is one JSON object. Other writers' names
for the same things are read too: the GenAI conventions moved, and moved on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from llmops_git.monitoring.texts import asked_in, replied_in
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

COLUMNS: dict[str, str] = {  # name -> type in DuckDB, in the order of the view; `dt` is the folder's
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "parent_id": "VARCHAR",
    "name": "VARCHAR",
    "operation": "VARCHAR",
    "root": "BOOLEAN",
    "ts": "TIMESTAMP",
    "start_ns": "BIGINT",
    "duration_ms": "DOUBLE",
    "error": "VARCHAR",
    "service": "VARCHAR",
    "environment": "VARCHAR",
    "config": "VARCHAR",
    "release": "VARCHAR",
    "digest": "VARCHAR",
    "user_id": "VARCHAR",
    "feature": "VARCHAR",
    "conversation_id": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "response_model": "VARCHAR",
    "finish_reason": "VARCHAR",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cached_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "cost_usd": "DOUBLE",
    "ttft_ms": "DOUBLE",
    "pack": "VARCHAR",
    "pack_version": "VARCHAR",
    "rule": "VARCHAR",
    "guard_side": "VARCHAR",
    "guard_result": "VARCHAR",
    "tool": "VARCHAR",
    "signal": "VARCHAR",
    "signal_value": "DOUBLE",
    "scorer": "VARCHAR",
    "score": "DOUBLE",
    "score_label": "VARCHAR",
    "eval_digest": "VARCHAR",
    "weight": "DOUBLE",
    "input_text": "VARCHAR",
    "output_text": "VARCHAR",
    "attributes": "VARCHAR",
}
INHERITED = ("config", "release", "digest", "user_id", "feature", "environment", "conversation_id", "weight")  # from the root
NOTE = "llmops.ingest.note"  # what was set right when the span was read in
KIND = "span.kind"  # only where it is not what the operation says
SERVER_KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}

_HUGE = 1e300
_CALLS = names.BILLED | {names.INVOKE_AGENT}  # what is of the kind `client`
_OPERATION_OF_KIND = {  # OpenInference
    "LLM": names.CHAT,
    "EMBEDDING": names.EMBEDDINGS,
    "RETRIEVER": names.RETRIEVAL,
    "TOOL": names.EXECUTE_TOOL,
    "GUARDRAIL": names.APPLY_GUARDRAIL,
    "AGENT": names.INVOKE_AGENT,
}
_NAME_OF: dict[str, str] = {  # column -> the attribute that fills it
    "environment": names.ENVIRONMENT,
    "config": names.PROMPT_NAME,
    "release": names.PROMPT_VERSION,
    "digest": names.CONFIG_DIGEST,
    "user_id": names.USER,
    "feature": names.FEATURE,
    "conversation_id": names.CONVERSATION,
    "provider": names.PROVIDER,
    "model": names.REQUEST_MODEL,
    "response_model": names.RESPONSE_MODEL,
    "tool": names.TOOL_NAME,
    "pack": names.GUARD_PACK,
    "pack_version": names.GUARD_VERSION,
    "rule": names.GUARD_RULE,
    "guard_side": names.GUARD_SIDE,
    "guard_result": names.GUARD_RESULT,
    "signal": names.SIGNAL,
    "signal_value": names.SIGNAL_VALUE,
    "scorer": names.EVALUATION_NAME,
    "score": names.EVALUATION_SCORE,
    "score_label": names.EVALUATION_LABEL,
    "eval_digest": names.EVAL_DIGEST,
    "weight": names.SAMPLE_WEIGHT,
    "operation": names.OPERATION,
    "error": names.ERROR_TYPE,
}
_NAME_OF_BILLED = {  # tokens and money count where they were spent, and nowhere above it
    "input_tokens": names.INPUT_TOKENS,
    "output_tokens": names.OUTPUT_TOKENS,
    "cached_tokens": names.CACHED_INPUT_TOKENS,
    "reasoning_tokens": names.REASONING_TOKENS,
    "cost_usd": names.COST_USD,
}
_OTHER_NAMES = {  # what others, and others before, call it
    "gen_ai.system": "provider",
    "llm.provider": "provider",
    "llm.model_name": "model",
    "enduser.id": "user_id",
    "session.id": "conversation_id",
    "deployment.environment": "environment",
    "tool.name": "tool",
}
_OTHER_NAMES_BILLED = {
    "gen_ai.usage.prompt_tokens": "input_tokens",
    "gen_ai.usage.completion_tokens": "output_tokens",
    "llm.token_count.prompt": "input_tokens",
    "llm.token_count.completion": "output_tokens",
    "gen_ai.usage.cost": "cost_usd",
    "gen_ai.usage.cost.amount": "cost_usd",
    "llm.cost.total": "cost_usd",
}


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value
    return str(value) if type(value) in {int, float} else None


def _whole(value: Any) -> int | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def _number(value: Any) -> float | None:
    # a number that is not finite compares with nothing: it stays where it cannot be summed
    return float(value) if type(value) in {int, float} and -_HUGE < value < _HUGE else None


_READERS: dict[str, Callable[[Any], Any]] = {"VARCHAR": _text, "BIGINT": _whole, "DOUBLE": _number}
_COLUMN_OF = {name: column for column, name in _NAME_OF.items()} | _OTHER_NAMES
_COLUMN_OF_BILLED = _COLUMN_OF | {name: column for column, name in _NAME_OF_BILLED.items()} | _OTHER_NAMES_BILLED
TEXT_COLUMN_OF = {name: column for name, column in _COLUMN_OF.items() if COLUMNS[column] == "VARCHAR"}
_FREE, _BILLED = (
    {name: (column, _READERS[COLUMNS[column]]) for name, column in columns.items()}
    for columns in (_COLUMN_OF, _COLUMN_OF_BILLED)
)
_ENVIRONMENTS = (names.ENVIRONMENT, "deployment.environment")


def row_of(span: Span, resource_attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The row of a span: every column of the view, `dt` and `ts` as texts. What its trace's root would add is not in it."""
    sparse = sparse_row(span, resource_columns(resource_attributes or {}))
    moment = datetime.fromtimestamp(span.start_ns // 1_000_000_000, tz=UTC)
    empty = {column: "" if kind == "VARCHAR" else None for column, kind in COLUMNS.items()}
    filled = {
        **empty,
        "root": span_is_root(sparse),
        "ts": f"{moment:%Y-%m-%d %H:%M:%S}.{span.start_ns // 1000 % 1_000_000:06}",
        "weight": 1.0,
        **sparse,
        "attributes": json.dumps(sparse.get("attributes", {}), ensure_ascii=False, separators=(",", ":")),
    }
    return {"dt": f"{moment:%Y-%m-%d}", **filled}


def span_is_root(row: Mapping[str, Any]) -> bool:
    """Whether a row is a request, as far as it can tell alone: a trace without `invoke_workflow` begins at its first span."""
    return row.get("operation") == names.INVOKE_WORKFLOW or not row.get("parent_id")


def resource_columns(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that come from the process: its service and environment, and under `attributes` what else it said."""
    columns: dict[str, Any] = {}
    if service := _text(resource.get(names.SERVICE_NAME)):
        columns["service"] = service
    for name in _ENVIRONMENTS:
        if environment := _text(resource.get(name)):
            columns.setdefault("environment", environment)
    others = {
        name: value
        for name, value in resource.items()
        if name not in {names.SERVICE_NAME, *_ENVIRONMENTS} and not name.startswith("telemetry.")
    }
    if others:
        columns["attributes"] = {"resource": others}
    return columns


def sparse_row(span: Span, process: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a span that are not empty, `attributes` as a mapping; without those that follow from others."""
    row = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "start_ns": span.start_ns,
        "duration_ms": (span.end_ns - span.start_ns) / 1e6,
    }
    if span.error:
        row["error"] = span.error
    return filled(row, span.attributes, process)


def filled(row: dict[str, Any], found: Mapping[str, Any], process: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the columns that the attributes of its span, and of the process, fill; what fills none is in `attributes`."""
    rest: dict[str, Any] = {}
    others: list[tuple[str, Any]] = []
    for name, value in found.items():
        if type(value) is not str:
            others.append((name, value))
        elif (column := TEXT_COLUMN_OF.get(name)) is None or column in row:
            rest[name] = value
        else:
            row[column] = value
    return completed(row, rest, others, process)


def completed(
    row: dict[str, Any], rest: dict[str, Any], others: Iterable[tuple[str, Any]], process: Mapping[str, Any]
) -> dict[str, Any]:
    """A row whose texts are in their columns or in `rest`, with the other attributes and with what follows from all of them."""
    operation = row.get("operation")
    if operation is None and (kind := rest.get("openinference.span.kind")) in _OPERATION_OF_KIND:
        operation = row["operation"] = _OPERATION_OF_KIND[kind]
    columns = _BILLED if operation in names.BILLED else _FREE
    for name, value in others:
        if (taken := columns.get(name)) is None or taken[0] in row or (read := taken[1](value)) is None:
            rest[name] = value
        else:
            row[taken[0]] = read
    for name, value in process.items():
        if name not in row:
            row[name] = value
    if "attributes" in process:
        rest.update(process["attributes"])
    row["attributes"] = rest
    if operation in _CALLS:
        if names.FINISH_REASONS in rest:
            _add_reason(row, rest)
        if names.FIRST_CHUNK in rest and (seconds := _number(rest[names.FIRST_CHUNK])) is not None:
            row["ttft_ms"] = seconds * 1000
        row.update(_texts(rest))
    return row


def _add_reason(row: dict[str, Any], rest: dict[str, Any]) -> None:
    reasons = rest[names.FINISH_REASONS]
    first = reasons[0] if isinstance(reasons, list | tuple) and reasons else reasons
    if isinstance(first, str):
        row["finish_reason"] = first
        if reasons == (first,):
            del rest[names.FINISH_REASONS]


def _texts(rest: Mapping[str, Any]) -> dict[str, str]:
    """What was asked and replied, for people and for drift: cut, the whole stays in `attributes`."""
    asked = asked_in(rest.get(names.INPUT_MESSAGES, rest.get("input.value")))
    replied = replied_in(rest.get(names.OUTPUT_MESSAGES, rest.get("output.value")))
    return {column: text for column, text in (("input_text", asked), ("output_text", replied)) if text}


def span_of_row(row: Mapping[str, Any]) -> Span:
    """The span of a row of the view: its columns are attributes again, under today's names."""
    rest = _frozen(json.loads(row["attributes"])) if row["attributes"] else {}
    attributes: dict[str, Any] = {}
    for column, name in (_NAME_OF | _NAME_OF_BILLED).items():
        value = row[column]
        if value not in {None, ""} and column not in {"error", "weight"}:
            attributes[name] = value
    if row["weight"] != 1:
        attributes[names.SAMPLE_WEIGHT] = row["weight"]
    if row["finish_reason"]:
        attributes[names.FINISH_REASONS] = (row["finish_reason"],)
    if row["service"]:
        attributes[names.SERVICE_NAME] = row["service"]
    attributes |= rest
    kind = attributes.pop(KIND, "client" if row["operation"] in _CALLS else "internal")
    return Span(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_id=row["parent_id"],
        name=row["name"],
        kind="client" if kind == "client" else "internal",
        start_ns=row["start_ns"],
        end_ns=row["start_ns"] + round(row["duration_ms"] * 1e6),
        attributes=attributes,
        error=row["error"],
    )


def _frozen(value: Any) -> Any:
    """Lists of attributes are tuples."""
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
