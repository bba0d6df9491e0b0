"""Guardrails in an evaluation: what is asked, what the caller gets, what scorers see, what it costs, what the trace says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_material import EXACT, FakeClock, FakeProvider, make_config, make_evaluation, make_job, reply
from jsonschema import Draft202012Validator

from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Case, Config, ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.evals.cache import Cache
from llmops_git.evals.evidence import run_document, run_from_document
from llmops_git.evals.lanes import lanes_of
from llmops_git.evals.plan import ASKED_BYTES, make_plan
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

PRICES = {"fake-1": Price(input=100_000.0, output=500_000.0), "judge-1": Price(input=100_000.0, output=500_000.0)}
HELLO = Case(id="hello", inputs={"word": "hello"}, expected="hello")
MAIL = Case(id="mail", inputs={"word": "write to ann@example.com"}, expected="write to [EMAIL]")
BIRD = Case(id="bird", inputs={"word": "tell me of Project Bluebird"}, expected="No.")
JUDGE = {
    "model": {"provider": "jury", "id": "judge-1", "parameters": {"max_tokens": 5}},
    "messages": [{"role": "user", "template": "Is it rude? {{ output }}"}],
    "templates": {},
}


def rule(name: str, use: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "use": use, "action": "block", "on_error": "pass", "sides": ["input", "output"], **options}


EMAIL = rule("email", "pii", kinds=["EMAIL"], action="redact")
BANNED = rule("bird", "banned", texts=["project bluebird"])
RUDE = rule("rude", "judge", judge=JUDGE, scale=["rude", "kind"], labels=["rude"])


def guarded(*rules: dict[str, Any], side: str = "input", **changes: Any) -> Config:
    pack = {"name": "house", "message": "No.", "rules": list(rules)}
    return make_config(guardrails={side: [pack]}, **changes)


def run(config: Config, *cases: Case, provider: FakeProvider | None = None, scorers: Any = (EXACT,), **options: Any) -> Outcome:
    job = make_job(config, make_evaluation(cases, scorers))
    providers = {"fake": provider or FakeProvider(), **options.pop("others", {})}
    defaults = {"cache": None, "budget": Budget(max_usd=None), "prices": PRICES, "clock": FakeClock()}
    return evaluate([job], providers=providers, **{**defaults, **options})


def spans_of(outcome: Outcome, case: str) -> list[Span]:
    """The spans below a case's root, in the order of time."""
    spans = list(outcome.spans)
    root = next(span for span in spans if span.attributes.get(names.CASE) == case)
    return [span for span in spans if span.parent_id == root.span_id]


def jury(answer: str = "kind") -> FakeProvider:
    return FakeProvider(lambda *_: reply(answer, latency_seconds=2.0))


def test_a_blocked_input_sends_no_request_and_the_caller_gets_the_packs_message() -> None:
    provider = FakeProvider()
    outcome = run(guarded(BANNED), HELLO, BIRD, provider=provider)
    (result,) = outcome.runs
    hello, bird = result.samples
    assert ["hello"] == [request.messages[-1]["content"] for request in provider.asked]
    assert ("No.", "guardrail", 0.0, 0, 0) == (
        bird.output, bird.finish_reason, bird.cost_usd, bird.usage.input_tokens, bird.usage.output_tokens,
    )  # fmt: skip
    assert ("hello", "stop", 2.0) == (hello.output, hello.finish_reason, hello.cost_usd)
    assert {"hello": 1.0, "bird": 1.0} == {sample.case: sample.scores["answer"].value for sample in result.samples}
    assert [("house", "bird", "input", "block")] == [(h.pack, h.rule, h.side, h.outcome) for h in bird.guards]
    assert () == hello.guards
    assert ["apply_guardrail house/bird"] == [span.name for span in spans_of(outcome, "bird")]


