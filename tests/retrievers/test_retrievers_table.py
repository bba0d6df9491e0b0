"""Which retriever answers, and what it is given."""

from __future__ import annotations

import pytest

from llmops_git.configs.values import Case, Config, Document
from llmops_git.errors import LlmopsError
from llmops_git.retrievers.table import retrieve


def _config(retrieval: dict | None) -> Config:
    resolved = {"model": {"provider": "p", "id": "m"}}
    if retrieval is not None:
        resolved["retrieval"] = retrieval
    return Config(
        name="helper",
        path="prompts/helper.yaml",
        kind="config",
        description="",
        owner="",
        resolved=resolved,
        digest="sha256:0",
        closure=(),
        closure_digest="sha256:0",
        documents=(Document(path="a.md", text="one two three " * 20),),
    )


def test_a_config_without_retrieval_finds_nothing() -> None:
    assert retrieve(_config(None), "one", None) == []


def test_bm25_searches_the_corpus_in_chunks_of_the_configs_size() -> None:
    found = retrieve(_config({"retriever": "bm25", "chunk": {"size": 40, "overlap": 0}, "top_k": 3}), "two", None)
    assert 1 <= len(found) <= 3
    assert all(len(item["text"]) <= 40 for item in found)
    assert {"id", "text", "score"} == set(found[0])


def test_recorded_documents_are_the_cases_own() -> None:
    case = Case(id="c1", inputs={}, documents=({"id": "x", "text": "t", "score": 3.0}, {"id": "y", "text": "u"}))
    found = retrieve(_config({"retriever": "recorded", "top_k": 5}), "", case)
    assert found == [{"id": "x", "text": "t", "score": 3.0}, {"id": "y", "text": "u", "score": 0.0}]


def test_a_case_without_recorded_documents_is_an_error_that_names_it() -> None:
    with pytest.raises(LlmopsError, match="config `helper` retrieves recorded documents, and case `c1` has none"):
        retrieve(_config({"retriever": "recorded"}), "", Case(id="c1", inputs={}))


def test_an_unknown_retriever_is_refused() -> None:
    with pytest.raises(LlmopsError, match="there is no retriever `telepathy`"):
        retrieve(_config({"retriever": "telepathy"}), "", None)
