"""Recorded replies: written, read, missed loudly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.replay import RecordingProvider, ReplayProvider
from llmops_git.providers.reply_json import reply_document, reply_from_document
from llmops_git.providers.table import open_provider

REQUEST = Request(provider="p", model="m", messages=({"role": "user", "content": "hi"},))
_texts = st.text(max_size=20)
_counts = st.none() | st.integers(0, 10**9)
_replies = st.builds(
    Reply,
    text=_texts,
    finish_reason=_texts,
    tool_calls=st.lists(st.fixed_dictionaries({"id": _texts, "name": _texts, "arguments": _texts}), max_size=2).map(tuple),
    usage=st.builds(Usage, **dict.fromkeys(Usage.__slots__, _counts)),
    latency_seconds=st.floats(0, 1e6),
    ttft_seconds=st.none() | st.floats(0, 1e6),
    model=_texts,
    engine=_texts,
)


class Echo:
    """Answers with what it was asked, and counts."""

    concurrency = 1

    def __init__(self) -> None:
        self.calls = 0

    def fingerprint(self) -> str:
        return "echo 1"

    def generate(self, request: Request, *, worker: int) -> Reply:  # noqa: ARG002
        self.calls += 1
        if request.model == "broken":
            raise ProviderError("server", "no")
        return Reply(
            text=f"{request.messages[0]['content']} {request.sample}", usage=Usage(output_tokens=2), latency_seconds=0.5
        )

    def close(self) -> None:
        self.calls = -1


@given(_replies)
def test_a_reply_comes_back_from_its_json_as_it_was(reply: Reply) -> None:
    assert reply == reply_from_document(json.loads(json.dumps(reply_document(reply))))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"text": 1},
        {"text": "", "usage": 3},
        {"text": "", "usage": {"input_tokens": "1"}},
        {"text": "", "tool_calls": [1]},
        {"text": "", "latency_seconds": "1"},
        {"text": "", "ttft_seconds": True},
    ],
)
def test_what_is_no_reply_is_refused(document: object) -> None:
    with pytest.raises(ValueError):
        reply_from_document(document)


def test_recorded_replies_answer_the_same_requests(tmp_path: Path) -> None:
    recording = RecordingProvider(Echo(), tmp_path / "replies")
    first = recording.generate(REQUEST, worker=0)
    second = recording.generate(replace(REQUEST, sample=1), worker=0)
    replaying = ReplayProvider("p", tmp_path / "replies")
    assert [replaying.generate(replace(REQUEST, sample=number), worker=0) for number in (0, 1)] == [first, second]
    assert (first.text, second.text) == ("hi 0", "hi 1")


def test_a_miss_is_loud_and_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="no recorded reply") as caught:
        ReplayProvider("p", tmp_path).generate(REQUEST, worker=0)
    assert (caught.value.kind, caught.value.retryable) == ("replay_miss", False)
    assert str(tmp_path) in caught.value.message
    assert "--record" in caught.value.hint


def test_errors_are_not_recorded(tmp_path: Path) -> None:
    recording = RecordingProvider(Echo(), tmp_path)
    with pytest.raises(ProviderError):
        recording.generate(replace(REQUEST, model="broken"), worker=0)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_recording_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / f"{REQUEST.key(0)}.json"
    for content in ("", "{", '{"reply": 5}', "[]"):
        path.write_text(content)
        with pytest.raises(LlmopsError, match="is not a recorded reply") as caught:
            ReplayProvider("p", tmp_path).generate(REQUEST, worker=0)
        assert str(path) in caught.value.message


def test_the_fingerprint_follows_the_recordings(tmp_path: Path) -> None:
    empty = ReplayProvider("p", tmp_path).fingerprint()
    RecordingProvider(Echo(), tmp_path).generate(REQUEST, worker=0)
    assert ReplayProvider("p", tmp_path).fingerprint() != empty
    assert ReplayProvider("q", tmp_path).fingerprint() == ReplayProvider("p", tmp_path).fingerprint()


def test_the_table_opens_a_replay_and_refuses_a_missing_folder(tmp_path: Path) -> None:
    settings = ProviderSettings(name="p", api="replay", path=str(tmp_path))
    assert isinstance(open_provider(settings, environ={}), ReplayProvider)
    with pytest.raises(LlmopsError, match="no folder of recorded replies"):
        open_provider(replace(settings, path=str(tmp_path / "absent")), environ={})
    with pytest.raises(LlmopsError, match="has no path"):
        open_provider(replace(settings, path=""), environ={})


def test_the_table_wraps_a_provider_that_is_to_be_recorded(tmp_path: Path) -> None:
    settings = ProviderSettings(name="p", api="openai", base_url="http://127.0.0.1:9/v1")
    provider = open_provider(settings, environ={}, record=tmp_path / "new")
    assert isinstance(provider, RecordingProvider)
    assert (tmp_path / "new").is_dir()
    provider.close()