def test_templates_render_redacted_inputs_and_scorers_see_what_the_caller_sent() -> None:
    provider = FakeProvider()
    seen = ScorerSettings(name="answer", use="exact")
    outcome = run(guarded(EMAIL, BANNED), MAIL, provider=provider, scorers=(seen,))
    (sample,) = outcome.runs[0].samples
    assert ["write to [EMAIL]"] == [request.messages[-1]["content"] for request in provider.asked]
    assert ("write to [EMAIL]", 1.0) == (sample.output, sample.scores["answer"].value)
    email, bird, chat = spans_of(outcome, "mail")
    assert ("redact", "EMAIL", "pass", names.CHAT) == (
        email.attributes[names.GUARD_RESULT], email.attributes[names.GUARD_REASON], bird.attributes[names.GUARD_RESULT],
        chat.attributes[names.OPERATION],
    )  # fmt: skip
    assert "[EMAIL]" in chat.attributes[names.INPUT_MESSAGES]
    assert "ann@example.com" not in json.dumps([dict(span.attributes) for span in outcome.spans], default=str)


def test_a_guarded_reply_is_what_scorers_see_and_the_trace_keeps_the_reply_as_it_came() -> None:
    config = guarded(EMAIL, BANNED, side="output")
    provider = FakeProvider(lambda request, _: reply(request.messages[-1]["content"] + " bye"))
    cases = (MAIL, BIRD, HELLO)
    outcome = run(config, *cases, provider=provider)
    found = {sample.case: (sample.output, sample.finish_reason) for sample in outcome.runs[0].samples}
    assert {"mail": ("write to [EMAIL] bye", "stop"), "bird": ("No.", "guardrail"), "hello": ("hello bye", "stop")} == found
    assert 3 == len(provider.asked)
    chat, *guards = spans_of(outcome, "bird")
    assert "Project Bluebird bye" in chat.attributes[names.OUTPUT_MESSAGES]
    assert [("output", "pass"), ("output", "block")] == [
        (span.attributes[names.GUARD_SIDE], span.attributes[names.GUARD_RESULT]) for span in guards
    ]
    assert all(span.start_ns >= chat.end_ns for span in guards)


def test_a_judge_is_asked_through_the_run_and_what_it_takes_and_costs_is_the_samples() -> None:
    judges = jury("rude")
    outcome = run(guarded(RUDE), HELLO, others={"jury": judges})
    (sample,) = outcome.runs[0].samples
    assert ["Is it rude? hello"] == [request.messages[-1]["content"] for request in judges.asked]
    assert ("No.", "guardrail", 2.0, 2.0) == (sample.output, sample.finish_reason, sample.latency_seconds, sample.cost_usd)
    outcome = run(guarded(RUDE, side="output"), HELLO, others={"jury": jury("kind")})
    (sample,) = outcome.runs[0].samples
    assert ("hello", 2.25, 4.0) == (sample.output, sample.latency_seconds, sample.cost_usd)
    assert {"fake", "jury"} == set(lanes_of(guarded(RUDE)))


def test_a_judge_is_asked_last_and_not_where_the_text_is_blocked_already() -> None:
    judges = jury()
    run(guarded(RUDE, EMAIL, BANNED), BIRD, MAIL, others={"jury": judges})
    assert ["Is it rude? write to [EMAIL]"] == [request.messages[-1]["content"] for request in judges.asked]


@pytest.mark.parametrize(("on_error", "output", "asked"), [("pass", "hello", 1), ("block", "No.", 0)])
def test_a_judge_without_an_answer_passes_or_blocks_as_the_rule_says(on_error: str, output: str, asked: int) -> None:
    def fail(_request: Request, _number: int) -> Reply:
        raise ProviderError("bad_request", "no such model")

    provider = FakeProvider()
    config = guarded({**RUDE, "on_error": on_error})
    outcome = run(config, HELLO, provider=provider, others={"jury": FakeProvider(fail)})
    (sample,) = outcome.runs[0].samples
    assert (output, asked, ["error"]) == (sample.output, len(provider.asked), [hit.outcome for hit in sample.guards])
    (span, *_) = spans_of(outcome, "hello")
    assert ("error", "no such model") == (span.attributes[names.GUARD_RESULT], span.attributes[names.GUARD_REASON])


