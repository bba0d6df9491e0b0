"""Exact search by vectors: order, ties, and no say for names of files."""

from __future__ import annotations

import builtins

import pytest

from llmops_git.configs.values import Document
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.retrievers.embedding import Index, pieces_of
from llmops_git.retrievers.http import documents_of


def test_the_nearest_by_angle_come_first_whatever_their_length() -> None:
    index = Index(["far", "near", "nearest"], [(0.0, 1.0), (5.0, 5.0), (0.1, 0.0)])
    found = index.search((2.0, 0.0), 2)
    assert [("nearest", 1.0), ("near", 0.707107)] == [(item["text"], item["score"]) for item in found]


def test_equal_pieces_are_ordered_by_their_content_and_not_by_their_place() -> None:
    one = Index(["a", "b", "c"], [(1.0, 0.0)] * 3).search((1.0, 0.0), 3)
    other = Index(["c", "b", "a"], [(1.0, 0.0)] * 3).search((1.0, 0.0), 3)
    assert one == other


def test_a_vector_without_a_direction_is_near_nothing() -> None:
    assert [0.0, 0.0] == [item["score"] for item in Index(["a", "b"], [(0.0, 0.0), (1.0, 0.0)]).search((0.0, 0.0), 2)]


def test_an_empty_corpus_has_nothing() -> None:
    assert [] == Index([], []).search((1.0,), 3)


def test_pieces_do_not_depend_on_names_or_order() -> None:
    one = pieces_of((Document(path="a", text="x"), Document(path="b", text="y"), Document(path="c", text="x")), 100, 0)
    other = pieces_of((Document(path="q", text="y"), Document(path="r", text="x")), 100, 0)
    assert ("x", "y") == one == other


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name, *arguments, **named):
        if name == "numpy":
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(LlmopsError, match="needs numpy") as caught:
        Index(["a"], [(1.0,)])
    assert 'pip install "llmops-git[semantic]"' == caught.value.hint


@pytest.mark.parametrize("reply", ["", "{}", "[1]", '[{"id": "a"}]'])
def test_a_recording_that_holds_no_documents_is_not_measured(reply: str) -> None:
    if reply == "{}":
        assert [] == documents_of(reply, top_k=3)
        return
    with pytest.raises(NotMeasured, match="no documents"):
        documents_of(reply, top_k=3)
