"""Answers compared in pairs: both orders, ties, whose error it was, and what is asked for twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eval_material import FakeProvider, make_config, make_evaluation, make_job, reply

from llmops_git.configs.judges import PAIRWISE
from llmops_git.configs.policy import Budget, GateSettings
from llmops_git.configs.schema import validator
from llmops_git.configs.values import Config, ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.evals.compare import compare
from llmops_git.evals.contest import Contest
from llmops_git.evals.evidence import run_document, run_from_document
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.evals.values import Comparison
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.scorers.table import build_scorer

CASES = 24
BASE, HEAD = make_config("c", system="base"), make_config("c", system="head")
Verdict = Callable[[str, str], str]


def judge(**changes: Any) -> Config:
    template = '{"first": {{ first | tojson }}, "second": {{ second | tojson }}}'
    config = make_config(
        "better", model={"provider": "judges", "id": "j"}, messages=[{"role": "user", "template": template}], **changes
    )
    return replace(config, scale={"labels": dict(PAIRWISE)}, kind="judge")


EVALUATION = make_evaluation(CASES, [ScorerSettings(name="better", use="pairwise", judge=judge())])


def says_its_side(request: Request, _number: int) -> Reply:
    """`head 3` for the head's third case."""
    side, word = (str(message["content"]) for message in request.messages)
    return reply(f"{side} {word.removeprefix('word-')}")


def by(verdict: Verdict) -> FakeProvider:
    """A judge that is shown (first, second)."""

    def answer(request: Request, _number: int) -> Reply:
        shown = json.loads(str(request.messages[-1]["content"]))
        return reply(json.dumps({"reasoning": "so", "label": verdict(shown["first"], shown["second"])}))

    return FakeProvider(answer)


def likes(*numbers: int) -> Verdict:
    """The head's answer to some cases, the base's to the others."""

    def verdict(first: str, _second: str) -> str:
        side, number = first.split()
        return "first" if (side == "head") == (int(number) in numbers) else "second"

    return verdict


def contested(judges: FakeProvider, *, answer: Any = says_its_side, repeats: int = 1, **changes: Any) -> Outcome:
    jobs = [make_job(config, EVALUATION, repeats) for config in (BASE, HEAD)]
    contest = Contest(base_digest=BASE.digest, head_digest=HEAD.digest, eval_digest=EVALUATION.digest)
    options: dict[str, Any] = {
        "providers": {"fake": FakeProvider(answer), "judges": judges}, "cache": None, "budget": Budget(), "prices": {},
        "contests": [contest], **changes,
    }  # fmt: skip
    return evaluate(jobs, **options)


def comparison(outcome: Outcome) -> Comparison:
    base, head = outcome.runs
    return compare(
        base, head, evaluation=EVALUATION, settings=GateSettings(), against="merge base", base_name="", instrument="head"
    )


def test_every_pair_is_asked_in_both_orders_and_has_one_score_for_both_sides() -> None:
    judges = by(likes(*range(20)))
    [scorer] = comparison(contested(judges)).scorers
    assert 2 * CASES == len(judges.asked)
    shown = [json.loads(str(request.messages[-1]["content"])) for request in judges.asked]
    assert {(f"head {n}", f"base {n}") for n in range(CASES)} | {(f"base {n}", f"head {n}") for n in range(CASES)} == {
        (one["first"], one["second"]) for one in shown
    }
    assert (20, 4, 0, "improved") == (scorer.better, scorer.worse, scorer.same, scorer.verdict)
    assert pytest.approx((20 / 24, 4 / 24, 16 / 24)) == (scorer.head, scorer.base, scorer.delta)


def test_a_worse_head_is_stopped() -> None:
    found = comparison(contested(by(likes())))
    assert ("regressed", False) == (found.verdict, found.gate_passes)
    assert {(1.0, 0.0)} == {(flip.base_value, flip.head_value) for flip in found.flipped}
    assert "head 0" in {flip.head_output for flip in found.flipped}


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_judge_that_looks_at_the_place_and_not_at_the_answers_favours_nobody(place: str) -> None:
    outcome = contested(by(lambda *_: place))
    found = comparison(outcome)
    assert ("inconclusive", 0, CASES) == (found.verdict, found.scorers[0].worse, found.scorers[0].same)
    said = f"in {CASES} of {CASES} pairs the judge changed its mind when the order was turned: counted as ties"
    assert said in found.scorers[0].notes
    assert {(0.5, "split")} == {(pair.score.value, pair.score.label) for one in outcome.runs[1].samples for pair in one.pairs}


def test_ties_are_ties_and_no_disagreement() -> None:
    found = comparison(contested(by(lambda *_: "tie")))
    assert (0.5, 0.5, CASES, ()) == (
        found.scorers[0].base,
        found.scorers[0].head,
        found.scorers[0].same,
        found.scorers[0].notes,
    )


