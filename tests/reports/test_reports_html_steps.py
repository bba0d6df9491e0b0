"""The steps of a case on the page: side by side, cut, escaped, and where they first differ."""

from __future__ import annotations

import json
from dataclasses import replace

from report_samples import comparison, config, flip, report

from llmops_git.reports.html import render_html
from llmops_git.reports.html_steps import MOST_STEPS
from llmops_git.traces.span import Span
from llmops_git.traces.tree import Node

HOSTILE = "<script>alert(1)</script><style>*{display:none}</style>\u202e\x1b[2J</pre></details><img src=x onerror=alert(1)>"


def node(*texts: str) -> Node:
    """A sample of calls that answered `texts`."""
    root = Span(trace_id="t", span_id="0", name="invoke_workflow x", start_ns=0, end_ns=9)
    calls = []
    for number, text in enumerate(texts):
        said = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}])
        span = replace(root, span_id=str(number + 1), parent_id="0", name="chat m", attributes={"gen_ai.output.messages": said})
        calls.append(Node(span=span))
    return Node(span=root, below=tuple(calls))


def page(base: Node | None, head: Node | None) -> str:
    compared = comparison(flipped=(flip("c1"),))
    sides = {(compared.base_digest, "c1"): base, (compared.head_digest, "c1"): head}
    shown = report(config(compared))
    return render_html(shown, (), traces={key: found for key, found in sides.items() if found is not None})


def test_the_first_step_that_differs_is_marked_once() -> None:
    text = page(node("same", "one", "end"), node("same", "two", "END"))
    assert "Steps: 3 on the base, 3 here; they first differ in step 2" in text
    assert 1 == text.count("The first step that differs")
    assert text.index("answers: same") < text.index("The first step that differs") < text.index("<del>one</del>")


def test_a_prompt_that_differs_is_not_yet_another_step() -> None:
    asked = [json.dumps([{"role": "system", "parts": [{"type": "text", "content": word}]}]) for word in ("old", "new")]
    base, head = (
        Node(span=root.span, below=(Node(span=replace(root.below[0].span, attributes={"gen_ai.input.messages": text})),))
        for root, text in zip((node("a"), node("a")), asked, strict=True)
    )
    text = page(base, head)
    assert "<del>old</del>" in text
    assert "Steps: 1 on the base, 1 here<" in text


def test_a_step_that_one_side_does_not_have_is_said() -> None:
    text = page(node("a"), node("a", "b"))
    assert "Steps: 1 on the base, 2 here; they first differ in step 2" in text
    assert "no such step" in text


def test_steps_that_are_alike_differ_nowhere() -> None:
    text = page(node("a"), node("a"))
    assert "Steps: 1 on the base, 1 here<" in text
    assert "The first step that differs" not in text


def test_a_side_without_a_trace_was_measured_elsewhere() -> None:
    text = page(None, node("a"))
    assert "The base was measured in another run, and its trace is there." in text
    assert "The first step that differs" not in text
    assert "Steps:" not in page(None, None)


def test_texts_of_models_stay_text() -> None:
    text = page(node(HOSTILE), node("fine"))
    assert not {"<script", "<img", "\u202e", "\x1b"} & {
        text[place : place + size] for size in (1, 4, 7) for place in range(len(text))
    }
    assert "&lt;script&gt;" in text


def test_many_steps_are_cut_and_counted() -> None:
    text = page(node(*["x" * 10_000] * 300), node("x"))
    assert f"and {300 - MOST_STEPS} more steps" in text
    assert len(text) < 600_000