def test_a_second_run_asks_nobody_and_comes_to_the_same(tmp_path: Path) -> None:
    config = guarded(EMAIL, BANNED, RUDE)
    first, second = (
        run(config, HELLO, MAIL, BIRD, others={"jury": jury()}, cache=Cache(tmp_path)) for _ in range(2)
    )  # fmt: skip
    told = [
        [(sample.case, sample.output, sample.guards, sample.cost_usd) for sample in outcome.runs[0].samples]
        for outcome in (first, second)
    ]
    assert told[0] == told[1]
    assert (4, 0, 4) == (first.spending.sent, second.spending.sent, second.spending.cached)


def test_a_plan_sends_nothing_for_blocked_inputs_and_counts_judges(tmp_path: Path) -> None:
    def planned(config: Config) -> Any:
        job = make_job(config, make_evaluation([HELLO, MAIL, BIRD]))
        return make_plan([job], cache=Cache(tmp_path), prices=PRICES, clock=FakeClock())

    plain, blocking = planned(make_config()), planned(guarded(EMAIL, BANNED))
    assert ((3, 0), (2, 0)) == ((plain.requests, plain.judge_requests), (blocking.requests, blocking.judge_requests))
    judged = planned(guarded(EMAIL, BANNED, {**RUDE, "sides": ["input"]}))
    assert (2, 2) == (judged.requests, judged.judge_requests)
    both = make_config(
        guardrails={side: [{"name": "house", "message": "No.", "rules": [RUDE]}] for side in ("input", "output")}
    )
    assert (3, 6) == (planned(both).requests, planned(both).judge_requests)
    assert blocking.cost_usd is not None
    assert judged.cost_usd is not None
    assert judged.cost_usd > blocking.cost_usd


def test_a_change_of_guardrails_concerns_the_cases_for_which_they_come_to_something_else() -> None:
    def marks(config: Config) -> list[bytes]:
        job = make_job(config, make_evaluation([HELLO, MAIL, BIRD]))
        (found,) = make_plan([job], cache=None, prices={}, clock=FakeClock()).asked.values()
        return [found[at : at + ASKED_BYTES] for at in range(0, len(found), ASKED_BYTES)]

    def concerned(before: Config, after: Config) -> list[str]:
        pairs = zip(("hello", "mail", "bird"), marks(before), marks(after), strict=True)
        return [name for name, old, new in pairs if old != new]

    plain = guarded(EMAIL)
    assert [] == concerned(plain, guarded(EMAIL))
    assert ["mail"] == concerned(plain, guarded({**EMAIL, "action": "flag"}))
    wider = {**EMAIL, "kinds": ["EMAIL", "PHONE"]}
    assert [] == concerned(plain, guarded(wider))
    assert ["hello", "mail", "bird"] == concerned(plain, guarded(EMAIL, BANNED))  # one more rule that scorers may look at
    assert ["hello", "mail", "bird"] == concerned(guarded(EMAIL, side="output"), guarded(wider, side="output"))
    other = {**RUDE, "judge": {**JUDGE, "messages": [{"role": "user", "template": "Is it unkind? {{ output }}"}]}}
    assert ["hello", "mail", "bird"] == concerned(guarded(RUDE), guarded(other))