def test_equal_answers_tie_and_empty_ones_lose_without_a_request() -> None:
    judges = by(likes())

    def answer(request: Request, _number: int) -> Reply:
        side, word = (str(message["content"]) for message in request.messages)
        return reply("" if (side, word) == ("base", "word-0") else "the same")

    found = comparison(contested(judges, answer=answer))
    assert ([], 1, 0, CASES - 1) == (
        judges.asked, found.scorers[0].better, found.scorers[0].worse, found.scorers[0].same
    )  # fmt: skip


def test_whoever_did_not_answer_is_to_blame_and_not_the_other_side() -> None:
    def answer(request: Request, number: int) -> Reply:
        if str(request.messages[0]["content"]) == "base" and str(request.messages[1]["content"]) in {"word-1", "word-2"}:
            raise ProviderError("content_filter", "refused")
        return says_its_side(request, number)

    judges = by(likes(*range(CASES)))
    found = comparison(contested(judges, answer=answer))
    assert 2 * (CASES - 2) == len(judges.asked)
    assert "errors fell mostly on the base (2 base, 0 head)" in found.scorers[0].notes


def test_a_judge_that_says_nothing_leaves_the_pair_unmeasured_on_both_sides() -> None:
    found = comparison(contested(by(lambda *_: "neither")))
    assert "invalid" == found.verdict
    assert not any("mostly" in note for note in found.scorers[0].notes)


def test_each_repeat_is_a_pair_of_its_own_and_the_evidence_comes_back() -> None:
    judges = by(likes(0))
    outcome = contested(judges, repeats=2)
    assert 4 * CASES == len(judges.asked)
    document = json.loads(json.dumps(run_document(outcome.runs[1])))
    validator("run").validate(document)
    assert outcome.runs[1] == run_from_document(document)
    assert {1} == {len(sample.pairs) for sample in outcome.runs[1].samples}
    assert {2} == {len(pair.score.judgements) for sample in outcome.runs[1].samples for pair in sample.pairs}


def test_a_base_that_is_known_already_is_compared_with_as_well() -> None:
    base = contested(by(lambda *_: "tie")).runs[0]
    judges = by(likes(*range(CASES)))
    known = Contest(base_digest=BASE.digest, head_digest=HEAD.digest, eval_digest=EVALUATION.digest, known=base)
    outcome = evaluate(
        [make_job(HEAD, EVALUATION)],
        providers={"fake": FakeProvider(says_its_side), "judges": judges}, cache=None, budget=Budget(), prices={}, contests=[known],
    )  # fmt: skip
    assert "improved" == comparison(replace(outcome, runs=(base, *outcome.runs))).verdict


def test_a_head_is_compared_with_each_base_by_itself_and_with_itself_never() -> None:
    other = make_config("c", system="other")
    jobs = [make_job(config, EVALUATION) for config in (BASE, other, HEAD)]
    contests = [
        Contest(base_digest=config.digest, head_digest=HEAD.digest, eval_digest=EVALUATION.digest) for config in (BASE, other)
    ]
    judges = by(lambda first, _second: "first" if first.startswith("head") else "second" if "base" in first else "tie")
    outcome = evaluate(
        jobs, providers={"fake": FakeProvider(says_its_side), "judges": judges}, cache=None, budget=Budget(), prices={},
        contests=contests,
    )  # fmt: skip
    base, third, head = outcome.runs
    assert "improved" == comparison(replace(outcome, runs=(base, head))).verdict
    assert 4 * CASES == len(judges.asked)
    assert "unchanged" == comparison(replace(outcome, runs=(head, head))).verdict
    against_other = comparison(replace(outcome, runs=(third, head))).scorers[0]
    assert (0, CASES) == (against_other.better, against_other.same)  # `first` for the head, then a tie: split


def test_a_new_config_has_nothing_to_be_compared_with() -> None:
    run = contested(by(likes())).runs[1]
    found = compare(
        None, run, evaluation=EVALUATION, settings=GateSettings(), against="nothing", base_name="", instrument="head"
    )
    assert ("unchanged", 0, None) == (found.verdict, found.scorers[0].cases, found.scorers[0].head)


def test_the_plan_counts_two_requests_for_each_pair() -> None:
    jobs = [make_job(BASE, EVALUATION), replace(make_job(HEAD, EVALUATION), opponents=1)]
    assert 2 * CASES == make_plan(jobs, cache=None, prices={}).judge_requests


def test_a_judge_of_pairs_and_one_of_single_answers_are_not_taken_for_each_other() -> None:
    single = replace(judge(), scale={"labels": {"pass": 1, "fail": 0}})
    with pytest.raises(LlmopsError, match="does not compare two answers"):
        build_scorer(ScorerSettings(name="better", use="pairwise", judge=single))
    with pytest.raises(LlmopsError, match="compares two answers, and here there is one"):
        build_scorer(ScorerSettings(name="better", use="judge", judge=judge()))
