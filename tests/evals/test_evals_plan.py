"""The plan: what a run will ask for, before the first call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from eval_material import FakeProvider, make_config, make_evaluation, make_job

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case, ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.evals.cache import Cache
from llmops_git.evals.history import History
from llmops_git.evals.plan import make_plan, over_budget
from llmops_git.evals.run import evaluate
from llmops_git.providers.base import Usage

PRICES = {"fake-1": Price(input=1.0, output=10.0)}


def test_a_plan_counts_requests_tokens_and_money() -> None:
    plan = make_plan([make_job(repeats=2)], cache=None, prices=PRICES)
    assert (plan.requests, plan.cached, plan.shared) == (6, 0, 0)
    assert plan.output_tokens_max == 6 * 8
    assert 6 * 4 < plan.input_tokens < 6 * 40
    assert plan.cost_usd == pytest.approx((plan.input_tokens * 1.0 + 48 * 10.0) / 1e6)
    assert plan.unpriced == ()


def test_requests_that_two_jobs_share_are_planned_once() -> None:
    one = make_job(evaluation=make_evaluation(3, digest="sha256:1"))
    two = make_job(evaluation=make_evaluation(5, digest="sha256:2"))
    plan = make_plan([one, two], cache=None, prices=PRICES)
    assert [(part.samples, part.requests, part.shared) for part in plan.per_job] == [(3, 3, 0), (5, 2, 3)]


def test_an_unknown_price_is_an_unknown_cost() -> None:
    priced, unpriced = make_job(), make_job(make_config("other", model={"provider": "fake", "id": "fake-2"}))
    plan = make_plan([priced, unpriced], cache=None, prices=PRICES)
    assert plan.cost_usd is None
    assert plan.unpriced == ("fake/fake-2",)
    assert plan.per_job[0].cost_usd is not None


def test_the_plan_is_what_the_run_sends(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    provider = FakeProvider()
    fingerprints = {"fake": provider.fingerprint()}
    for cases, expected in ((4, 4), (4, 0), (6, 2)):
        jobs = [make_job(evaluation=make_evaluation(cases))]
        plan = make_plan(jobs, cache=cache, prices=PRICES, fingerprints=fingerprints)
        outcome = evaluate(jobs, providers={"fake": provider}, cache=cache, budget=Budget(), prices=PRICES)
        assert plan.requests == outcome.spending.sent == expected
        assert plan.cached == outcome.spending.cached
    assert make_plan(jobs, cache=cache, prices=PRICES, fingerprints={"fake": "another engine"}).requests == 6


def test_a_plan_bounds_what_the_run_costs() -> None:
    jobs = [make_job(repeats=3)]
    plan = make_plan(jobs, cache=None, prices=PRICES)
    outcome = evaluate(jobs, providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices=PRICES)
    assert 0 < outcome.spending.cost_usd <= plan.cost_usd


def test_judges_are_planned_too() -> None:
    judge = make_config("judge", provider="judges")
    scorer = ScorerSettings(name="helpful", use="judge", judge=judge)
    plan = make_plan([make_job(evaluation=make_evaluation(3, [scorer]))], cache=None, prices=PRICES)
    assert (plan.requests, plan.judge_requests) == (3, 3)
    assert plan.output_tokens_max == 3 * 8 + 3 * 8


def test_a_broken_template_stops_the_plan_and_names_config_and_case() -> None:
    evaluation = make_evaluation([Case(id="fine", inputs={"word": "x"}), Case(id="odd", inputs={})])
    with pytest.raises(LlmopsError, match=r"config `echo`, case `odd`: .*'word' is undefined"):
        make_plan([make_job(evaluation=evaluation)], cache=None, prices={})


def test_a_plan_says_which_limits_it_would_meet() -> None:
    plan = make_plan([make_job()], cache=None, prices=PRICES)
    assert over_budget(plan, Budget()) == ()
    assert over_budget(plan, Budget(max_requests=2)) == ("3 requests are planned, 2 are allowed",)
    (money,) = over_budget(plan, Budget(max_usd=0.0001))
    assert money.endswith("is planned, $0.0001 is allowed")


def test_a_run_takes_over_the_requests_that_its_plan_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [make_job(make_config(retrieval={"retriever": "bm25", "query": "{{ word }}"}, documents=("word",)), repeats=2)]
    plan = make_plan(jobs, cache=None, prices=PRICES)
    plain = evaluate(jobs, providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices=PRICES)
    monkeypatch.setattr("llmops_git.evals.run.prepare", lambda *_: pytest.fail("rendered again"))
    planned = evaluate(jobs, providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices=PRICES, plan=plan)
    assert [sample.output for sample in plain.runs[0].samples] == [sample.output for sample in planned.runs[0].samples]
    assert all(span.start_ns <= span.end_ns for span in planned.spans)


def test_a_plan_reckons_with_replies_as_long_as_the_base_had(tmp_path: Path) -> None:
    """The limit is 8 tokens; the base's replies to the same cases had 2."""
    cache = Cache(tmp_path)
    base, head = make_job(), make_job(make_config(system="Repeat the word twice."))
    evaluate([base], providers={"fake": FakeProvider()}, cache=cache, budget=Budget(), prices={})
    prices = {"fake-1": Price(input=0, output=1_000_000)}
    plan = make_plan([base, head], cache=cache, prices=prices)
    assert (plan.cached, plan.requests, plan.from_history) == (3, 3, 3)
    assert (plan.output_tokens_likely, plan.output_tokens_max) == (6, 24)
    assert (plan.likely_usd, plan.cost_usd) == (pytest.approx(6.0), pytest.approx(24.0))


def test_without_earlier_replies_a_plan_reckons_with_the_longest() -> None:
    plan = make_plan([make_job()], cache=None, prices={})
    assert (plan.from_history, plan.output_tokens_likely) == (0, plan.output_tokens_max)


def test_a_plan_learns_from_a_run_that_is_known_and_never_reckons_with_more_than_is_allowed() -> None:
    run = evaluate([make_job()], providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices={}).runs[0]
    usage = Usage(output_tokens=5000)
    long = replace(run, samples=tuple(replace(sample, usage=usage) for sample in run.samples))
    head = make_job(make_config(system="Repeat the word twice."))
    assert make_plan([head], cache=None, prices={}, history=History([run])).output_tokens_likely == 6
    assert make_plan([head], cache=None, prices={}, history=History([long])).output_tokens_likely == 24
