"""docs/scorers.md is true: every example in it is run, and it names every scorer and option that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from llmops_git.configs.values import Config, ScorerSettings
from llmops_git.scorers.base import GuardHit, Sample
from llmops_git.scorers.table import SCORERS, build_scorer, build_scorers, declaration
from llmops_git.scorers.weighted import combined

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "scorers.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL))
EXAMPLES = [
    (name, index, YAML(typ="safe").load(block))
    for name, text in SECTIONS.items()
    for index, block in enumerate(re.findall(r"```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
]
SCHEMA = json.loads((ROOT / "schemas" / "config.schema.json").read_text())
SCORER_SCHEMA = SCHEMA["properties"]["evaluation"]["properties"]["scorers"]["additionalProperties"]


class Replies:
    """A model that gives these replies, one after the other, and has these vectors for texts."""

    def __init__(self, replies, vectors):
        self.replies = list(replies)
        self.vectors = vectors

    def embed(self, texts):
        return tuple(self.vectors[text] for text in texts)

    def generate(self, messages, *, schema=None, judge=0):  # noqa: ARG002
        assert all(set(message) == {"role", "content"} for message in messages)
        return self.replies.pop(0)


def judge_of(written, name="judge"):
    return Config(
        name=name, path="", kind="judge", description="", owner="", resolved=written, digest="", closure=(),
        closure_digest="", scale=written.get("scale"),
    )  # fmt: skip


def settings_of(example):
    options = dict(example["scorer"])
    if "judge" in options:
        options.pop("judge")
        judge = judge_of(example.get("judge", {"messages": []}))
        return ScorerSettings(name="example", use=options.pop("use"), options=options, judge=judge)
    judges = tuple(judge_of(example["judge"], Path(path).stem) for path in options.pop("judges", ()))
    return ScorerSettings(name="example", use=options.pop("use"), options=options, judges=judges)


def score_of_parts(example, sample):
    """The score of the last of several scorers, which combines the others."""
    parts = {
        name: ScorerSettings(name=name, use=item["use"], options={key: value for key, value in item.items() if key != "use"})
        for name, item in example["scorers"].items()
    }
    scorers = build_scorers(parts.values())
    scores = {name: scorer.score(sample, None) for name, scorer in scorers.items()}
    return combined(scorers, scores)[list(parts)[-1]]


@pytest.mark.parametrize(("name", "index", "example"), EXAMPLES, ids=[f"{name}-{index}" for name, index, _ in EXAMPLES])
def test_the_example_gets_the_score_that_is_printed(name, index, example):
    settings = settings_of(example)
    sample = Sample(
        inputs=example["case"].get("inputs", {}),
        expected=example["case"].get("expected"),
        output=example["output"],
        latency_seconds=example.get("latency_seconds"),
        cost_usd=example.get("cost_usd"),
        tool_calls=tuple(example.get("tool_calls", ())),
        **{name: example[name] for name in ("finish_reason", "steps", "ttft_seconds", "output_tokens") if name in example},
        documents=tuple({"text": text} for text in example.get("documents", ())),
        guards=tuple(GuardHit(**hit) for hit in example.get("guards", ())),
    )
    replies = Replies(example.get("replies", [example["reply"]] if "reply" in example else []), example.get("vectors"))
    scorer = build_scorer(settings)
    score = scorer.prefer(example["base"], sample, replies) if "base" in example else scorer.score(sample, replies)
    assert replies.replies == []
    assert settings.use == name
    if "scorers" in example:
        score = score_of_parts(example, sample)
    expected = {"state": "measured", **example["score"]}
    assert {key: getattr(score, key) for key in expected} == expected


def test_table_schema_and_document_name_the_same_scorers():
    enum = SCORER_SCHEMA["properties"]["use"]["else"]["enum"]
    assert set(enum) == set(SCORERS) == set(SECTIONS)
    assert {name for name, _, _ in EXAMPLES} == set(SCORERS)


def test_every_option_of_the_schema_is_documented():
    for rule in SCORER_SCHEMA["allOf"]:
        if "pattern" in rule["if"]["properties"]["use"]:
            continue  # another package's
        name = rule["if"]["properties"]["use"]["const"]
        documented = set(re.findall(r"^\| `(\w+)` \|", SECTIONS[name], flags=re.MULTILINE))
        assert set(rule["then"]["properties"]) - {"use", "negate"} == documented, name


# see test_scorers_judged
JUDGED = {
    "judge", "panel", "pairwise", "faithfulness", "context_precision", "context_recall", "answer_relevance",
    "embedding_similarity",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(SCORERS) - JUDGED))
def test_what_a_scorer_declares_fits_the_statistics(name):
    options = {"schema": {}, "min": 1, "field": "a", "of": {"part": 1}}
    declared = declaration(ScorerSettings(name="mine", use=name, options=options))
    assert (declared["name"], declared["use"]) == ("mine", name)
    assert declared["ratio"] == (name in {"latency", "cost", "ttft", "tokens"})
    assert (declared["direction"] == "lower") == declared["ratio"]
    graded = declared["ratio"] or name in {"edit_similarity", "rouge", "bleu", "chrf", "weighted"}
    assert (declared["scale"], declared["step"]) == (("continuous", 0.25) if graded else ("binary", 1.0))
