"""Guardrail rules that passed, as one step: there is a span for each of them, and nothing to read in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from llmops_git.traces import attributes as names
from llmops_git.traces.tree import Node

_NAMED = 3  # rules that are named


def with_passes_as_one(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The steps, with each run of rules of one side that passed as a single step."""
    return tuple(_joined(nodes))


def _joined(nodes: Iterable[Node]) -> Iterator[Node]:
    for side, group in groupby(nodes, _passed_side):
        run = list(group)
        if not side or len(run) == 1:
            yield from run
            continue
        rules = [node.span.name.removeprefix(names.APPLY_GUARDRAIL).strip() for node in run]
        named = ", ".join(rules[:_NAMED]) + (", …" if len(rules) > _NAMED else "")
        name = f"{names.APPLY_GUARDRAIL} {len(run)} rules of the {side}: pass ({named})"
        yield Node(span=replace(run[0].span, name=name, end_ns=run[-1].span.end_ns, attributes={}))


def _passed_side(node: Node) -> str:
    """The side of a rule that passed; "" for any other step."""
    found = node.span.attributes
    passed = found.get(names.OPERATION) == names.APPLY_GUARDRAIL and found.get(names.GUARD_RESULT) == "pass"
    return str(found.get(names.GUARD_SIDE, "")) or "text" if passed and not node.below else ""
