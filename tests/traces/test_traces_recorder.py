"""The spans of one sample."""

from __future__ import annotations

from llmops_git.traces.recorder import ChatStep, RetrievalStep, RunIdentity, SampleSteps, sample_spans, trace_id_of

IDENTITY = RunIdentity(
    run_id="r1",
    config="router",
    config_digest="sha256:aa",
    eval_digest="sha256:bb",
    version="llmops/router/v1.2.0",
    provider="openai",
    model="m-1",
)
CHAT = ChatStep(
    start_ns=20,
    end_ns=90,
    model="m-1-2026",
    finish_reason="stop",
    input_tokens=7,
    output_tokens=3,
    cost_usd=0.5,
)
RETRIEVAL = RetrievalStep(retriever="bm25", top_k=2, start_ns=11, end_ns=19, documents=(("d1", 2.5), ("d2", 1.0)))


def test_a_sample_is_a_root_with_its_retrieval_and_its_call() -> None:
    steps = SampleSteps(case="c1", repeat=0, start_ns=10, end_ns=100, retrieval=RETRIEVAL, chat=CHAT, scores={"queue": 1.0})
    root, retrieval, chat = sample_spans(IDENTITY, steps)
    assert (root.name, retrieval.name, chat.name) == ("invoke_workflow router", "retrieval bm25", "chat m-1")
    assert ("", root.span_id, root.span_id) == (root.parent_id, retrieval.parent_id, chat.parent_id)
    assert {trace_id_of(IDENTITY, "c1", 0)} == {span.trace_id for span in (root, retrieval, chat)}
    assert (root.kind, retrieval.kind, chat.kind) == ("internal", "internal", "client")
    assert (
        root.start_ns,
        root.end_ns,
        retrieval.start_ns,
        retrieval.end_ns,
        chat.start_ns,
        chat.end_ns,
    ) == (10, 100, 11, 19, 20, 90)


def test_root_and_call_name_the_version_and_only_the_call_has_tokens_and_cost() -> None:
    root, chat = sample_spans(IDENTITY, SampleSteps(case="c1", repeat=0, start_ns=0, end_ns=1, chat=CHAT))
    for span in (root, chat):
        assert span.attributes["gen_ai.prompt.name"] == "router"
        assert span.attributes["gen_ai.prompt.version"] == "llmops/router/v1.2.0"
        assert span.attributes["llmops.config.digest"] == "sha256:aa"
    assert tuple(
        chat.attributes[name] for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llmops.cost.usd")
    ) == (7, 3, 0.5)
    assert not [name for name in root.attributes if "usage" in name or "cost" in name]
    assert "gen_ai.usage.cache_read.input_tokens" not in chat.attributes


def test_retrieved_documents_are_named_without_their_texts() -> None:
    _, retrieval = sample_spans(IDENTITY, SampleSteps(case="c1", repeat=0, start_ns=0, end_ns=1, retrieval=RETRIEVAL))
    assert retrieval.attributes["gen_ai.retrieval.documents"] == ({"id": "d1", "score": 2.5}, {"id": "d2", "score": 1.0})


def test_ids_follow_from_what_the_sample_is() -> None:
    steps = SampleSteps(case="c1", repeat=0, start_ns=0, end_ns=1, chat=CHAT)
    later = SampleSteps(case="c1", repeat=0, start_ns=5, end_ns=9, chat=CHAT)
    assert [span.span_id for span in sample_spans(IDENTITY, steps)] == [span.span_id for span in sample_spans(IDENTITY, later)]
    traces = {trace_id_of(IDENTITY, case, repeat) for case in ("c1", "c2") for repeat in (0, 1)}
    assert len(traces) == 4


def test_a_failed_call_is_marked_on_root_and_call() -> None:
    failed = ChatStep(start_ns=0, end_ns=1, error="timeout")
    spans = sample_spans(IDENTITY, SampleSteps(case="c1", repeat=0, start_ns=0, end_ns=1, chat=failed, error="timeout"))
    assert [span.error for span in spans] == ["timeout", "timeout"]
