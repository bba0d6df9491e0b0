"""The tree of a trace in a terminal: narrow, wide, hostile."""

from __future__ import annotations

import unicodedata

import pytest

from llmops_git.reports.trace_text import render_trace
from llmops_git.traces.span import Span
from llmops_git.traces.tree import said_in, trees_of


def span(name: str, number: int, parent: int = 0, **attributes: object) -> Span:
    return Span(
        trace_id="t",
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start_ns=number,
        end_ns=number + 1_500_000,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )


def shown(*spans: Span, width: int = 60, full: bool = False) -> str:
    (root,) = trees_of(spans)
    return render_trace(root, title="title", width=width, full=full)


def cells(line: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in line)


def test_steps_hang_below_their_parent_in_the_order_in_which_they_began() -> None:
    text = shown(span("c", 3, 1), span("a", 1), span("b", 2, 1), span("d", 4, 2))
    assert "title\na  2 ms\n├─ b  2 ms\n│  └─ d  2 ms\n└─ c  2 ms" == text


@pytest.mark.parametrize("width", [20, 40, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    messages = '[{"role": "user", "parts": [{"type": "text", "content": "' + "漢字" * 300 + " " + "x" * 500 + '"}]}]'
    text = shown(span("名" * 80, 1), span("chat", 2, 1, gen_ai__input__messages=messages), width=width, full=True)
    assert [] == [line for line in text.splitlines() if cells(line) > width]


def test_long_texts_are_cut_unless_all_of_them_is_asked_for() -> None:
    query = "\n".join(f"line {number}" for number in range(50))
    found = span("retrieval", 2, 1, gen_ai__retrieval__query__text=query)
    assert "… 44 more lines (--full)" in shown(span("a", 1), found)
    assert "line 49" in shown(span("a", 1), found, full=True)


def test_documents_are_listed_with_their_scores() -> None:
    documents = ({"id": "d1", "score": 2.5, "content": "Refunds"}, {"id": "d2", "score": None}, "no document")
    text = shown(span("a", 1), span("retrieval bm25", 2, 1, gen_ai__retrieval__documents=documents))
    assert "1. 2.500 d1: Refunds" in text
    assert "2. ? d2: (no text)" in text


@pytest.mark.parametrize("messages", ["", "{", "[1]", "[" * 100_000, '[{"role": "user", "parts": [1]}]', 7, [{"role": 1}]])
def test_messages_that_are_none_are_left_out(messages: object) -> None:
    assert () == said_in(messages)


def test_spans_that_are_their_own_ancestors_do_not_hang_the_tree() -> None:
    assert () == trees_of([span("a", 1, 2), span("b", 2, 1)])
    assert 1 == len(trees_of([span("a", number, number - 1) for number in range(1, 5000)]))
