"""`generate`: guardrails of both sides, the bundle's provider, tools, another try, and what it cost. On a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.runtime import Router, generating
from llmops_git.traces import attributes as names
from tests.chat_server import Answer, Asked, chat_server, completion, error_answer, event_stream, text_answer
from tests.runtime.runtime_material import MODEL, bundle_bytes, by_operation, loaded, text_in, the, written

PACK = {
    "name": "pii",
    "message": "I cannot help with that.",
    "rules": [
        {"name": "email", "use": "pii", "kinds": ["EMAIL"], "action": "redact"},
        {"name": "banned", "use": "banned", "texts": ["forbidden"], "action": "block"},
        {"name": "watched", "use": "regex", "pattern": "refund", "action": "shadow"},
    ],
}
GUARDED = bundle_bytes(guardrails={"input": [PACK], "output": [PACK]})


def asking(folder: Path, url: str, **options: Any) -> Router:
    return loaded(folder, provider={"api": "openai", "base_url": url, "stream": False}, content="full", **options)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "FIRST_WAIT", 0.01)


def test_the_bundles_model_is_asked_with_its_messages(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("billing")) as server:
        router = asking(tmp_path, server.url)
        with router.request() as request:
            request.retrieve("x", lambda _: ["Returns: 30 days."])
            reply = request.generate(message="refund?")
    assert ("billing", "stop") == (reply.text, reply.finish_reason)
    assert (MODEL, 0) == (server.asked[0].body["model"], server.asked[0].body["temperature"])
    assert ["Route it. Returns: 30 days.", "refund?"] == [message["content"] for message in server.asked[0].body["messages"]]
    chat = the(written(tmp_path, router), names.CHAT)
    assert (12, 3, "test-model-2026-01-01") == tuple(
        chat.attributes[name] for name in (names.INPUT_TOKENS, names.OUTPUT_TOKENS, names.RESPONSE_MODEL)
    )
    assert "billing" in chat.attributes[names.OUTPUT_MESSAGES]


def test_documents_and_inputs_can_be_given(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        router = asking(tmp_path, server.url)
        with router.request() as request:
            request.generate({"message": "hi"}, documents=[{"id": "d", "text": "given"}])
    assert "Route it. given" == server.asked[0].body["messages"][0]["content"]
    assert ({"id": "d", "content": "given"},) == the(written(tmp_path, router), names.CHAT).attributes[names.DOCUMENTS]


def test_the_policy_beside_the_application_says_who_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        (tmp_path / "llmops.yaml").write_text(
            f'version: 1\nproviders:\n  openai: {{base_url: "{server.url}", key_env: THE_KEY}}\n'
        )
        (tmp_path / "prices.yaml").write_text(f"openai/{MODEL}: {{input: 1.0, output: 10.0}}\n")
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        monkeypatch.setenv("THE_KEY", "k-123")
        router = loaded(tmp_path)
        monkeypatch.chdir("/")
        with router.request() as request:
            request.generate(message="hi")
    assert "Bearer k-123" == server.asked[0].headers["authorization"]
    assert pytest.approx(42e-6) == the(written(tmp_path, router), names.CHAT).attributes[names.COST_USD]


def test_a_price_that_nobody_knows_is_no_cost(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        router = asking(tmp_path, server.url)
        with router.request() as request:
            request.generate(message="hi")
    assert names.COST_USD not in the(written(tmp_path, router), names.CHAT).attributes


def test_a_streamed_answer_has_the_time_to_its_first_words(tmp_path: Path) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}
    with chat_server(lambda *_: event_stream(chunk, "[DONE]")) as server:
        router = loaded(tmp_path, provider={"base_url": server.url})
        with router.request() as request:
            assert "ok" == request.generate(message="hi").text
    assert 0 < the(written(tmp_path, router), names.CHAT).attributes[names.FIRST_CHUNK] < 5


def test_what_may_go_better_is_asked_again_and_each_time_is_seen(tmp_path: Path, quick: None) -> None:
    answers: list[Answer] = [error_answer(503), error_answer(429, headers={"retry-after": "0"}), text_answer("ok")]
    with chat_server(lambda _, number: answers[number]) as server:
        router = asking(tmp_path, server.url)
        with router.request() as request:
            assert "ok" == request.generate(message="hi").text
    spans = by_operation(written(tmp_path, router), names.CHAT)
    assert ["server", "rate_limit", ""] == [span.error for span in spans]
    assert spans[0].end_ns <= spans[1].start_ns


@pytest.mark.parametrize(
    ("answer", "kind", "times"),
    [
        (error_answer(500), "server", 3),
        (error_answer(401), "auth", 1),
        (error_answer(429, headers={"retry-after": "60"}), "rate_limit", 1),
    ],
)
def test_a_model_that_does_not_answer_is_the_applications_to_handle(
    tmp_path: Path, quick: None, answer: Answer, kind: str, times: int
) -> None:
    with chat_server(lambda *_: answer) as server:
        router = asking(tmp_path, server.url)
        with pytest.raises(ProviderError) as raised, router.request() as request:
            request.generate(message="hi")
    assert (kind, times) == (raised.value.kind, len(server.asked))
    spans = written(tmp_path, router)
    assert [kind] * (times + 1) == [span.error for span in spans]


def test_a_provider_that_is_not_known_is_named(tmp_path: Path) -> None:
    model = {"provider": "nobody", "id": "m", "parameters": {}}
    router = loaded(tmp_path, bundle=bundle_bytes(model=model))
    with pytest.raises(LlmopsError, match="no provider `nobody`"), router.request() as request:
        request.generate(message="hi")
    assert "LlmopsError" == the(written(tmp_path, router), names.CHAT).error


def test_guardrails_hold_on_both_sides_and_each_rule_is_a_span(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("write to joe@example.com")) as server:
        router = asking(tmp_path, server.url, bundle=GUARDED)
        with router.request() as request:
            reply = request.generate(message="refund to jane@example.com")
    assert "write to [EMAIL]" == reply.text
    assert "refund to [EMAIL]" == server.asked[0].body["messages"][1]["content"]
    spans = written(tmp_path, router)
    rules = [
        tuple(span.attributes[name] for name in (names.GUARD_SIDE, names.GUARD_RULE, names.GUARD_RESULT))
        for span in by_operation(spans, names.APPLY_GUARDRAIL)
    ]
    assert [
        ("input", "email", "redact"),
        ("input", "banned", "pass"),
        ("input", "watched", "shadow"),
        ("output", "email", "redact"),
        ("output", "banned", "pass"),
        ("output", "watched", "pass"),
    ] == rules
    guard = by_operation(spans, names.APPLY_GUARDRAIL)[0]
    assert ("apply_guardrail pii/email", "pii") == (guard.name, guard.attributes[names.GUARD_PACK])
    assert guard.attributes[names.GUARD_VERSION].startswith("sha256:")
    assert "jane@" not in text_in(spans)


def test_where_a_guardrail_blocks_no_model_is_asked(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        router = asking(tmp_path, server.url, bundle=GUARDED)
        with router.request() as request:
            reply = request.generate(message="something FORBIDDEN")
    assert ("I cannot help with that.", "guardrail") == (reply.text, reply.finish_reason)
    assert [] == server.asked
    spans = written(tmp_path, router)
    assert [] == by_operation(spans, names.CHAT)
    held = the(spans, names.INVOKE_WORKFLOW).attributes[f"{names.VARIABLE_PREFIX}message"]
    assert "something FORBIDDEN" == held, "what was held back can be judged by people"
    assert ["block"] == [
        span.attributes[names.GUARD_RESULT] for span in spans if span.attributes.get(names.GUARD_RULE) == "banned"
    ]


def test_what_is_held_back_is_redacted_as_far_as_rules_redact_and_is_not_there_where_nothing_is_captured(
    tmp_path: Path,
) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        for content, said in (("full", ["forbidden, says [EMAIL]"]), ("off", [])):
            folder = tmp_path / content
            folder.mkdir()
            provider = {"api": "openai", "base_url": server.url, "stream": False}
            router = loaded(folder, provider=provider, content=content, bundle=GUARDED)
            with router.request() as request:
                assert ({}, PACK["message"]) == request.guard_inputs({"message": "forbidden, says jane@example.com"})
            spans = written(folder, router)
            held = [
                value
                for key, value in the(spans, names.INVOKE_WORKFLOW).attributes.items()
                if key.startswith(names.VARIABLE_PREFIX)
            ]
            assert said == held
            assert "jane@" not in text_in(spans)


def test_an_answer_that_is_blocked_is_replaced(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("a forbidden word")) as server:
        router = asking(tmp_path, server.url, bundle=GUARDED)
        with router.request() as request:
            reply = request.generate(message="hi")
    assert ("I cannot help with that.", "guardrail") == (reply.text, reply.finish_reason)


def test_a_text_is_held_to_the_rules_once(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        router = asking(tmp_path, server.url, bundle=GUARDED)
        with router.request() as request:
            verdict = request.guard_input("ask jane@example.com")
            assert (True, "ask [EMAIL]") == (verdict.allowed, verdict.text)
            assert verdict is request.guard_input("ask jane@example.com")
            request.generate(message="ask jane@example.com")
            request.generate(message=verdict.text)
        with router.request() as request:
            assert not request.guard_input("forbidden").allowed
            assert "guardrail" == request.generate(message="forbidden").finish_reason
    assert ["ask [EMAIL]"] * 2 == [asked.body["messages"][1]["content"] for asked in server.asked]
    rules = [span for span in written(tmp_path, router) if span.attributes.get(names.GUARD_SIDE) == "input"]
    assert 6 == len(rules)


def test_a_guardrail_that_breaks_does_not_break_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmops_git.guardrails import apply

    def broken(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(apply, "apply_to_inputs", broken)
    monkeypatch.setattr(apply, "apply_packs", broken)
    strict = {**PACK, "rules": [{**PACK["rules"][1], "on_error": "block"}]}
    for number, (pack, allowed) in enumerate([(PACK, True), (strict, False)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        router = loaded(folder, bundle=bundle_bytes(guardrails={"input": [pack]}))
        with router.request() as request:
            assert allowed == request.guard_input("hi").allowed
            _, message = request.guard_inputs({"message": "ho"})
            assert (None if allowed else "I cannot help with that.") == message
        results = {span.attributes[names.GUARD_RESULT] for span in written(folder, router) if span.parent_id}
        assert {"error"} == results


def test_a_judge_of_a_rule_is_asked_and_paid_for_in_the_trace(tmp_path: Path) -> None:
    judge = {
        "model": {"provider": "openai", "id": "judge-2026-01-01", "parameters": {}},
        "messages": [{"role": "user", "template": "Is it off topic? {{ output }}"}],
        "judge": {"reply": "text"},
        "templates": {},
        "inputs": {},
    }
    rule = {
        "name": "topic",
        "use": "judge",
        "judge": judge,
        "scale": ["fine", "off_topic"],
        "labels": ["off_topic"],
        "action": "block",
    }

    def answer(asked: Asked, _number: int) -> Answer:
        if asked.body["model"] == "judge-2026-01-01":
            return text_answer("off_topic" if "weather" in asked.body["messages"][0]["content"] else "fine")
        return text_answer("ok")

    with chat_server(answer) as server:
        router = asking(tmp_path, server.url, bundle=bundle_bytes(guardrails={"input": [{**PACK, "rules": [rule]}]}))
        with router.request() as request:
            assert "ok" == request.generate(message="my bill").text
            assert "guardrail" == request.generate(message="the weather").finish_reason
    chats = by_operation(written(tmp_path, router), names.CHAT)
    assert ["judge-2026-01-01", MODEL, "judge-2026-01-01"] == [span.attributes[names.REQUEST_MODEL] for span in chats]
    assert [12] * 3 == [span.attributes[names.INPUT_TOKENS] for span in chats]


def calling(number: int, name: str = "lookup", arguments: str = '{"order": 7}') -> bytes:
    call = {"id": f"call-{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])


@pytest.mark.parametrize(
    ("called", "told"),
    [
        (calling(1), '{"state": "sent 7"}'),
        (calling(1, name="none"), "error: there is no tool `none`"),
        (calling(1, arguments="{"), "error: the arguments are no JSON object"),
    ],
)
def test_tools_are_called_until_the_model_answers(tmp_path: Path, called: bytes, told: str) -> None:
    answers = [Answer(body=called), text_answer("it was sent")]
    with chat_server(lambda _, number: answers[number]) as server:
        router = asking(tmp_path, server.url)
        with router.request() as request:
            reply = request.generate(message="where?", tools={"lookup": lambda order: {"state": f"sent {order}"}})
    assert "it was sent" == reply.text
    assert {"role": "tool", "tool_call_id": "call-1", "content": told} == server.asked[1].body["messages"][-1]
    spans = written(tmp_path, router)
    assert 2 == len(by_operation(spans, names.CHAT))
    assert ("error" not in told) == bool(by_operation(spans, names.EXECUTE_TOOL))


def test_a_model_that_calls_tools_for_ever_is_stopped(tmp_path: Path) -> None:
    with chat_server(lambda _, number: Answer(body=calling(number))) as server:
        router = asking(tmp_path, server.url, bundle=bundle_bytes(max_steps=3))
        with router.request() as request:
            reply = request.generate(message="where?", tools={"lookup": lambda order: order})
    assert (3, "tool_calls") == (len(server.asked), reply.finish_reason)


def test_an_asynchronous_application_does_not_wait(tmp_path: Path) -> None:
    with chat_server(lambda *_: text_answer("ok")) as server:
        router = asking(tmp_path, server.url, bundle=GUARDED)

        async def serve(number: int) -> Reply:
            async with router.request(user=f"u{number}") as request:
                await request.aguard_input(f"hi {number}")
                reply = await request.agenerate(message=f"hi {number}")
                await request.aguard_output(reply.text)
                return reply

        async def serve_all() -> list[Reply]:
            return await asyncio.gather(*(serve(number) for number in range(12)))

        assert ["ok"] * 12 == [reply.text for reply in asyncio.run(serve_all())]
    spans = written(tmp_path, router)
    for chat in by_operation(spans, names.CHAT):
        assert f"hi {chat.attributes[names.USER][1:]}" in chat.attributes[names.INPUT_MESSAGES]
    assert server.connections <= 12


class Echo:
    """A provider of the application's own."""

    concurrency = 4

    def fingerprint(self) -> str:
        return "echo"

    def generate(self, request: Request, *, worker: int) -> Reply:
        return Reply(text=json.dumps([worker, request.messages[-1]["content"]]))

    def close(self) -> None:
        return


