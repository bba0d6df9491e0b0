"""What to say of one step of a trace, whatever it is shown in: its name, its figures, and its texts with their labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span
from llmops_git.traces.tree import said_in

_MILLISECOND, _SECOND = 1_000_000, 1_000_000_000
_LONGEST = 1e6  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A text of a step. `label` says whose, or what; what the step was `given` another step, or the config, has made."""

    label: str
    text: str
    given: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One step in words."""

    name: str
    facts: tuple[str, ...]
    blocks: tuple[Block, ...]


def told_of(span: Span) -> Told:
    """The words for a span, ours or an application's. They are not cleaned: whoever shows them does that."""
    found = span.attributes
    step = found.get(names.STEP)
    result = found.get(names.GUARD_RESULT)
    return Told(
        name=(f"step {step}: " if step else "") + span.name + (f": {result}" if result else ""),
        facts=tuple(_facts(span)),
        blocks=tuple(block for block in _blocks(found) if block.text),
    )


def _facts(span: Span) -> Iterator[str]:
    found = span.attributes
    yield _duration(span.end_ns - span.start_ns)
    read, written = found.get(names.INPUT_TOKENS), found.get(names.OUTPUT_TOKENS)
    if read is not None or written is not None:
        yield f"{_count(read)} → {_count(written)} tokens"
    if isinstance(cost := found.get(names.COST_USD), int | float):
        yield f"${cost:.6f}"
    if isinstance(waited := found.get(names.FIRST_CHUNK), int | float) and 0 <= waited < _LONGEST:
        yield f"first token after {_duration(int(waited * _SECOND))}"
    if isinstance(reasons := found.get(names.FINISH_REASONS), list | tuple):
        yield ", ".join(map(str, reasons))
    if found.get(names.CACHED):
        yield "from the cache"
    if names.TOOL_NAME in found:
        yield _result_from(found)
    for name in (names.PROMPT_VERSION, names.FEATURE, names.USER):
        if found.get(names.OPERATION) == names.INVOKE_WORKFLOW and found.get(name) and names.RUN_ID not in found:
            yield str(found[name])
    if isinstance(value := found.get(names.SIGNAL_VALUE, found.get(names.EVALUATION_SCORE)), int | float):
        yield f"{value:g}"
    if label := found.get(names.EVALUATION_LABEL):
        yield str(label)
    if span.error:
        yield f"failed: {span.error}"


def _result_from(found: Mapping[str, Any]) -> str:
    if names.TOOL_RESULT not in found:
        return "" if names.PROMPT_NAME in found else "no result"  # live, results are recorded only with content
    return {True: "recorded", False: "from a stub"}.get(found.get(names.RECORDED, ""), "")


def _blocks(found: Mapping[str, Any]) -> Iterator[Block]:
    for name, value in found.items():
        if name.startswith(names.VARIABLE_PREFIX):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            yield Block(label=f"input {name.removeprefix(names.VARIABLE_PREFIX)}", text=text, given=True)
    if query := found.get(names.QUERY):
        yield Block(label="query", text=str(query))
    documents = found.get(names.DOCUMENTS)
    for number, document in enumerate(documents if isinstance(documents, list | tuple) else (), start=1):
        if isinstance(document, Mapping):
            score = document.get("score")
            shown = f"{score:.3f}" if isinstance(score, int | float) else "?"
            yield Block(
                label=f"{number}. {shown} {document.get('id', '')}", text=str(document.get("content", "")) or "(no text)"
            )
    for part in said_in(found.get(names.INPUT_MESSAGES)):
        yield Block(label=part.who, text=f"{part.call}({part.text})" if part.call else part.text, given=True)
    for part in said_in(found.get(names.OUTPUT_MESSAGES)):
        yield Block(label="calls" if part.call else "answers", text=f"{part.call}({part.text})" if part.call else part.text)
    for label, name in (
        ("arguments", names.TOOL_ARGUMENTS),
        ("result", names.TOOL_RESULT),
        ("input", names.STEP_INPUT),
        ("output", names.STEP_OUTPUT),
        ("because", names.GUARD_REASON),
        ("comment", names.SIGNAL_COMMENT),
        ("because", names.EVALUATION_REASON),
    ):
        if name in found:
            yield Block(label=label, text=str(found[name]))
    scores = [
        f"{name.removeprefix(names.SCORE_PREFIX)} {value:g}" if isinstance(value, int | float) else name
        for name, value in found.items()
        if name.startswith(names.SCORE_PREFIX) and name != names.SCORED_AT
    ]
    if scores:
        yield Block(label="scores", text=", ".join(scores))
    for name, value in found.items():
        if name.startswith(names.REASON_PREFIX):
            yield Block(label=f"why {name.removeprefix(names.REASON_PREFIX)}", text=str(value))


def _duration(nanoseconds: int) -> str:
    if nanoseconds < _SECOND:
        return f"{nanoseconds / _MILLISECOND:.0f} ms"
    return f"{nanoseconds / _SECOND:.2f} s"


def _count(tokens: Any) -> str:
    return f"{tokens:,}" if isinstance(tokens, int) else "?"
