"""docs/retrieval.md: its configs load under its policy, and it names every retriever."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from llmops_git.configs.load import load_config
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.schema import load_schema
from llmops_git.configs.tree import DictTree
from llmops_git.configs.values import Config
from llmops_git.errors import InvalidInput

PAGE = (Path(__file__).parents[2] / "docs" / "retrieval.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SECTIONS = [block for block in BLOCKS if "retrieval:" in block]
BASE = (
    "model: {provider: openai, id: gpt-4o-2024-08-06}\n"
    "inputs: {properties: {message: {type: string}}}\n"
    "messages: [{role: user, content: '{{ documents | length }}'}]\n"
)


def loaded(section: str) -> Config:
    [policy] = [block for block in BLOCKS if "providers:" in block]
    tree = DictTree({"llmops.yaml": policy, "prompts/a.yaml": BASE + section, "corpora/help/a.md": "text"})
    return load_config(tree, "prompts/a.yaml", load_policy(tree, ""))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_sections_of_the_page_load(section: str) -> None:
    written = YAML(typ="safe").load(section)["retrieval"]
    assert written["retriever"] == loaded(section).resolved["retrieval"]["retriever"]


def test_the_table_names_every_retriever() -> None:
    enum = load_schema("config")["properties"]["retrieval"]["properties"]["retriever"]["enum"]
    assert enum == re.findall(r"^\| `(\w+)` \|", PAGE.partition("## embedding")[0].partition("|---")[2], re.MULTILINE)


def test_the_default_embedder_is_the_one_that_the_page_says() -> None:
    short = re.sub(r"\n  embedder:.*", "", SECTIONS[0])
    assert loaded(short).digest == loaded(SECTIONS[0]).digest
    assert loaded(short.replace("size: 800", "size: 700")).digest != loaded(short).digest


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("retrieval: {retriever: http, provider: nobody, query: q}", "there is no provider `nobody`"),
        ("retrieval: {retriever: http, provider: openai, query: q}", "has api: openai, and http needs search"),
        ("retrieval: {retriever: http, query: q}", "`provider` is missing"),
        ("retrieval: {retriever: http, provider: help-search, query: q, corpus: [a]}", "is not used by the http retriever"),
        (
            "retrieval: {retriever: bm25, query: q, corpus: ['../corpora/help/*.md'], embedder: {}}",
            "is for retriever: embedding",
        ),
        (
            "retrieval: {retriever: bm25, query: q, corpus: ['../corpora/help/*.md'], provider: help-search}",
            "is for retriever: http",
        ),
        (
            "retrieval: {retriever: embedding, query: q, corpus: ['../corpora/help/*.md'], embedder: {provider: help-search}}",
            "needs embedded or openai",
        ),
    ],
)
def test_mistakes_are_named(section: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        loaded(section)
