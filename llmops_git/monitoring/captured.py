"""What a live request's trace holds of it: what a case needs so that it can be asked again. Pure.

It fails closed. A text that was cut, or a list of which the rest was left out, would be another question, and the answer to
another question says nothing about this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.monitoring.texts import replied_in
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

MOST_OBSERVED = 4_000  # characters of what was answered that a case keeps
_MOST_ITEMS = 200  # of a list: the runtime writes no more, and a list that long may have been longer
_CUT = re.compile(r"… \([\d,]+ more characters\)\Z")
_LEFT_OUT = "…"  # what stands for parts for which there was no room
_CALLS = names.BILLED - {names.EMBEDDINGS}

NOT_CAPTURED = "its inputs were not captured (content is off)"
CUT = "its texts were too long to be captured whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A request as a case holds it. `documents` is None where nothing was retrieved, `tools` where no tool was called;
    `observed` is the answer, `comments` is what users wrote about it, `redacted` says that the texts were when they were
    recorded."""

    inputs: Mapping[str, Any]
    documents: tuple[dict[str, Any], ...] | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    observed: str = ""
    comments: tuple[str, ...] = ()
    redacted: bool = False


def captured_in(spans: Sequence[Span]) -> Captured | str:
    """What the spans of one trace hold; or, in words, why that is no case."""
    root = next((span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW), None)
    if root is None:
        return "its trace has no request at its root"
    inputs = {
        name.removeprefix(names.VARIABLE_PREFIX): _plain(value)
        for name, value in root.attributes.items()
        if name.startswith(names.VARIABLE_PREFIX)
    }
    if not inputs and str(root.attributes.get(names.CONTENT, "off")) == "off":
        return NOT_CAPTURED
    documents, tools = _documents(spans), _tools(spans)
    if any(_is_cut(value) for value in (inputs, documents, tools)):
        return CUT
    return Captured(
        inputs=inputs,
        documents=documents,
        tools=tools,
        observed=str(_plain(_observed(spans)[:MOST_OBSERVED])),
        comments=tuple(
            str(_plain(said)) for span in spans if isinstance(said := span.attributes.get(names.SIGNAL_COMMENT), str)
        ),
        redacted=root.attributes.get(names.CONTENT) == "redacted",
    )


def _plain(value: Any) -> Any:
    """A value as JSON has it; half a character, which no file can hold, as a question mark."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_cut(value: Any) -> bool:
    if isinstance(value, str):
        return value == _LEFT_OUT or bool(_CUT.search(value))
    if isinstance(value, Mapping):
        return len(value) >= _MOST_ITEMS or any(_is_cut(item) for item in value.values())
    return isinstance(value, list | tuple) and (len(value) >= _MOST_ITEMS or any(_is_cut(item) for item in value))


def _operation(span: Span) -> str:
    return str(span.attributes.get(names.OPERATION, ""))


def _documents(spans: Sequence[Span]) -> tuple[dict[str, Any], ...] | None:
    """The documents that were found, in the form of a case; those without their text are left out."""
    retrievals = [span for span in spans if _operation(span) == names.RETRIEVAL]
    if not retrievals:
        return None
    found: list[dict[str, Any]] = []
    for span in retrievals:
        for item in _list(span.attributes.get(names.DOCUMENTS)):
            text = item.get("content", item.get("text")) if isinstance(item, Mapping) else None
            if not isinstance(item, Mapping) or not isinstance(text, str):
                continue
            document: dict[str, Any] = {"id": str(_plain(item.get("id", len(found) + 1))), "text": _plain(text)}
            score = item.get("score")
            if isinstance(score, int | float) and not isinstance(score, bool):
                document["score"] = score
            found.append(document)
    return tuple(found) or None


def _tools(spans: Sequence[Span]) -> tuple[dict[str, Any], ...] | None:
    """The calls of tools with what they gave back, in their order."""
    found = []
    for span in spans:
        name, result = span.attributes.get(names.TOOL_NAME), span.attributes.get(names.TOOL_RESULT)
        if _operation(span) != names.EXECUTE_TOOL or not isinstance(name, str) or not name or result is None:
            continue
        row: dict[str, Any] = {"name": name}
        arguments = _json(span.attributes.get(names.TOOL_ARGUMENTS))
        if isinstance(arguments, Mapping):
            row["arguments"] = _plain(arguments)
        found.append({**row, "result": _plain(result)})
    return tuple(found) or None


def _observed(spans: Sequence[Span]) -> str:
    """What the last call of the model said."""
    replies = [span.attributes.get(names.OUTPUT_MESSAGES) for span in spans if _operation(span) in _CALLS]
    said = [replied_in(reply) for reply in replies if reply]
    return said[-1] if said else ""


def _list(value: Any) -> Sequence[Any]:
    read = _json(value)
    return read if isinstance(read, list | tuple) else ()


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
