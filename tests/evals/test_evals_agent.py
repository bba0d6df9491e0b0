"""The tool loop, by real runs against providers that follow a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from eval_material import FakeProvider, make_config, make_evaluation, make_job, reply

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case
from llmops_git.evals.agent import MOST_CALLS, Call, Step, summed
from llmops_git.evals.buyer import Purchase
from llmops_git.evals.cache import Cache
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Job, Outcome, evaluate
from llmops_git.evals.tool_results import Recorded
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.scorers import table
from llmops_git.scorers.base import Sample, Score

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
ROWS = ({"name": "look", "arguments": {"id": 7}, "result": {"status": "shipped"}},)


def job(rows: Sequence[Any] | None = ROWS, *, max_steps: int = 4, cases: int = 1, name: str = "agent", **changes: Any) -> Job:
    made = tuple(
        Case(id=f"c{number}", inputs={"word": f"w{number}"}, expected="done", tools=None if rows is None else tuple(rows))
        for number in range(cases)
    )
    return make_job(make_config(name, tools=[TOOL], max_steps=max_steps, **changes), make_evaluation(made))


def calling(*calls: tuple[str, Any], text: str = "", **changes: Any) -> Reply:
    made = tuple({"id": f"drawn-{name}-{id(calls)}", "name": name, "arguments": arguments} for name, arguments in calls)
    return reply(text, tool_calls=made, finish_reason="tool_calls", **changes)


def once(request: Request, _number: int) -> Reply:
    """Calls the tool once, then says what came of it."""
    last = request.messages[-1]
    return reply("done") if last["role"] == "tool" else calling(("look", '{"id": 7}'))


def run(
    jobs: Job | Sequence[Job], answer: Callable[[Request, int], Reply] = once, **options: Any
) -> tuple[Outcome, FakeProvider]:
    provider = options.pop("provider", None) or FakeProvider(answer)
    settings = {"cache": None, "budget": Budget(), "prices": {}, **options}
    return evaluate([jobs] if isinstance(jobs, Job) else jobs, providers={"fake": provider}, **settings), provider


def test_a_reply_with_calls_is_followed_by_a_request_with_their_results() -> None:
    outcome, provider = run(job())
    assert [("c0", "done", "stop", 1.0)] == [
        (item.case, item.output, item.finish_reason, item.scores["answer"].value) for item in outcome.runs[0].samples
    ]
    first, second = provider.asked
    assert first.messages == second.messages[:2]
    called = {"id": "call00001", "type": "function", "function": {"name": "look", "arguments": '{"id": 7}'}}
    assert second.messages[2:] == (
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "call00001", "content": '{"status": "shipped"}'},
    )


def test_tokens_seconds_and_cost_are_sums_over_the_steps() -> None:
    outcome, _ = run(job(), prices={"fake-1": Price(input=100, output=0)})
    (sample,) = outcome.runs[0].samples
    assert (Usage(input_tokens=20, output_tokens=4), 0.5, 0.002) == (sample.usage, sample.latency_seconds, sample.cost_usd)
    assert 2 == outcome.spending.sent


class Spy:
    """A scorer that remembers what it was shown."""

    direction, scale, step, ratio = "higher", "binary", 1.0, False

    def __init__(self) -> None:
        self.seen: list[Sample] = []

    def score(self, sample: Sample, _session: object) -> Score:
        self.seen.append(sample)
        return Score(value=1.0)


def test_scorers_see_all_calls_with_their_results_and_the_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy()
    monkeypatch.setattr(table, "build_scorer", lambda *_arguments, **_options: spy)
    run(job())
    (sample,) = spy.seen
    assert 2 == sample.steps
    assert (
        {"id": "call00001", "name": "look", "arguments": '{"id": 7}', "result": '{"status": "shipped"}'},
    ) == sample.tool_calls


def test_the_sum_of_the_steps_holds_all_calls_with_their_results() -> None:
    request = Request(provider="fake", model="m", messages=())
    call = Call(id="call00001", name="look", arguments="{}", result="r")
    bought = Purchase(reply=reply("", tool_calls=({"name": "look"},)), cost_usd=1.0)
    last = Purchase(reply=reply("done", ttft_seconds=0.1), cost_usd=None)
    steps = (Step(request=request, purchase=bought, calls=(call,)), Step(request=request, purchase=last))
    whole = summed(steps)
    assert whole.reply is not None
    assert ({"id": "call00001", "name": "look", "arguments": "{}", "result": "r"},) == whole.reply.tool_calls
    assert (None, 0.35) == (whole.cost_usd, whole.reply.ttft_seconds)


def test_a_call_without_a_recorded_result_ends_the_sample_and_its_calls_are_scored() -> None:
    outcome, provider = run(job(rows=None))
    (sample,) = outcome.runs[0].samples
    assert ("no_result", "", 1) == (sample.finish_reason, sample.error, len(provider.asked))
    assert [{"name": "look", "arguments": '{"id": 7}'}] == json.loads(sample.output)


def test_a_reply_that_still_calls_in_the_last_step_ends_with_max_steps() -> None:
    outcome, provider = run(job(rows=[{"name": "look", "result": "again"}], max_steps=3), lambda *_: calling(("look", "{}")))
    assert ("max_steps", 3) == (outcome.runs[0].samples[0].finish_reason, len(provider.asked))


def test_as_many_steps_as_are_allowed_fit_on_the_stack() -> None:
    rows = [{"name": "look", "result": "again"}]
    twins = [job(rows=rows, max_steps=100, name=name) for name in ("one", "two")]
    outcome, provider = run(twins, lambda *_: calling(("look", "{}")))
    assert [["max_steps"], ["max_steps"]] == [[sample.finish_reason for sample in found.samples] for found in outcome.runs]
    assert 100 == len(provider.asked)


def test_ids_that_a_server_draws_do_not_make_another_conversation() -> None:
    both = [job(name="base"), job(name="head", max_steps=5)]
    outcome, provider = run(both, once, provider=FakeProvider(once, concurrency=1))
    assert 2 == len(provider.asked)
    assert ["done", "done"] == [found.samples[0].output for found in outcome.runs]


def test_samples_that_share_their_way_share_the_purchase_while_it_is_under_way() -> None:
    gate = threading.Barrier(2, timeout=20)

    def held(request: Request, number: int) -> Reply:
        if number < 2:
            gate.wait()  # both first requests are under way: those of the two cases
        return once(request, number)

    twins = [job(name=name, cases=2) for name in ("one", "two")]
    outcome, provider = run(twins, held, provider=FakeProvider(held, concurrency=4))
    assert 4 == len(provider.asked)
    assert ["done"] * 4 == [sample.output for found in outcome.runs for sample in found.samples]


def test_a_run_that_failed_in_the_middle_asks_only_for_the_rest(tmp_path: Path) -> None:
    def broken(request: Request, number: int) -> Reply:
        if request.messages[-1]["role"] == "tool":
            raise ProviderError("bad_request", "no")
        return once(request, number)

    cache = Cache(tmp_path)
    outcome, _ = run(job(), broken, cache=cache)
    (sample,) = outcome.runs[0].samples
    assert ("bad_request", "not_measured") == (sample.error, sample.scores["answer"].state)
    assert ["chat", "execute_tool", "chat"] == [span.name.split()[0] for span in outcome.spans][1:]
    outcome, provider = run(job(), once, cache=cache)
    assert (1, "done") == (len(provider.asked), outcome.runs[0].samples[0].output)
    assert outcome.runs[0].samples[0].cached is False
    outcome, provider = run(job(), once, cache=cache)
    assert (0, True) == (len(provider.asked), outcome.runs[0].samples[0].cached)


def test_a_run_stopped_by_its_budget_says_so() -> None:
    outcome, _ = run(job(), budget=Budget(max_requests=1))
    assert "budget" == outcome.runs[0].samples[0].error


class Stubs:
    def __init__(self, answer: Callable[[str, Any], str | None]) -> None:
        self._answer = answer

    def call(self, name: str, arguments: Any) -> str | None:
        return self._answer(name, arguments)


def test_a_stub_answers_what_the_case_does_not_record() -> None:
    asked: list[Any] = []

    def answer(name: str, arguments: Any) -> str | None:
        asked.append((name, arguments))
        return "stub says hello"

    _, provider = run(job(rows=None), stubs=Stubs(answer))
    assert [("look", {"id": 7})] == asked
    assert "stub says hello" == provider.asked[1].messages[-1]["content"]
    asked.clear()
    run(job(), stubs=Stubs(answer))
    assert [] == asked


def test_a_stub_that_does_not_answer_says_nothing_about_the_config() -> None:
    def answer(_name: str, _arguments: Any) -> str | None:
        raise ProviderError("timeout", "look: it took too long")

    outcome, _ = run(job(rows=None), stubs=Stubs(answer))
    assert "timeout" == outcome.runs[0].samples[0].error
    assert "1 samples are not measured (timeout): the stub of a tool gave no result: look: it took too long" in outcome.problems


DEEP = "[" * 50_000 + "]" * 50_000


@pytest.mark.parametrize("arguments", ["", "{", DEEP, '"\ud800"', "\x1b[2J\x00", "9" * 5000, None, [1], "x" * 300_000])
def test_hostile_arguments_are_calls_like_others(arguments: Any) -> None:
    rows = [*ROWS, {"name": "look", "match": "any", "result": "\ud800 nothing"}]
    outcome, _ = run(
        job(rows=rows), lambda request, _: reply("done") if len(request.messages) > 2 else calling(("look", arguments))
    )
    assert "done" == outcome.runs[0].samples[0].output
    assert 4 == len(list(outcome.spans))
    for span in outcome.spans:
        str(span).encode()


def test_a_flood_of_calls_or_of_words_ends_the_sample() -> None:
    many, _ = run(job(), lambda *_: calling(*[("look", '{"id": 7}')] * (MOST_CALLS + 5000)))
    long, _ = run(job(), lambda *_: calling(("look", '{"id": 7}'), text="x" * 4_100_000))
    assert ["too_many_calls", "context_length_exceeded"] == [found.runs[0].samples[0].finish_reason for found in (many, long)]


@pytest.mark.parametrize(
    ("rows", "calls", "expected"),
    [
        ([{"name": "a", "arguments": {"x": 1}, "result": "r"}], [("a", {"x": 1}), ("a", {"x": 1.0})], ["r", "r"]),
        ([{"name": "a", "arguments": {"x": 1}, "result": "r"}], [("a", {"x": True}), ("a", {}), ("b", {"x": 1})], [None] * 3),
        (
            [{"name": "a", "arguments": {"x": 1}, "match": "subset", "result": "r"}],
            [("a", {"x": 1, "y": 2}), ("a", "x")],
            ["r", None],
        ),
        ([{"name": "a", "result": "r"}], [("a", "{"), ("a", None)], ["r", "r"]),
        ([{"name": "a", "result": "1"}, {"name": "a", "result": [2]}], [("a", {})] * 3, ["1", "[2]", "[2]"]),
        ([{"name": "a", "result": None}], [("a", {})], ["null"]),
    ],
)
def test_recorded_results_are_matched_by_arguments_in_order(rows: Any, calls: Any, expected: Any) -> None:
    recorded = Recorded(rows)
    assert expected == [recorded.take(name, arguments) for name, arguments in calls]


def test_each_step_is_in_the_trace_with_what_was_said() -> None:
    outcome, _ = run(job())
    root, first, tool, second = outcome.spans
    assert ["invoke_workflow agent", "chat fake-1", "execute_tool look", "chat fake-1"] == [
        span.name for span in (root, first, tool, second)
    ]
    assert [1, 2] == [span.attributes["llmops.step"] for span in (first, second)]
    assert ('{"id": 7}', '{"status": "shipped"}', True) == tuple(
        tool.attributes[name] for name in ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "llmops.tool.recorded")
    )
    asked = json.loads(first.attributes["gen_ai.input.messages"])
    assert [("system", "Repeat the word."), ("user", "w0")] == [(item["role"], item["parts"][0]["content"]) for item in asked]
    assert ["assistant", "tool"] == [item["role"] for item in json.loads(second.attributes["gen_ai.input.messages"])]
    assert "done" == json.loads(second.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"]
    assert first.end_ns <= tool.start_ns <= tool.end_ns <= second.start_ns


def test_a_sample_without_tools_has_its_messages_and_reply_in_the_trace() -> None:
    outcome, _ = run(make_job(evaluation=make_evaluation(1)), lambda *_: reply("word-0"))
    _, chat = outcome.spans
    assert "word-0" == json.loads(chat.attributes["gen_ai.input.messages"])[1]["parts"][0]["content"]
    assert [{"role": "assistant", "parts": [{"type": "text", "content": "word-0"}], "finish_reason": "stop"}] == json.loads(
        chat.attributes["gen_ai.output.messages"]
    )


def test_the_plan_counts_first_steps_and_says_how_many_more_there_can_be(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    jobs = [job(cases=2)]
    plan = make_plan(jobs, cache=cache, prices={})
    assert (2, 0, 6) == (plan.requests, plan.cached, plan.further)
    run(jobs, cache=cache)
    plan = make_plan(jobs, cache=cache, prices={})
    assert (0, 4, 0) == (plan.requests, plan.cached, plan.further)
