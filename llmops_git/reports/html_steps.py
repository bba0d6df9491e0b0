"""The steps of a flipped case for the HTML page, both sides beside each other, and where they first differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from llmops_git.reports.evidence import NOTHING, cut
from llmops_git.reports.guard_steps import with_passes_as_one
from llmops_git.reports.numbers import count
from llmops_git.reports.step_words import Told, told_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from llmops_git.traces.tree import Node

Traces = Mapping[tuple[str, str], "Node"]  # (config digest, case) -> the sample's root
NO_TRACES: Traces = {}
MOST_STEPS = 40
_CHARS = 4_000  # of one step
_ELSEWHERE = "measured in another run, and its trace is there"


def steps_view(
    base: Node | None, head: Node | None, diff: Callable[[str, str], tuple[Markup, Markup]]
) -> dict[str, Any] | None:
    """The steps of both sides, as the template wants them; None where neither side has any. `diff` marks what differs."""
    before, after = list(_steps(base)), list(_steps(head))
    if not before and not after:
        return None
    pairs = list(zip_longest(before, after))
    first = next((number for number, (one, other) in enumerate(pairs) if _said(one) != _said(other)), None)
    known = base is not None and head is not None
    title = f"Steps: {len(before)} on the base, {len(after)} here" if known else f"Steps: {count(len(before or after), 'step')}"
    if known and first is not None:
        title += f"; they first differ in step {first + 1}"
    return {
        "title": title,
        "rows": [_row(one, other, diff, differs=known and number == first) for number, (one, other) in enumerate(pairs)][
            :MOST_STEPS
        ],
        "more": f"and {len(pairs) - MOST_STEPS:,} more steps" if len(pairs) > MOST_STEPS else "",
        "missing": "" if known else f"The {'base' if base is None else 'change'} was {_ELSEWHERE}.",
    }


def _row(
    base: Told | None, head: Told | None, diff: Callable[[str, str], tuple[Markup, Markup]], *, differs: bool
) -> dict[str, Any]:
    before, after = diff(_text(base), _text(head))
    return {"differs": differs, "base": _side(base, before), "head": _side(head, after)}


def _side(told: Told | None, text: Markup) -> dict[str, Any]:
    if told is None:
        return {"name": "no such step", "facts": "", "text": NOTHING}
    return {"name": told.name, "facts": " · ".join(fact for fact in told.facts if fact), "text": text}


def _text(told: Told | None) -> str:
    blocks: Sequence[Any] = () if told is None else told.blocks
    return cut("\n".join(f"{block.label}: {block.text}" for block in blocks), _CHARS)


def _said(told: Told | None) -> object:
    """What a step is held against the other side's by: what it did, and neither what it was given nor its figures."""
    return None if told is None else (told.name, [block for block in told.blocks if not block.given])


def _steps(root: Node | None) -> Iterator[Told]:
    """The steps below a sample's root, in order, those of an application among them."""
    for node in () if root is None else with_passes_as_one(root.below):
        yield told_of(node.span)
        yield from _steps(node)