def test_an_eval_set_can_say_which_cases_must_be_blocked() -> None:
    scorer = ScorerSettings(name="guard", use="guardrail", options={"pack": "house", "outcomes": ["block"], "field": "attack"})
    attack = Case(id="attack", inputs={"word": "Project Bluebird!"}, expected={"attack": True})
    missed = Case(id="missed", inputs={"word": "that project of ours"}, expected={"attack": True})
    benign = Case(id="benign", inputs={"word": "hello"}, expected={"attack": False})
    unsaid = Case(id="unsaid", inputs={"word": "hello"})
    outcome = run(guarded(BANNED), attack, missed, benign, unsaid, scorers=(scorer,))
    scores = {sample.case: sample.scores["guard"] for sample in outcome.runs[0].samples}
    assert {"attack": 1.0, "missed": 0.0, "benign": 1.0, "unsaid": None} == {name: one.value for name, one in scores.items()}
    assert "not_applicable" == scores["unsaid"].state


def test_the_evidence_says_which_rules_found_something() -> None:
    (result,) = run(guarded(EMAIL, BANNED), HELLO, MAIL, BIRD).runs
    document = json.loads(json.dumps(run_document(result)))
    schema = json.loads((Path(__file__).parents[2] / "schemas/run.schema.json").read_text())
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(document)]
    assert result == run_from_document(document)
    assert [0, 1, 1] == [len(sample.get("guards", [])) for sample in document["samples"]]


def test_an_application_applies_its_guardrails_itself() -> None:
    config = guarded(BANNED, target="shop")
    scorer = ScorerSettings(name="guard", use="guardrail", options={})
    outcome = run(config, BIRD, scorers=(scorer,), others={"target:shop": FakeProvider(lambda *_: reply("as it was"))})
    (sample,) = outcome.runs[0].samples
    assert ("as it was", "not_applicable") == (sample.output, sample.scores["guard"].state)


def test_documents_are_looked_for_with_the_redacted_inputs() -> None:
    settings = {"retriever": "bm25", "top_k": 1, "chunk": {"size": 800, "overlap": 0}, "query": "{{ word }}", "corpus": []}
    config = guarded(EMAIL, retrieval=settings, documents=("about mail",))
    outcome = run(config, MAIL)
    (query,) = [span.attributes[names.QUERY] for span in spans_of(outcome, "mail") if names.QUERY in span.attributes]
    assert "write to [EMAIL]" == query


def test_a_tool_loop_is_guarded_at_both_ends() -> None:
    def answer(request: Request, _number: int) -> Reply:
        if request.messages[-1]["role"] == "tool":
            return reply(f"sent to {request.messages[-1]['content']}")
        return reply("", tool_calls=({"id": "x", "name": "look_up", "arguments": "{}"},), finish_reason="tool_calls")

    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
    packs = [{"name": "house", "message": "No.", "rules": [EMAIL]}]
    config = make_config(tools=[tool], max_steps=3, guardrails={"input": packs, "output": packs})
    case = Case(id="c", inputs={"word": "ask ann@example.com"}, tools=({"name": "look_up", "result": "bob@example.com"},))
    provider = FakeProvider(answer)
    outcome = run(config, case, provider=provider)
    (sample,) = outcome.runs[0].samples
    assert "sent to [EMAIL]" == sample.output
    assert "ask [EMAIL]" == provider.asked[0].messages[-1]["content"]
    assert ["apply_guardrail", "chat", "execute_tool", "chat", "apply_guardrail"] == [
        str(span.attributes[names.OPERATION]) for span in spans_of(outcome, "c")
    ]


def test_a_rule_that_can_never_decide_is_refused_before_anything_is_asked() -> None:
    provider = FakeProvider()
    with pytest.raises(LlmopsError, match="guardrail `house`, rule `broken`: the regular expression") as caught:
        run(guarded(rule("broken", "regex", pattern="(")), HELLO, provider=provider)
    assert [] == provider.asked
    other = rule("code", "acme.tone")
    with pytest.raises(LlmopsError, match="the policy does not allow it") as caught:
        run(guarded(other), HELLO, provider=provider)
    assert "checks: {allow: [acme.tone]}" in caught.value.hint
