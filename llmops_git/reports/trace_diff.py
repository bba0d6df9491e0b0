"""What differs between two requests, step by step: which steps there are, what each was given, found, said, took and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from llmops_git.reports.step_words import Block, told_of
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span
from llmops_git.traces.tree import Node, trees_of

MOST_STEPS = 400  # of one request
_ABOUT = (  # what a request is said to be: label -> attribute of its root
    ("config", names.PROMPT_NAME),
    ("release", names.PROMPT_VERSION),
    ("digest", names.CONFIG_DIGEST),
    ("environment", names.ENVIRONMENT),
    ("feature", names.FEATURE),
    ("user", names.USER),
)
_FIELDS = (  # of a step: what is compared value by value
    ("model", names.REQUEST_MODEL),
    ("answered by", names.RESPONSE_MODEL),
    ("finish reason", names.FINISH_REASONS),
    ("result", names.GUARD_RESULT),
    ("rule version", names.GUARD_VERSION),
    ("score", names.EVALUATION_SCORE),
    ("top_k", names.TOP_K),
)
_FIGURES = (
    ("input tokens", names.INPUT_TOKENS),
    ("output tokens", names.OUTPUT_TOKENS),
    ("cost", names.COST_USD),
    ("first token", names.FIRST_CHUNK),
)

Kind = Literal["same", "changed", "only before", "only after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number on both sides; None where nobody knows."""

    label: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text, or a value, that differs; "" where there is none."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDifference:
    """One step. `texts` are those that differ, documents among them; `figures` are all that are known on a side."""

    name: str
    kind: Kind
    texts: tuple[Text, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two requests. `first` is the place in `steps` of the first one that did something else, None where none did."""

    before: str
    after: str
    about: tuple[Text, ...]
    figures: tuple[Figure, ...]
    steps: tuple[StepDifference, ...]
    first: int | None


def compare_traces(before: Sequence[Span], after: Sequence[Span]) -> Difference:
    """The difference of two requests. Their order of steps counts, their times do not."""
    old, new = (tuple(_steps(trees_of(side)))[:MOST_STEPS] for side in (before, after))
    steps = tuple(_paired(old, new))
    acted = [number for number, step in enumerate(steps) if step.kind != "same" and _acted(step)]
    # the request as a whole fails because a step of it did
    first = next((number for number in acted if not steps[number].name.startswith(names.INVOKE_WORKFLOW)), None)
    return Difference(
        before=before[0].trace_id,
        after=after[0].trace_id,
        about=tuple(_about(_root(before), _root(after))),
        figures=tuple(_totals(before, after)),
        steps=steps,
        first=acted[0] if acted and first is None else first,
    )


def _steps(roots: Sequence[Node]) -> Iterator[Span]:
    for node in roots:
        yield node.span
        yield from _steps(node.below)


def _root(spans: Sequence[Span]) -> Mapping[str, Any]:
    found = next((span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW), spans[0])
    return found.attributes


def _about(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Text]:
    for label, name in _ABOUT:
        old, new = str(before.get(name, "")), str(after.get(name, ""))
        if old or new:
            yield Text(label=label, before=old, after=new)


def _totals(before: Sequence[Span], after: Sequence[Span]) -> Iterator[Figure]:
    """Sums over the calls, and how long the whole took."""
    yield Figure(label="seconds", before=_lasted(before), after=_lasted(after))
    for label, name in _FIGURES[:3]:
        old, new = _sum(before, name), _sum(after, name)
        if old is not None or new is not None:
            yield Figure(label=label, before=old, after=new)


def _lasted(spans: Sequence[Span]) -> float:
    found = next((span for span in spans if span.attributes.get(names.OPERATION) == names.INVOKE_WORKFLOW), spans[0])
    return (found.end_ns - found.start_ns) / 1e9


def _sum(spans: Sequence[Span], name: str) -> float | None:
    known = [
        value
        for span in spans
        if span.attributes.get(names.OPERATION) in names.BILLED and (value := _number(span.attributes.get(name))) is not None
    ]
    return sum(known) if known else None


def _paired(before: Sequence[Span], after: Sequence[Span]) -> Iterator[StepDifference]:
    """Steps of the same name beside each other, in order; where names differ, those of the same operation."""
    keys = [[_key(span) for span in side] for side in (before, after)]
    for tag, first, last, start, end in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if tag == "equal" or (
            tag == "replace" and last - first == end - start and _alike(before[first:last], after[start:end])
        ):
            for old, new in zip(before[first:last], after[start:end], strict=True):
                yield _step(old, new)
            continue
        yield from (_alone(span, "only before") for span in before[first:last])
        yield from (_alone(span, "only after") for span in after[start:end])


def _key(span: Span) -> tuple[str, str]:
    return str(span.attributes.get(names.OPERATION, "")), span.name


def _alike(before: Sequence[Span], after: Sequence[Span]) -> bool:
    return all(_key(old)[0] == _key(new)[0] != "" for old, new in zip(before, after, strict=True))


def _step(before: Span, after: Span) -> StepDifference:
    texts = tuple(_texts(before, after))
    name = before.name if before.name == after.name else f"{before.name} → {after.name}"
    changed = bool(texts) or before.name != after.name
    return StepDifference(name=name, kind="changed" if changed else "same", texts=texts, figures=tuple(_figures(before, after)))


def _alone(span: Span, kind: Kind) -> StepDifference:
    old, new = (span, None) if kind == "only before" else (None, span)
    return StepDifference(name=told_of(span).name, kind=kind, texts=tuple(_texts(old, new)), figures=tuple(_figures(old, new)))


def _texts(before: Span | None, after: Span | None) -> Iterator[Text]:
    for label, name in _FIELDS:
        old, new = (_value(span, name) for span in (before, after))
        if old != new:
            yield Text(label=label, before=old, after=new)
    errors = [span.error if span else "" for span in (before, after)]
    if errors[0] != errors[1]:
        yield Text(label="error", before=errors[0], after=errors[1])
    documents = [_documents(span) for span in (before, after)]
    if documents[0] != documents[1]:
        yield Text(label="documents", before=documents[0], after=documents[1])
    blocks = [_blocks(span) for span in (before, after)]
    for label in dict.fromkeys((*blocks[0], *blocks[1])):
        old, new = (side.get(label, "") for side in blocks)
        if old != new:
            yield Text(label=label, before=old, after=new)


def _value(span: Span | None, name: str) -> str:
    found = None if span is None else span.attributes.get(name)
    if isinstance(found, list | tuple):
        return ", ".join(map(str, found))
    return "" if found is None else f"{found:g}" if isinstance(found, float) else str(found)


def _documents(span: Span | None) -> str:
    """What was found, one a line: rank, id and score."""
    found = None if span is None else span.attributes.get(names.DOCUMENTS)
    lines = []
    for rank, document in enumerate(found if isinstance(found, list | tuple) else (), start=1):
        if isinstance(document, Mapping):
            score = _number(document.get("score"))
            lines.append(f"{rank}. {document.get('id', '')}" + ("" if score is None else f"  {score:.3f}"))
    return "\n".join(lines)


def _blocks(span: Span | None) -> dict[str, str]:
    """The texts of a step by their labels; documents are compared apart, and several of one label are one."""
    if span is None:
        return {}
    found: dict[str, str] = {}
    for block in told_of(span).blocks:
        if _is_document(block):
            continue
        found[block.label] = f"{found[block.label]}\n{block.text}" if block.label in found else block.text
    return found


def _is_document(block: Block) -> bool:
    return block.label[:1].isdigit()


def _figures(before: Span | None, after: Span | None) -> Iterator[Figure]:
    yield Figure(label="seconds", before=_seconds(before), after=_seconds(after))
    for label, name in _FIGURES:
        old, new = (None if span is None else _number(span.attributes.get(name)) for span in (before, after))
        if old is not None or new is not None:
            yield Figure(label=label, before=old, after=new)


def _seconds(span: Span | None) -> float | None:
    return None if span is None else (span.end_ns - span.start_ns) / 1e9


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _acted(step: StepDifference) -> bool:
    """Whether a step did something else; being given something else is what another step, or the config, did."""
    given = {"system", "user", "assistant", "tool", "rule version"}
    return step.kind != "changed" or any(text.label not in given and not text.label.startswith("input ") for text in step.texts)
