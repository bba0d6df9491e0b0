"""What judges said is kept: in the score, word for word in the evidence, and asked once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from eval_material import FakeProvider, make_config, make_evaluation, make_job, reply

from llmops_git.configs.policy import Budget
from llmops_git.configs.values import ScorerSettings
from llmops_git.evals.evidence import run_document, run_from_document
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.providers.base import Reply, Request

SAID = json.dumps({"reasoning": "It repeats the word.", "label": "pass"})
LABELS = {"labels": {"pass": 1, "fail": 0}}


def judge(name: str = "judge", **changes: Any) -> Any:
    model = {"provider": "judges", "id": name}
    config = make_config(name, model=model, messages=[{"role": "user", "template": "{{ output }}?"}], **changes)
    return replace(config, scale=LABELS, kind="judge")


def measured(scorer: ScorerSettings, judges: FakeProvider, cases: int = 2) -> Outcome:
    job = make_job(evaluation=make_evaluation(cases, [scorer]))
    return evaluate([job], providers={"fake": FakeProvider(), "judges": judges}, cache=None, budget=Budget(), prices={})


def test_reasoning_is_the_explanation_and_the_raw_reply_is_in_the_evidence() -> None:
    judges = FakeProvider(lambda *_: reply(SAID))
    [run] = measured(ScorerSettings(name="kind", use="judge", judge=judge()), judges).runs
    score = run.samples[0].scores["kind"]
    assert (1.0, "pass", "It repeats the word.") == (score.value, score.label, score.explanation)
    [judgement] = score.judgements
    assert ("judge", SAID) == (judgement.judge, judgement.reply)
    assert judgement.key in {request.key(0) for request in judges.asked}
    assert run == run_from_document(json.loads(json.dumps(run_document(run))))


def test_the_judge_is_asked_by_schema_unless_it_says_otherwise_or_has_its_own() -> None:
    own = {"type": "object", "properties": {"label": {"type": "string"}}}
    kinds = [judge(), judge(judge={"reply": "text"}), judge(output={"schema": own})]
    schemas = []
    for config in kinds:
        judges = FakeProvider(lambda *_: reply(SAID))
        measured(ScorerSettings(name="kind", use="judge", judge=config), judges, cases=1)
        schemas.append(judges.asked[0].output_schema)
    assert ["reasoning", "label"] == list((schemas[0] or {})["properties"])
    assert ["pass", "fail"] == (schemas[0] or {})["properties"]["label"]["enum"]
    assert [None, own] == schemas[1:]


def test_a_reply_that_is_no_verdict_is_not_measured_and_still_kept() -> None:
    judges = FakeProvider(lambda *_: reply("Hm."))
    [run] = measured(ScorerSettings(name="kind", use="judge", judge=judge()), judges, cases=1).runs
    score = run.samples[0].scores["kind"]
    assert ("not_measured", "judge", "Hm.") == (score.state, score.label, score.judgements[0].reply)


def test_every_judge_of_a_panel_is_asked_and_kept() -> None:
    def answer(request: Request, _number: int) -> Reply:
        return reply(json.dumps({"reasoning": request.model, "label": "fail" if request.model == "b" else "pass"}))

    panel = ScorerSettings(name="kind", use="panel", judges=(judge("a"), judge("b"), judge("c")))
    [run] = measured(panel, FakeProvider(answer), cases=1).runs
    score = run.samples[0].scores["kind"]
    assert (1.0, "2 pass, 1 fail") == (score.value, score.explanation.partition("\n")[0])
    assert ["a", "b", "c"] == [judgement.judge for judgement in score.judgements]


def test_a_plan_counts_every_request_that_a_scorer_can_make() -> None:
    scorers = [
        ScorerSettings(name="panel", use="panel", judges=(judge("a"), judge("b"), judge("c"))),
        ScorerSettings(name="faithful", use="faithfulness", judge=judge()),
        ScorerSettings(name="relevant", use="answer_relevance", judge=judge()),
    ]
    plan = make_plan([make_job(evaluation=make_evaluation(2, scorers))], cache=None, prices={})
    assert 2 * (3 + 2 + 1) == plan.judge_requests


def test_faithfulness_runs_through_the_run() -> None:
    def answer(request: Request, _number: int) -> Reply:
        if "claims apart" in str(request.messages[0]["content"]) or "into claims" in str(request.messages[0]["content"]):
            return reply(json.dumps({"claims": ["word-0 is there.", "It is blue."]}))
        holds = [{"number": 1, "reasoning": "", "holds": True}, {"number": 2, "reasoning": "no", "holds": False}]
        return reply(json.dumps({"verdicts": holds}))

    config = make_config(
        retrieval={"retriever": "bm25", "top_k": 2, "chunk": {"size": 100, "overlap": 0}, "query": "{{ word }}"},
        documents=("word-0 is here",),
    )
    job = make_job(config, make_evaluation(1, [ScorerSettings(name="f", use="faithfulness", judge=judge())]))
    providers = {"fake": FakeProvider(), "judges": FakeProvider(answer)}
    [run] = evaluate([job], providers=providers, cache=None, budget=Budget(), prices={}).runs
    score = run.samples[0].scores["f"]
    assert (0.5, 2) == (score.value, len(score.judgements))
    documents = json.loads(str(providers["judges"].asked[1].messages[1]["content"]))["documents"]
    assert [{"text": "word-0 is here"}] == documents


def test_two_sides_are_judged_by_one_pin_and_equal_outputs_once() -> None:
    judges = FakeProvider(lambda *_: reply(SAID))
    evaluation = make_evaluation(3, [ScorerSettings(name="kind", use="judge", judge=judge())])
    jobs = [make_job(make_config("a"), evaluation), make_job(make_config("b", system="Say it again."), evaluation)]
    evaluate(jobs, providers={"fake": FakeProvider(), "judges": judges}, cache=None, budget=Budget(), prices={})
    assert 3 == len(judges.asked)
    assert {"judge"} == {request.model for request in judges.asked}
