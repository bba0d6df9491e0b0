"""Running evaluations with providers that follow a script: what is measured, what is bought, what is said."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eval_material import (
    EXACT,
    FakeClock,
    FakeProvider,
    echo,
    make_cases,
    make_config,
    make_evaluation,
    make_job,
    reply,
    scores_of,
)
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case, ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.evals.budget import Ledger
from llmops_git.evals.cache import Cache
from llmops_git.evals.retry import Patience
from llmops_git.evals.run import Job, Outcome, evaluate
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.replay import ReplayProvider
from llmops_git.scorers import table as scorer_table
from llmops_git.scorers.base import Sample, Score

PRICES = {"fake-1": Price(input=100_000.0, output=500_000.0)}  # 10 and 2 tokens: two dollars a reply


def run(jobs: Job | list[Job], provider: FakeProvider | None = None, **options: Any) -> Outcome:
    jobs = [jobs] if isinstance(jobs, Job) else jobs
    providers = options.pop("providers", None) or {"fake": provider or FakeProvider()}
    defaults = {"cache": None, "budget": Budget(max_usd=None), "prices": {}, "clock": FakeClock()}
    return evaluate(jobs, providers=providers, **{**defaults, **options})


# --- what is measured


def test_every_case_is_measured_in_order() -> None:
    outcome = run(make_job(evaluation=make_evaluation(20)), FakeProvider(concurrency=8))
    (result,) = outcome.runs
    assert [sample.case for sample in result.samples] == [f"c{number}" for number in range(20)]
    assert set(scores_of(result.samples).values()) == {1.0}
    assert (outcome.spending.planned, outcome.spending.sent, outcome.spending.cached) == (20, 20, 0)
    assert outcome.problems == ()


def test_a_run_says_what_it_is() -> None:
    cases = (Case(id="a", inputs={"word": "x"}, must_pass=True), Case(id="b", inputs={"word": "y"}, cluster="doc-1"))
    job = make_job(evaluation=make_evaluation(cases))
    (result,) = run(job).runs
    assert (result.config, result.config_digest, result.eval_digest) == ("echo", job.config.digest, "sha256:e")
    assert (result.provider, result.model, result.engine) == ("fake", "fake-1", "fake engine 1; fake-1a")
    assert (result.cases, result.must_pass, dict(result.clusters)) == (("a", "b"), ("a",), {"b": "doc-1"})
    assert result.started_at == "2026-01-01T00:00:00+00:00"
    assert [(scorer.name, scorer.use, scorer.scale) for scorer in result.scorers] == [("answer", "exact", "binary")]


def test_a_sample_holds_output_usage_latency_and_cost() -> None:
    (sample,) = run(make_job(evaluation=make_evaluation(1)), prices=PRICES).runs[0].samples
    assert (sample.output, sample.finish_reason, sample.latency_seconds, sample.cost_usd) == ("word-0", "stop", 0.25, 2.0)
    assert sample.usage == Usage(input_tokens=10, output_tokens=2)


def test_repeats_are_draws_of_their_own() -> None:
    provider = FakeProvider(lambda request, _number: reply(f"draw {request.sample}"))
    (result,) = run(make_job(evaluation=make_evaluation(2), repeats=3), provider).runs
    assert [(sample.case, sample.repeat, sample.output) for sample in result.samples] == [
        (f"c{case}", draw, f"draw {draw}") for case in range(2) for draw in range(3)
    ]


def test_later_repeats_can_be_added() -> None:
    provider = FakeProvider(lambda request, _number: reply(f"draw {request.sample}"))
    (result,) = run(make_job(evaluation=make_evaluation(1), repeats=2), provider, first_repeat=3).runs
    assert [(sample.repeat, sample.output) for sample in result.samples] == [(3, "draw 3"), (4, "draw 4")]
    assert result.repeats == 2


def test_jobs_are_run_side_by_side_and_take_turns_in_going_first() -> None:
    provider = FakeProvider(concurrency=1)
    run([make_job(make_config("a", system="A")), make_job(make_config("b", system="B"))], provider)
    asked = [(request.messages[0]["content"], request.messages[1]["content"]) for request in provider.asked]
    expected = [(side, f"word-{case}") for case, sides in enumerate(("AB", "BA", "AB")) for side in sides]
    assert asked == expected


def test_retrieved_documents_reach_the_prompt_and_the_trace() -> None:
    config = make_config(
        messages=[{"role": "user", "template": "{{ documents[0].text }}|{{ word }}"}],
        retrieval={"retriever": "bm25", "query": "{{ word }}", "top_k": 1},
        documents=("the cat sat", "the dog ran"),
    )
    case = Case(id="c", inputs={"word": "dog"}, expected="the dog ran|dog")
    outcome = run(make_job(config, make_evaluation([case])))
    assert scores_of(outcome.runs[0].samples) == {"c": 1.0}
    _, retrieval, _ = list(outcome.spans)
    assert retrieval.name == "retrieval bm25"


def test_a_reply_that_only_calls_tools_is_scored_as_its_calls() -> None:
    call = {"id": "1", "name": "lookup", "arguments": '{"id": 7}'}
    provider = FakeProvider(lambda _request, _number: reply("", tool_calls=(call,)))
    (sample,) = run(make_job(evaluation=make_evaluation(1)), provider).runs[0].samples
    assert sample.output == '[{"name": "lookup", "arguments": "{\\"id\\": 7}"}]'


@pytest.mark.parametrize(
    ("text", "finish"), [("half a wo", "length"), ("I cannot do that.", "refusal"), ("{", "stop"), ("", "")]
)
def test_failures_of_the_candidate_are_scored_as_they_are(text: str, finish: str) -> None:
    provider = FakeProvider(lambda _request, _number: reply(text, finish_reason=finish))
    (sample,) = run(make_job(evaluation=make_evaluation(1)), provider).runs[0].samples
    assert (sample.error, sample.scores["answer"].state, sample.scores["answer"].value) == ("", "measured", 0.0)


def test_text_that_utf8_cannot_hold_is_mended() -> None:
    (sample,) = run(make_job(evaluation=make_evaluation(1)), FakeProvider(lambda *_: reply("a\ud800b"))).runs[0].samples
    assert sample.output == "a?b"


# --- what is bought


def test_identical_requests_of_several_jobs_are_bought_once() -> None:
    provider = FakeProvider(concurrency=8)
    jobs = [make_job(evaluation=make_evaluation(10, digest=f"sha256:{number}")) for number in range(3)]
    outcome = run(jobs, provider, prices=PRICES)
    assert (len(provider.asked), outcome.spending.sent, outcome.spending.planned) == (10, 10, 30)
    assert outcome.spending.cost_usd == 20.0
    assert all(set(scores_of(result.samples).values()) == {1.0} for result in outcome.runs)


def test_a_second_run_asks_for_nothing(tmp_path: Path) -> None:
    provider = FakeProvider()
    first = run(make_job(repeats=2), provider, cache=Cache(tmp_path), prices=PRICES)
    second = run(make_job(repeats=2), provider, cache=Cache(tmp_path), prices=PRICES)
    assert (len(provider.asked), second.spending.sent, second.spending.cached) == (6, 0, 6)
    assert second.spending.cost_usd == 0.0
    assert [sample.output for sample in second.runs[0].samples] == [sample.output for sample in first.runs[0].samples]
    assert all(sample.cached and sample.cost_usd == 2.0 and sample.latency_seconds == 0.25 for sample in second.runs[0].samples)


def test_more_repeats_buy_only_the_new_ones(tmp_path: Path) -> None:
    provider = FakeProvider()
    run(make_job(repeats=1), provider, cache=Cache(tmp_path))
    outcome = run(make_job(repeats=3), provider, cache=Cache(tmp_path))
    assert (outcome.spending.sent, outcome.spending.cached) == (6, 3)


def test_replies_of_another_engine_are_not_used(tmp_path: Path) -> None:
    run(make_job(), FakeProvider(), cache=Cache(tmp_path))
    newer = FakeProvider()
    newer.fingerprint = lambda: "fake engine 2"
    assert run(make_job(), newer, cache=Cache(tmp_path)).spending.sent == 3


def test_a_cache_that_cannot_be_written_loses_no_reply(tmp_path: Path) -> None:
    (tmp_path / "replies").write_text("in the way")
    outcome = run(make_job(), cache=Cache(tmp_path / "replies"))
    assert set(scores_of(outcome.runs[0].samples).values()) == {1.0}
    assert len(outcome.problems) == 1
    assert "cannot be kept" in outcome.problems[0]


def test_workers_are_not_shared_and_no_more_calls_are_under_way_than_allowed() -> None:
    gate = threading.Barrier(3)

    def meet(request: Request, number: int) -> Reply:
        if number < 3:
            gate.wait(10)
        return echo(request, number)

    provider = FakeProvider(meet, concurrency=3)
    run(make_job(evaluation=make_evaluation(30)), provider)
    assert (provider.most_under_way, provider.worker_shared) == (3, False)


# --- what goes wrong


def _failing(kind: str, times: int = 10**9, **options: Any) -> Callable[[Request, int], Reply]:
    """Fails for each request so many times, then echoes."""
    failures: dict[str, int] = {}

    def answer(request: Request, number: int) -> Reply:
        word = request.messages[-1]["content"]
        failures[word] = failures.get(word, 0) + 1
        if failures[word] <= times:
            raise ProviderError(kind, f"{kind} happened", **options)
        return echo(request, number)

    return answer


@pytest.mark.parametrize("kind", ["server", "timeout", "network", "rate_limit"])
def test_errors_that_pass_are_asked_again(kind: str) -> None:
    provider = FakeProvider(_failing(kind, times=2))
    clock = FakeClock()
    outcome = run(make_job(), provider, clock=clock)
    assert set(scores_of(outcome.runs[0].samples).values()) == {1.0}
    assert (outcome.spending.sent, len(provider.asked)) == (9, 9)
    assert sum(clock.slept) > 1.0


@pytest.mark.parametrize("kind", ["server", "timeout", "network", "rate_limit", "bad_request", "auth"])
def test_errors_that_stay_are_not_measured_and_neither_zero_nor_dropped(kind: str) -> None:
    outcome = run(make_job(), FakeProvider(_failing(kind)), patience=Patience(attempts=3, rate_limited=3))
    samples = outcome.runs[0].samples
    assert [(sample.case, sample.error, sample.output) for sample in samples] == [(f"c{case}", kind, "") for case in range(3)]
    assert all(sample.scores["answer"].state == "not_measured" and sample.scores["answer"].value is None for sample in samples)
    assert "happened" in samples[0].scores["answer"].explanation
    assert outcome.problems == (f"3 samples are not measured ({kind}): {kind} happened",)


def test_one_failing_case_leaves_the_others_alone() -> None:
    def answer(request: Request, number: int) -> Reply:
        if request.messages[-1]["content"] == "word-1":
            raise ProviderError("bad_request", "too odd")
        return echo(request, number)

    assert scores_of(run(make_job(), FakeProvider(answer)).runs[0].samples) == {"c0": 1.0, "c1": None, "c2": 1.0}


def test_a_refused_key_ends_the_asking() -> None:
    provider = FakeProvider(_failing("auth"), concurrency=1)
    outcome = run(make_job(evaluation=make_evaluation(50)), provider)
    assert len(provider.asked) == 1
    assert {sample.error for sample in outcome.runs[0].samples} == {"auth"}


def test_a_dead_server_is_not_stormed() -> None:
    provider = FakeProvider(_failing("server"), concurrency=1)
    run(make_job(evaluation=make_evaluation(500)), provider, patience=Patience(attempts=3))
    assert len(provider.asked) == 10 * 3


def test_a_missing_recording_is_loud_and_names_config_case_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"config `echo`, case `c\d`, repeat 0: fake: no recorded reply") as caught:
        run(make_job(), providers={"fake": ReplayProvider("fake", tmp_path)})
    assert caught.value.kind == "replay_miss"
    assert str(tmp_path) in caught.value.message
    assert caught.value.exit_code == 3


def test_a_provider_that_is_not_open_is_an_error() -> None:
    with pytest.raises(LlmopsError, match="provider `elsewhere` is not open"):
        run(make_job(make_config(provider="elsewhere")))


def test_a_request_that_cannot_be_rendered_stops_the_run_and_names_the_case() -> None:
    with pytest.raises(LlmopsError, match="config `echo`, case `odd`"):
        run(make_job(evaluation=make_evaluation([Case(id="odd", inputs={})])))


def test_inputs_that_json_cannot_carry_are_an_error() -> None:
    with pytest.raises(LlmopsError, match="config `echo`, case `odd`"):
        run(make_job(evaluation=make_evaluation([Case(id="odd", inputs={"word": "\ud800"})])))


def test_a_bug_in_a_provider_is_raised_and_not_hidden() -> None:
    def broken(_request: Request, _number: int) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(make_job(), FakeProvider(broken))


# --- money


def test_the_budget_stops_the_buying_and_what_is_left_is_not_measured() -> None:
    provider = FakeProvider(concurrency=4)
    most = (34 + 3 * 16 + 6) * 0.1 + 8 * 0.5  # nothing costs more than about this: bytes and marks, and eight tokens
    outcome = run(make_job(evaluation=make_evaluation(30)), provider, budget=Budget(max_usd=most + 20), prices=PRICES)
    samples = outcome.runs[0].samples
    measured = [sample for sample in samples if not sample.error]
    assert 5 <= len(measured) < 30
    assert {sample.error for sample in samples} == {"", "budget"}
    assert outcome.spending.cost_usd == 2.0 * len(measured) <= most + 20
    assert "the budget of" in outcome.problems[0]


def test_a_budget_below_one_call_asks_nothing() -> None:
    provider = FakeProvider()
    outcome = run(make_job(), provider, budget=Budget(max_usd=0.01), prices=PRICES)
    assert provider.asked == []
    assert {sample.error for sample in outcome.runs[0].samples} == {"budget"}


def test_what_is_paid_for_already_needs_no_budget(tmp_path: Path) -> None:
    run(make_job(), cache=Cache(tmp_path), prices=PRICES)
    outcome = run(make_job(), cache=Cache(tmp_path), prices=PRICES, budget=Budget(max_usd=0.0, max_requests=0))
    assert set(scores_of(outcome.runs[0].samples).values()) == {1.0}


def test_requests_are_limited_retries_included() -> None:
    provider = FakeProvider(_failing("server", times=1), concurrency=1)
    outcome = run(make_job(evaluation=make_evaluation(10)), provider, budget=Budget(max_requests=5))
    assert len(provider.asked) == 5
    assert [sample.error for sample in outcome.runs[0].samples].count("") == 2


def test_one_ledger_bounds_several_runs_together() -> None:
    ledger = Ledger(Budget(max_usd=None, max_requests=4))
    provider = FakeProvider()
    first = run(make_job(), provider, budget=ledger)
    second = run(make_job(make_config("other", system="B")), provider, budget=ledger)
    assert (first.spending.sent, second.spending.sent, len(provider.asked)) == (3, 1, 4)


def test_an_unknown_price_is_an_unknown_cost() -> None:
    outcome = run(make_job(), budget=Budget(max_usd=0.01))
    assert outcome.spending.cost_usd is None
    assert {sample.cost_usd for sample in outcome.runs[0].samples} == {None}


def test_calls_that_may_have_been_billed_count_in_full() -> None:
    provider = FakeProvider(_failing("timeout", times=1, charged=True))
    billed = run(make_job(evaluation=make_evaluation(1)), provider, prices=PRICES)
    free = run(make_job(evaluation=make_evaluation(1)), FakeProvider(_failing("server", times=1)), prices=PRICES)
    assert billed.spending.cost_usd > free.spending.cost_usd == 2.0


@given(
    st.lists(st.sampled_from(["ok", "server", "timeout", "no usage"]), min_size=1, max_size=30),
    st.integers(0, 60),
    st.sampled_from([1, 3, 8]),
)
def test_no_script_of_replies_makes_a_run_spend_more_than_its_budget(script: list[str], dollars: int, concurrency: int) -> None:
    charged: list[float] = []

    def answer(request: Request, number: int) -> Reply:
        step = script[number % len(script)]
        if step == "server":
            raise ProviderError("server", "no")
        charged.append(8 * 0.5 + 0.1 * 10)  # the largest reply that the request allows
        if step == "timeout":
            raise ProviderError("timeout", "late", charged=True)
        usage = Usage() if step == "no usage" else Usage(input_tokens=10, output_tokens=8)
        return reply(str(request.messages[-1]["content"]), usage=usage)

    provider = FakeProvider(answer, concurrency=concurrency)
    outcome = run(make_job(evaluation=make_evaluation(12)), provider, budget=Budget(max_usd=dollars), prices=PRICES)
    assert sum(charged) <= dollars
    assert outcome.spending.cost_usd <= dollars + 1e-9


# --- scorers


@dataclass
class Custom:
    """A scorer made of a function."""

    function: Callable[[Sample, Any], Score]
    direction: str = "higher"
    scale: str = "continuous"
    step: float = 0.25
    ratio: bool = False

    def score(self, sample: Sample, session: Any) -> Score:
        return self.function(sample, session)


@pytest.fixture
def custom(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Sample, Any], Score]], ScorerSettings]:
    """Makes a function a scorer named `custom`."""

    def make(function: Callable[[Sample, Any], Score], **settings: Any) -> ScorerSettings:
        module = type(sys)("llmops_git.scorers.custom_for_tests")
        module.build = lambda _settings: Custom(function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(scorer_table.SCORERS, "custom", "custom_for_tests")
        return ScorerSettings(name="custom", use="custom", **settings)

    return make


def test_a_scorer_that_raises_measures_nothing_and_says_why(custom: Callable[..., ScorerSettings]) -> None:
    def broken(_sample: Sample, _session: object) -> Score:
        raise ValueError("I am broken")

    (result,) = run(make_job(evaluation=make_evaluation(2, [custom(broken), EXACT]))).runs
    score = result.samples[0].scores["custom"]
    assert (score.state, score.value) == ("not_measured", None)
    assert score.explanation == "the scorer failed: ValueError: I am broken"
    assert set(scores_of(result.samples).values()) == {1.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_a_score_that_is_no_number_measures_nothing(custom: Callable[..., ScorerSettings], value: float | None) -> None:
    (result,) = run(make_job(evaluation=make_evaluation(1, [custom(lambda *_: Score(value=value))]))).runs
    assert result.samples[0].scores["custom"].state == "not_measured"


def test_scorers_see_latency_cost_and_tokens(custom: Callable[..., ScorerSettings]) -> None:
    seen: list[Sample] = []

    def look(sample: Sample, _session: object) -> Score:
        seen.append(sample)
        return Score(value=1.0)

    run(make_job(evaluation=make_evaluation(1, [custom(look)])), prices=PRICES)
    assert seen == [
        Sample(
            inputs={"word": "word-0"},
            expected="word-0",
            output="word-0",
            finish_reason="stop",
            latency_seconds=0.25,
            cost_usd=2.0,
            input_tokens=10,
            output_tokens=2,
        )
    ]


def _asks_its_judge(sample: Sample, session: Any) -> Score:
    answer = session.generate(({"role": "user", "content": f"is {sample.output} good?"},))
    return Score(value=1.0 if answer == "yes" else 0.0)


def _judged(custom: Callable[..., ScorerSettings]) -> Job:
    judge = make_config("judge", provider="judges", model={"provider": "judges", "id": "judge-1"})
    return make_job(evaluation=make_evaluation(4, [custom(_asks_its_judge, judge=judge)]))


def test_judges_are_asked_through_the_same_cache_and_budget(custom: Callable[..., ScorerSettings], tmp_path: Path) -> None:
    judges = FakeProvider(lambda *_: reply("yes"), concurrency=2)
    providers = {"fake": FakeProvider(), "judges": judges}
    job = _judged(custom)
    outcome = run(job, providers=providers, cache=Cache(tmp_path), prices={**PRICES, "judge-1": PRICES["fake-1"]})
    assert scores_of(outcome.runs[0].samples, "custom") == {f"c{number}": 1.0 for number in range(4)}
    assert {request.model for request in judges.asked} == {"judge-1"}
    assert (outcome.spending.sent, outcome.spending.cost_usd) == (8, 16.0)
    again = run(job, providers=providers, cache=Cache(tmp_path), prices=PRICES)
    assert (again.spending.sent, again.spending.cached, len(judges.asked)) == (0, 8, 4)


def test_a_judge_that_does_not_answer_measures_nothing(custom: Callable[..., ScorerSettings]) -> None:
    providers = {"fake": FakeProvider(), "judges": FakeProvider(_failing("bad_request"))}
    (result,) = run(_judged(custom), providers=providers).runs
    assert {sample.scores["custom"].state for sample in result.samples} == {"not_measured"}
    assert "judge `judge`" in result.samples[0].scores["custom"].explanation
    assert {sample.error for sample in result.samples} == {""}


def test_the_same_question_of_many_samples_is_put_to_the_judge_once(custom: Callable[..., ScorerSettings]) -> None:
    judges = FakeProvider(lambda *_: reply("yes"))
    providers = {"fake": FakeProvider(lambda *_: reply("same"), concurrency=8), "judges": judges}
    run(_judged(custom), providers=providers)
    assert len(judges.asked) == 1


def test_a_session_raises_what_scorers_are_told_it_raises(custom: Callable[..., ScorerSettings]) -> None:
    caught: list[BaseException] = []

    def catching(sample: Sample, session: Any) -> Score:
        try:
            return _asks_its_judge(sample, session)
        except NotMeasured as error:
            caught.append(error)
            return Score(state="not_applicable")

    judge = make_config("judge", provider="judges")
    job = make_job(evaluation=make_evaluation(1, [custom(catching, judge=judge)]))
    run(job, providers={"fake": FakeProvider(), "judges": FakeProvider(_failing("auth"))})
    assert len(caught) == 1


# --- progress, interruption, traces


def test_progress_is_told_in_the_callers_thread_and_ends_at_the_total() -> None:
    told: list[tuple[int, int, int]] = []
    run(make_job(repeats=2), on_progress=lambda done, total: told.append((done, total, threading.get_ident())))
    assert told[-1] == (6, 6, threading.get_ident())
    assert {item[2] for item in told} == {threading.get_ident()}
    assert [item[0] for item in told] == sorted(item[0] for item in told)


def test_an_interrupt_keeps_what_was_paid_for(tmp_path: Path) -> None:
    seen = threading.Event()

    def answer(request: Request, number: int) -> Reply:
        if number >= 5:
            seen.wait(10)
        return echo(request, number)

    def interrupt(done: int, _total: int) -> None:
        if done >= 5:
            seen.set()
            raise KeyboardInterrupt

    provider = FakeProvider(answer, concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        run(make_job(evaluation=make_evaluation(40)), provider, cache=Cache(tmp_path), on_progress=interrupt)
    paid = len(provider.asked)
    assert 5 <= paid < 40
    outcome = run(make_job(evaluation=make_evaluation(40)), FakeProvider(), cache=Cache(tmp_path))
    assert (outcome.spending.cached, outcome.spending.sent) == (paid, 40 - paid)


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    run(make_job(evaluation=make_evaluation(50)), FakeProvider(concurrency=16))
    assert threading.active_count() == before


def test_each_sample_has_a_trace_of_its_own() -> None:
    outcome = run(make_job(repeats=2), prices=PRICES)
    spans = list(outcome.spans)
    assert spans == list(outcome.spans)  # it can be read more than once
    samples = outcome.runs[0].samples
    assert {span.trace_id for span in spans} == {sample.trace_id for sample in samples}
    assert len({sample.trace_id for sample in samples}) == 6
    chats = [span for span in spans if span.attributes["gen_ai.operation.name"] == "chat"]
    assert all(span.end_ns - span.start_ns == 250_000_000 and span.attributes["llmops.cost.usd"] == 2.0 for span in chats)
    roots = {span.span_id: span for span in spans if not span.parent_id}
    assert all(roots[span.parent_id].start_ns <= span.start_ns <= span.end_ns <= roots[span.parent_id].end_ns for span in chats)
    assert {span.attributes["llmops.score.answer"] for span in roots.values()} == {1.0}


def test_failed_samples_are_marked_in_their_traces() -> None:
    outcome = run(make_job(), FakeProvider(_failing("bad_request")))
    assert [span.error for span in outcome.spans] == ["bad_request"] * 6


@given(
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 3),
    st.dictionaries(st.integers(0, 40), st.sampled_from(["server", "bad_request", "network"]), max_size=8),
)
def test_whatever_happens_every_planned_sample_is_in_the_run(
    cases: int, repeats: int, jobs: int, script: Mapping[int, str]
) -> None:
    def answer(request: Request, number: int) -> Reply:
        if number in script:
            raise ProviderError(script[number], "no")
        return echo(request, number)

    all_jobs = [
        make_job(make_config(f"job-{n}", system=str(n)), make_evaluation(make_cases(cases)), repeats) for n in range(jobs)
    ]
    outcome = run(all_jobs, FakeProvider(answer, concurrency=3))
    for result in outcome.runs:
        assert [(sample.case, sample.repeat) for sample in result.samples] == [
            (f"c{n}", k) for n in range(cases) for k in range(repeats)
        ]
        assert all(bool(sample.error) == (sample.scores["answer"].state == "not_measured") for sample in result.samples)
