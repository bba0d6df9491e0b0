"""BM25: what is found, in which order, and what has no say in it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import Document
from llmops_git.retrievers.bm25 import chunks_of, search

CORPUS = (
    Document(path="refund.md", text="A refund is paid back to the card within five days."),
    Document(path="delivery.md", text="Delivery takes two days. Express delivery takes one day."),
    Document(path="account.md", text="Change the password of your account in the settings."),
)
_words = st.lists(st.sampled_from(["refund", "card", "delay", "day", "the", "a"]), min_size=1, max_size=12).map(" ".join)


def _search(documents: tuple[Document, ...], query: str, **options: int) -> list[dict]:
    return search(documents, query, **{"size": 800, "overlap": 80, "top_k": 4, **options})


def test_the_document_that_is_about_the_query_comes_first() -> None:
    found = _search(CORPUS, "When is my REFUND paid?")
    assert found[0]["text"].startswith("A refund")


def test_scores_are_those_of_the_formula() -> None:
    documents = (Document(path="a", text="x x y"), Document(path="b", text="y"))
    (found,) = _search(documents, "x")
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    expected = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    assert found["score"] == pytest.approx(expected, rel=1e-12)


def test_documents_that_share_no_word_are_not_found() -> None:
    assert _search(CORPUS, "quantum") == []


def test_no_more_than_top_k_are_given() -> None:
    assert len(_search(CORPUS, "delivery refund account", top_k=2)) == 2


def test_an_empty_corpus_and_an_empty_query_find_nothing() -> None:
    assert _search((), "x") == []
    assert _search(CORPUS, "?!") == []


@given(st.lists(_words, min_size=1, max_size=6), _words, st.randoms(use_true_random=False))
def test_names_and_order_of_files_do_not_matter(texts: list[str], query: str, random: object) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)
    one = tuple(Document(path=f"a{number}", text=text) for number, text in enumerate(texts))
    other = tuple(Document(path=f"z{number}", text=text) for number, text in enumerate(shuffled))
    assert _search(one, query) == _search(other, query)


def test_equal_scores_are_ordered_by_content() -> None:
    documents = (Document(path="1", text="day one"), Document(path="2", text="day two"))
    found = _search(documents, "day")
    assert found[0]["score"] == found[1]["score"]
    assert [item["id"] for item in found] == sorted(item["id"] for item in found)


@given(st.text(max_size=300), st.integers(1, 50), st.integers(0, 60))
def test_chunks_fit_and_lose_no_character_that_is_not_space(text: str, size: int, overlap: int) -> None:
    pieces = list(chunks_of(text, size=size, overlap=overlap))
    assert all(len(piece) <= size for piece in pieces)
    position = 0
    for piece in pieces:  # every piece is in the text, and whatever lies between two pieces is white space
        found = text.find(piece)
        assert found >= 0
        position = max(position, text.find(piece, max(position - size, 0)) + len(piece))
    assert len("".join(text.split())) <= sum(len("".join(piece.split())) for piece in pieces)


def test_chunks_overlap_and_end_between_words() -> None:
    text = "alpha beta gamma delta epsilon"
    assert list(chunks_of(text, size=12, overlap=5)) == ["alpha beta", "beta gamma", "delta", "epsilon"]