def test_a_provider_can_be_given(tmp_path: Path) -> None:
    router = loaded(tmp_path, provider=Echo())
    with router.request() as request:
        for text in ("a", "b"):
            assert [0, text] == json.loads(request.generate(message=text).text)


def test_settings_of_a_provider_that_are_wrong_are_named(tmp_path: Path) -> None:
    router = loaded(tmp_path, provider={"adress": "typo"})
    with pytest.raises(LlmopsError, match="adress"), router.request() as request:
        request.generate(message="hi")


def test_calls_that_overlap_have_connections_of_their_own(tmp_path: Path) -> None:
    from llmops_git.runtime.asking import Asker

    asker = Asker()
    worker: Callable[[str], Any] = asker._worker
    with worker("a") as first, worker("a") as second:
        with worker("b") as other:
            assert (0, 1, 0) == (first, second, other)
        with worker("a") as third:
            assert 2 == third
    with worker("a") as again:
        assert 0 == again


def test_a_rule_that_can_never_decide_is_known_from_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = [{"name": "tone", "use": "acme.tone", "action": "block"}, {"name": "banned", "use": "banned", "texts": ["no"]}]
    router = loaded(tmp_path, bundle=bundle_bytes(guardrails={"input": [{**PACK, "rules": rules}]}))
    assert 1 == router.stats()["rules_that_cannot_decide"]
    assert "tone" in caplog.text
    with router.request() as request:
        assert request.guard_input("fine").allowed
    results = [span.attributes[names.GUARD_RESULT] for span in by_operation(written(tmp_path, router), names.APPLY_GUARDRAIL)]
    assert ["error", "pass"] == results
