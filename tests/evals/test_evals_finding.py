"""Retrieval that asks somebody: paid once, planned before, recorded, and not the config's fault when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_material import FakeProvider, make_cases, make_config, make_evaluation, make_job, reply

from llmops_git.configs.policy import Budget
from llmops_git.configs.values import Config, ScorerSettings
from llmops_git.evals.cache import Cache
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.providers.replay import RecordingProvider, ReplayProvider
from llmops_git.providers.vectors import encoded_vectors

CORPUS = tuple(f"word-{number} is in document {number}" for number in range(40))
MESSAGES = [{"role": "user", "template": "{% for d in documents %}[{{ d.text }}]{% endfor %}{{ word }}"}]


def vector(text: str) -> tuple[float, ...]:
    """One axis for each number: texts of one number are alike."""
    number = int(text.partition("word-")[2].partition(" ")[0])
    return tuple(1.0 if place == number else 0.0 for place in range(40))


def embeds(request: Request, _number: int) -> Reply:
    return reply(encoded_vectors([vector(str(message["content"])) for message in request.messages]))


def searches(request: Request, _number: int) -> Reply:
    return reply(json.dumps([{"id": "1", "text": f"about {request.messages[0]['content']}", "score": 1.0}]))


def by_meaning() -> Config:
    embedder = {"provider": "e", "model": "e-1"}
    settings = {
        "retriever": "embedding",
        "top_k": 1,
        "chunk": {"size": 100, "overlap": 0},
        "query": "{{ word }}",
        "embedder": embedder,
    }
    return make_config(retrieval=settings, messages=MESSAGES, documents=CORPUS)


def by_service() -> Config:
    return make_config(retrieval={"retriever": "http", "top_k": 2, "provider": "s", "query": "{{ word }}"}, messages=MESSAGES)


def run(config: Config, cache: Cache | None = None, **providers: Any) -> Outcome:
    return evaluate(
        [make_job(config)], providers={"fake": FakeProvider(), **providers}, cache=cache, budget=Budget(), prices={}
    )


def test_a_corpus_is_embedded_once_and_the_nearest_piece_reaches_the_model(tmp_path: Path) -> None:
    embedder = FakeProvider(embeds)
    outcome = run(by_meaning(), Cache(tmp_path), **{"embeddings:e": embedder})
    assert [f"[word-{number} is in document {number}]word-{number}" for number in range(3)] == [
        sample.output for sample in outcome.runs[0].samples
    ]
    assert [1, 1, 1, 8, 32] == sorted(len(request.messages) for request in embedder.asked)
    again = FakeProvider(embeds)
    run(by_meaning(), Cache(tmp_path), **{"embeddings:e": again})
    assert [] == again.asked


def test_a_service_is_asked_for_each_query_once(tmp_path: Path) -> None:
    service = FakeProvider(searches)
    outcome = run(by_service(), Cache(tmp_path), s=service)
    assert ["[about word-0]word-0", "[about word-1]word-1", "[about word-2]word-2"] == [
        sample.output for sample in outcome.runs[0].samples
    ]
    assert {"top_k": 2} == dict(service.asked[0].parameters)
    run(by_service(), Cache(tmp_path), s=service)
    assert 3 == len(service.asked)


def test_a_search_is_recorded_and_replayed(tmp_path: Path) -> None:
    recorder = RecordingProvider(FakeProvider(searches), tmp_path)
    first = run(by_service(), s=recorder)
    again = run(by_service(), s=ReplayProvider("s", tmp_path))
    assert [sample.output for sample in first.runs[0].samples] == [sample.output for sample in again.runs[0].samples]


def test_a_search_that_is_not_recorded_stops_the_run_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="case `c") as caught:
        run(by_service(), s=ReplayProvider("s", tmp_path))
    assert "replay_miss" == caught.value.kind


def test_a_search_that_fails_leaves_its_samples_unmeasured_and_unasked() -> None:
    def fails(request: Request, number: int) -> Reply:
        if request.messages[0]["content"] == "word-1":
            raise ProviderError("bad_request", "no such index")
        return searches(request, number)

    model = FakeProvider()
    [found] = evaluate(
        [make_job(by_service())], providers={"fake": model, "s": FakeProvider(fails)}, cache=None, budget=Budget(), prices={}
    ).runs
    assert {"c0": "", "c1": "retrieval", "c2": ""} == {sample.case: sample.error for sample in found.samples}
    assert "no such index" in found.samples[1].scores["answer"].explanation
    assert 2 == len(model.asked)


def test_vectors_of_several_lengths_are_not_compared() -> None:
    def changes(request: Request, _number: int) -> Reply:
        return reply(encoded_vectors([(1.0,) * len(request.messages)] * len(request.messages)))

    [found] = run(by_meaning(), **{"embeddings:e": FakeProvider(changes)}).runs
    assert {"retrieval"} == {sample.error for sample in found.samples}


def test_a_plan_asks_nobody_and_reckons_with_the_longest_documents(tmp_path: Path) -> None:
    job = make_job(by_meaning())
    before = make_plan([job], cache=Cache(tmp_path), prices={})
    run(by_meaning(), Cache(tmp_path), **{"embeddings:e": FakeProvider(embeds)})
    after = make_plan([job], cache=Cache(tmp_path), prices={})
    assert (3, 0) == (before.requests, before.cached)
    assert before.input_tokens >= 3 * 100 // 4
    assert (0, 3) == (after.requests, after.cached)


def test_an_output_is_compared_with_what_is_expected_by_meaning() -> None:
    scorer = ScorerSettings(name="near", use="embedding_similarity", options={"embedder": {"provider": "e", "model": "e-1"}})
    job = make_job(evaluation=make_evaluation(make_cases(2), [scorer]))
    embedder = FakeProvider(embeds)
    [found] = evaluate(
        [job], providers={"fake": FakeProvider(), "embeddings:e": embedder}, cache=None, budget=Budget(), prices={}
    ).runs
    assert [1.0, 1.0] == [sample.scores["near"].value for sample in found.samples]
    assert 2 == len(embedder.asked)


def test_an_embedder_that_does_not_answer_is_not_measured() -> None:
    def fails(_request: Request, _number: int) -> Reply:
        raise ProviderError("bad_request", "no such model")

    scorer = ScorerSettings(name="near", use="embedding_similarity", options={"embedder": {"provider": "e", "model": "e-1"}})
    job = make_job(evaluation=make_evaluation(make_cases(1), [scorer]))
    [found] = evaluate(
        [job], providers={"fake": FakeProvider(), "embeddings:e": FakeProvider(fails)}, cache=None, budget=Budget(), prices={}
    ).runs
    score = found.samples[0].scores["near"]
    assert ("not_measured", "embedding") == (score.state, score.label)
    assert "no such model" in score.explanation
