"""Runs as JSON documents and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eval_material import FakeProvider, make_job
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmops_git.configs.policy import Budget
from llmops_git.errors import LlmopsError
from llmops_git.evals.evidence import pool_runs, run_document, run_from_document
from llmops_git.evals.run import evaluate
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration
from llmops_git.providers.base import Usage
from llmops_git.scorers.base import Score

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "run.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_numbers = st.none() | st.floats(-1e9, 1e9)
_counts = st.none() | st.integers(0, 10**9)
_scores = st.builds(
    Score,
    state=st.sampled_from(["measured", "not_applicable", "not_measured"]),
    value=_numbers,
    label=_texts,
    explanation=_texts,
)
_samples = st.builds(
    SampleResult,
    case=_texts,
    repeat=st.integers(0, 9),
    output=_texts,
    finish_reason=_texts,
    usage=st.builds(Usage, input_tokens=_counts, output_tokens=_counts, cached_input_tokens=_counts, reasoning_tokens=_counts),
    latency_seconds=st.none() | st.floats(0, 1e6),
    cost_usd=st.none() | st.floats(0, 1e6),
    cached=st.booleans(),
    error=_texts,
    scores=st.dictionaries(_texts, _scores, max_size=3),
    trace_id=_texts,
)
_runs = st.builds(
    Run,
    config=_texts,
    config_digest=_texts,
    eval_digest=_texts,
    provider=_texts,
    model=_texts,
    engine=_texts,
    started_at=_texts,
    repeats=st.integers(0, 9),
    cases=st.lists(_texts, max_size=3).map(tuple),
    must_pass=st.lists(_texts, max_size=3).map(tuple),
    clusters=st.dictionaries(_texts, _texts, max_size=3),
    scorers=st.lists(
        st.builds(
            ScorerDeclaration,
            name=_texts,
            use=_texts,
            direction=st.sampled_from(["higher", "lower"]),
            scale=st.sampled_from(["binary", "ordinal", "continuous"]),
            step=st.floats(0, 1),
            ratio=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    samples=st.lists(_samples, max_size=3).map(tuple),
)


@given(_runs)
def test_a_run_comes_back_from_its_document_as_it_was(run: Run) -> None:
    document = json.loads(json.dumps(run_document(run)))
    assert run == run_from_document(document)
    VALIDATOR.validate(document)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def _run() -> Run:
    return evaluate([make_job()], providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices={}).runs[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"config": 5}, r"\$\.config is not a string"),
        ({"format": "other/9"}, "format 'other/9'"),
        ({"repeats": -1}, r"\$\.repeats is not a whole number"),
        ({"repeats": True}, r"\$\.repeats is not a whole number"),
        ({"cases": "c"}, r"\$\.cases is not a list"),
        ({"cases": [1]}, r"\$\.cases is not a list of strings"),
        ({"scorers": [{}]}, r"\$\.scorers\[0\]\.name is not a string"),
        ({"samples": [3]}, r"\$\.samples\[0\] is not an object"),
        ({"samples": [{"case": "c", "scores": {"a": {"state": "maybe"}}}]}, r"\.scores\.a\.state is not one of"),
        ({"samples": [{"case": "c", "latency_seconds": "1"}]}, r"latency_seconds is not a number"),
        ({"clusters": []}, r"\$\.clusters is not an object"),
    ],
)
def test_what_is_no_run_is_refused_by_field(change: dict, field: str) -> None:
    with pytest.raises(LlmopsError, match=field):
        run_from_document({**run_document(_run()), **change})


def test_runs_are_pooled_with_all_their_samples() -> None:
    first = _run()
    second = replace(first, samples=tuple(replace(sample, repeat=1) for sample in first.samples), engine="newer")
    pooled = pool_runs(first, second)
    assert [(sample.case, sample.repeat) for sample in pooled.samples] == [(f"c{case}", k) for case in range(3) for k in (0, 1)]
    assert (pooled.repeats, pooled.engine) == (2, f"{first.engine} | newer")


def test_runs_of_different_things_and_the_same_run_twice_are_not_pooled() -> None:
    run = _run()
    with pytest.raises(LlmopsError, match="do not measure the same thing"):
        pool_runs(run, replace(run, config_digest="sha256:other"))
    with pytest.raises(LlmopsError, match="both hold case `c0`, repeat 0"):
        pool_runs(run, run)
