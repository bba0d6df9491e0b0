"""Server-sent events: however the bytes are cut, the events are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmops_git.providers.sse import EventStream

_lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=12).map(
    lambda text: text.strip() or "x"
)


@given(st.lists(_lines, max_size=6), st.lists(st.integers(1, 9), max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_however_the_bytes_are_cut(texts: list[str], cuts: list[int], end: str) -> None:
    stream = "".join(f": hello{end}event: x{end}data: {text}{end}{end}" for text in texts).encode()
    events, reader = [], EventStream()
    for cut in cuts:
        events += reader.feed(stream[:cut])
        stream = stream[cut:]
    events += reader.feed(stream)
    assert [text.strip().encode() for text in texts] == [event.strip() for event in events]


def test_lines_of_one_event_are_one_text() -> None:
    assert [b"a\nb"] == EventStream().feed(b"data: a\ndata:b\n\n")


def test_comments_and_empty_lines_are_no_events() -> None:
    assert [] == EventStream().feed(b":\n\n\nid: 1\nretry: 5\n\n")


def test_an_event_without_its_empty_line_is_handed_over_at_the_end() -> None:
    reader = EventStream()
    assert [] == reader.feed(b"data: [DONE]")
    assert [b"[DONE]"] == reader.end()
    assert [] == reader.end()
