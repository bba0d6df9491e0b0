"""The page of one trace: a tree whose texts stay texts."""

from __future__ import annotations

from llmops_git.reports.trace_page import render_trace_page
from llmops_git.traces import attributes as names
from llmops_git.traces.content import output_messages
from llmops_git.traces.span import Span

HOSTILE = "</pre><script>window.hit=1</script>\x1b[31m\u202e"


def test_texts_of_strangers_stay_texts() -> None:
    root = Span(trace_id="a" * 32, span_id="b" * 16, name=f"invoke_workflow {HOSTILE}", start_ns=0, end_ns=9, error=HOSTILE)
    said = {names.OPERATION: names.CHAT, names.OUTPUT_MESSAGES: output_messages(HOSTILE, (), "stop")}
    chat = Span(trace_id="a" * 32, span_id="c" * 16, parent_id="b" * 16, name="chat m", start_ns=1, end_ns=8, attributes=said)
    page = render_trace_page([root, chat])
    assert "<script" not in page
    assert 1 == page.count("</pre>")
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "└─" in page
    assert ">1970-01-01 00:00:00 UTC\n" in page


def test_when_a_live_request_was_scored_is_no_score() -> None:
    said = {names.OPERATION: names.EVALUATE, names.EVALUATION_SCORE: 0.5, names.SCORED_AT: 1_795_900_000_000_000_000}
    span = Span(trace_id="a" * 32, span_id="b" * 16, name="evaluate short", start_ns=0, end_ns=0, attributes=said)
    page = render_trace_page([span])
    assert "evaluate short  0 ms  0.5" in page
    assert "scores" not in page
