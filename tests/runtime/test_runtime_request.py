"""A request's trace: every step is a span of it, errors are the application's own, and texts leave only as captured."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from llmops_git import runtime
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Reply, Usage
from llmops_git.traces import attributes as names
from tests.runtime.runtime_material import MODEL, by_operation, loaded, text_in, the, written

DOCUMENTS = [{"id": "a", "text": "Opening hours", "score": 0.5}, "Returns"]


def serve(router: runtime.Router, **options: Any) -> runtime.Request:
    """A whole request, around an SDK of the application's."""
    with router.request(user="u-17", feature="triage", conversation="c-1", **options) as request:
        request.retrieve("opening", lambda _: DOCUMENTS, name="help", top_k=2)
        request.messages(message="when are you open?")
        request.record(Reply(text="nine to five", finish_reason="stop", usage=Usage(input_tokens=10, output_tokens=3)))
        request.tool("lookup", {"order": 7}, lambda order: {"state": f"sent {order}"}, id="call-1")
        request.signal("thumbs_up", 1.0, comment="thanks")
    return request


def test_every_step_is_a_span_that_names_the_release(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    request = serve(router)
    spans = written(tmp_path, router)
    root = the(spans, names.INVOKE_WORKFLOW)
    assert ["invoke_workflow router", "retrieval help", f"chat {MODEL}", "execute_tool lookup", "signal thumbs_up"] == [
        span.name for span in spans
    ]
    assert {request.trace_id} == {span.trace_id for span in spans}
    assert ["", *[root.span_id] * 4] == [span.parent_id for span in spans]
    shared = {
        names.PROMPT_NAME: "router",
        names.PROMPT_VERSION: "llmops/router/v1.0.0",
        names.CONFIG_DIGEST: router.bundle.digest,
        names.ENVIRONMENT: "production",
        names.FEATURE: "triage",
        names.USER: "u-17",
    }
    assert [shared] * 5 == [{name: span.attributes.get(name) for name in shared} for span in spans]
    assert not any(names.SAMPLE_WEIGHT in span.attributes for span in spans)
    assert ("c-1", "1" * 40, "full") == tuple(
        root.attributes[name] for name in (names.CONVERSATION, names.GIT_COMMIT, names.CONTENT)
    )
    assert "when are you open?" == root.attributes[f"{names.VARIABLE_PREFIX}message"]
    assert all(0 < root.start_ns <= span.start_ns <= span.end_ns <= root.end_ns for span in spans)


def test_each_step_says_what_it_did(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    serve(router)
    spans = written(tmp_path, router)
    found = the(spans, names.RETRIEVAL).attributes
    assert ("opening", 2, "help") == (found[names.QUERY], found[names.TOP_K], found[names.DATA_SOURCE])
    assert (
        {"id": "a", "content": "Opening hours", "score": 0.5},
        {"id": "2", "content": "Returns"},
    ) == found[names.DOCUMENTS]
    chat = the(spans, names.CHAT)
    assert ("client", "openai", MODEL, 10, 3, ("stop",)) == (
        chat.kind,
        *(chat.attributes[name] for name in (names.PROVIDER, names.REQUEST_MODEL, names.INPUT_TOKENS, names.OUTPUT_TOKENS)),
        chat.attributes[names.FINISH_REASONS],
    )
    assert (
        '[{"role":"system","parts":[{"type":"text","content":"Route it. Opening hours Returns"}]},'
        '{"role":"user","parts":[{"type":"text","content":"when are you open?"}]}]'
    ) == chat.attributes[names.INPUT_MESSAGES]
    assert (
        '[{"role":"assistant","parts":[{"type":"text","content":"nine to five"}],"finish_reason":"stop"}]'
    ) == chat.attributes[names.OUTPUT_MESSAGES]
    tool = the(spans, names.EXECUTE_TOOL).attributes
    assert ("lookup", "call-1", '{"order":7}', '{"state":"sent 7"}') == tuple(
        tool[name] for name in (names.TOOL_NAME, names.TOOL_CALL, names.TOOL_ARGUMENTS, names.TOOL_RESULT)
    )
    signal = the(spans, names.GIVE_SIGNAL)
    assert ("thumbs_up", 1.0, "thanks") == tuple(
        signal.attributes[name] for name in (names.SIGNAL, names.SIGNAL_VALUE, names.SIGNAL_COMMENT)
    )
    assert signal.start_ns == signal.end_ns


def test_no_text_leaves_unless_that_is_asked_for(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    serve(router)
    spans = written(tmp_path, router)
    said = text_in(spans)
    for text in ("open?", "Opening", "Returns", "nine to five", "opening", "order", "sent", "thanks"):
        assert text not in said
    assert ({"id": "a", "score": 0.5}, {"id": "2"}) == the(spans, names.RETRIEVAL).attributes[names.DOCUMENTS]
    assert 10 == the(spans, names.CHAT).attributes[names.INPUT_TOKENS]
    assert "off" == the(spans, names.INVOKE_WORKFLOW).attributes[names.CONTENT]


def test_what_is_personal_or_secret_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "a-key-of-the-environment")
    router = loaded(tmp_path, content="redacted", secrets=["a-password-of-the-settings"])
    with router.request(attributes={"plan": "gold"}) as request:
        request.retrieve("who is jane.doe@example.com?", lambda _: [{"id": "1", "text": "a-key-of-the-environment"}])
        request.messages(message="my card is 4111 1111 1111 1111, my mail jane.doe@example.com")
        request.record("call a-password-of-the-settings")
        request.signal("thumbs_down", comment="jane.doe@example.com was shown")
    spans = written(tmp_path, router)
    said = text_in(spans)
    for text in ("jane.doe", "4111", "a-key-of", "a-password"):
        assert text not in said
    assert "who is [EMAIL]?" == the(spans, names.RETRIEVAL).attributes[names.QUERY]
    assert "[EMAIL] was shown" == the(spans, names.GIVE_SIGNAL).attributes[names.SIGNAL_COMMENT]
    assert "my card is" in the(spans, names.INVOKE_WORKFLOW).attributes[f"{names.VARIABLE_PREFIX}message"]
    assert "gold" == the(spans, names.INVOKE_WORKFLOW).attributes["plan"]


def test_a_text_that_nothing_can_be_said_of_in_time_does_not_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmops_git.guardrails.base import Undecided
    from llmops_git.guardrails.pii import Pii

    def undecided(*_arguments: object) -> None:
        raise Undecided("too slow")

    monkeypatch.setattr(Pii, "find", undecided)
    router = loaded(tmp_path, content="redacted")
    serve(router)
    assert "open?" not in text_in(written(tmp_path, router))


def test_users_are_hashed_with_a_salt(tmp_path: Path) -> None:
    router = loaded(tmp_path, user_salt="pepper")
    for user in ("u-17", "u-17", 17):
        with router.request(user=user):
            pass
    first, second, third = (span.attributes[names.USER] for span in written(tmp_path, router))
    assert first == second != third
    assert "17" not in first
    assert 16 == len(first)


def test_errors_of_the_application_go_through_and_are_in_the_trace(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012, SIM117
        with router.request() as request:
            request.messages(message="hi")
            request.tool("divide", {"by": 0}, lambda by: 1 // by)
    with pytest.raises(KeyError), router.request() as request:
        request.retrieve("x", lambda query: {}[query])
    spans = written(tmp_path, router)
    assert {
        "execute_tool divide": "ZeroDivisionError",
        f"chat {MODEL}": "ZeroDivisionError",
        "retrieval <lambda>": "KeyError",
    } == {span.name: span.error for span in spans if span.parent_id}
    assert ["ZeroDivisionError", "KeyError"] == [span.error for span in spans if not span.parent_id]
    assert "by zero" not in text_in(spans)  # an error's words may quote anybody


def test_a_failure_that_the_application_handles_can_be_said(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    with router.request() as request:
        request.fail("timeout")
        request.set("queue", "billing")
    [root] = written(tmp_path, router)
    assert ("timeout", "billing") == (root.error, root.attributes["queue"])


def test_an_input_that_is_missing_is_named(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    with pytest.raises(LlmopsError, match="needs the input `message`"), router.request() as request:
        request.messages(mesage="typo")


def test_steps_within_steps_are_below_them(tmp_path: Path) -> None:
    router = loaded(tmp_path)

    def lookup() -> str:
        found = runtime.current()
        assert found is not None
        found.retrieve("inner", lambda _: [])
        return "done"

    with router.request() as request, request.step("plan", tries=1):
        request.tool("lookup", {}, lookup)
    assert runtime.current() is None
    named = {span.name: span for span in written(tmp_path, router)}
    chain = [named[name] for name in ("retrieval <lambda>", "execute_tool lookup", "plan", "invoke_workflow router")]
    assert [span.span_id for span in chain[1:]] == [span.parent_id for span in chain[:-1]]
    assert 1 == named["plan"].attributes["tries"]


def test_threads_do_not_mix_their_requests(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")

    def work(number: int) -> None:
        for turn in range(20):
            with router.request(user=f"u{number}") as request:
                request.messages(message=f"question {number}.{turn}")
                request.record(f"answer {number}.{turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chats = by_operation(written(tmp_path, router), names.CHAT)
    assert 160 == len(chats) == len({span.trace_id for span in chats})
    for chat in chats:
        asked, answered = chat.attributes[names.INPUT_MESSAGES], chat.attributes[names.OUTPUT_MESSAGES]
        number = answered.partition("answer ")[2].partition('"')[0]
        assert f"question {number}" in asked
        assert f"u{number.partition('.')[0]}" == chat.attributes[names.USER]


def test_tasks_of_one_loop_do_not_mix_their_requests(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")

    async def search(query: str) -> list[str]:
        await asyncio.sleep(0.001)
        assert runtime.current() is not None
        return [f"found {query}"]

    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async def serve_one(number: int) -> None:
        async with router.request() as request:
            await request.aretrieve(str(number), search)
            await request.atool("double", {"number": number}, double)
            request.messages(message=f"question {number}")
            await asyncio.sleep(0.002)
            request.record(f"answer {number}")

    async def serve_all() -> None:
        await asyncio.gather(*(serve_one(number) for number in range(50)))

    asyncio.run(serve_all())
    spans = written(tmp_path, router)
    for chat in by_operation(spans, names.CHAT):
        number = chat.attributes[names.OUTPUT_MESSAGES].partition("answer ")[2].partition('"')[0]
        assert f"found {number}" in chat.attributes[names.INPUT_MESSAGES]
        [tool] = by_operation([span for span in spans if span.trace_id == chat.trace_id], names.EXECUTE_TOOL)
        assert str(2 * int(number)) in str(tool.attributes[names.TOOL_RESULT])
        assert tool.parent_id == chat.parent_id


def test_two_questions_at_once_in_one_request_keep_their_own(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")

    async def ask(request: runtime.Request, number: int) -> None:
        request.messages(message=f"question {number}")
        await asyncio.sleep(0.001 * (3 - number))
        request.record(f"answer {number}")

    async def serve_all() -> None:
        async with router.request() as request:
            await asyncio.gather(*(ask(request, number) for number in range(3)))

    asyncio.run(serve_all())
    for chat in by_operation(written(tmp_path, router), names.CHAT):
        number = chat.attributes[names.OUTPUT_MESSAGES].partition("answer ")[2][0]
        assert f"question {number}" in chat.attributes[names.INPUT_MESSAGES]


def test_what_comes_after_the_end_is_in_the_trace(tmp_path: Path) -> None:
    """As a web framework streams: the block is left, and then the answer is read."""
    router = loaded(tmp_path, content="full")
    with router.request(user="u") as request:
        request.messages(message="hi")
        stream = request.stream(["a", "b"])
    assert ["a", "b"] == list(stream)
    request.signal("thumbs_down")
    spans = written(tmp_path, router)
    root = the(spans, names.INVOKE_WORKFLOW)
    chat, signal = the(spans, names.CHAT), the(spans, names.GIVE_SIGNAL)
    assert [root.span_id] * 2 == [chat.parent_id, signal.parent_id]
    assert ["u"] * 2 == [chat.attributes[names.USER], signal.attributes[names.USER]]


def test_signals_long_after_find_their_request(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    with router.request(user="u-17", feature="triage") as request:
        pass
    assert f"{request.trace_id}-{request.span_id}-router-v1.0.0" == request.id
    assert router.flush(10)
    assert router.signal(request.id, "edit", comment="better words")
    assert runtime.signal(request.trace_id, "stars", 4)
    signals = by_operation(written(tmp_path, router), names.GIVE_SIGNAL)
    assert [(request.trace_id, request.span_id, "u-17", "triage", "llmops/router/v1.0.0")] * 2 == [
        (span.trace_id, span.parent_id, *(span.attributes[name] for name in (names.USER, names.FEATURE, names.PROMPT_VERSION)))
        for span in signals
    ]
    assert ["better words", None] == [span.attributes.get(names.SIGNAL_COMMENT) for span in signals]
    assert [None, 4.0] == [span.attributes.get(names.SIGNAL_VALUE) for span in signals]


def test_a_signal_from_another_process_names_the_release_by_itself(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    assert router.signal("4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-router-v0.9.0", "thumbs_up", user="u")
    [signal] = written(tmp_path, router)
    assert ("00f067aa0ba902b7", "router", "llmops/router/v0.9.0", "u") == (
        signal.parent_id,
        *(signal.attributes[name] for name in (names.PROMPT_NAME, names.PROMPT_VERSION, names.USER)),
    )
    assert names.CONFIG_DIGEST not in signal.attributes


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "0" * 32, "4bf92f3577b34da6a3ce929d0e0e4736-x", "4" * 10_000, "4" * 32 + "-" + "5" * 16 + "-a-v1", None, 7],
)
def test_ids_come_back_from_browsers_and_are_not_believed(tmp_path: Path, wrong: Any) -> None:
    router = loaded(tmp_path)
    assert not router.signal(wrong, "thumbs_up")
    assert not runtime.signal(wrong, "thumbs_up")
    assert [] == written(tmp_path, router)
    assert 2 <= runtime.stats()["signals_refused"]


def test_a_request_can_be_ended_without_a_block(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    request = router.request()
    request.end(TimeoutError("slow"))
    request.end()
    [root] = written(tmp_path, router)
    assert "TimeoutError" == root.error


def test_a_loop_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    with router.request() as request:
        for _ in range(1_500):
            request.tool("again", {}, lambda: None)
    assert 1_000 == len(written(tmp_path, router))
    assert 501 == router.stats()["spans_dropped"]


def test_what_names_something_is_not_taken_for_a_number_of_somebodys(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="redacted")
    with router.request(user="+49 170 1234567", conversation="4111 1111 1111 1111", attributes={"note": "+49 170 1234567"}):
        pass
    [root] = written(tmp_path, router)
    assert ("+49 170 1234567", "4111 1111 1111 1111", "[PHONE]") == tuple(
        root.attributes[name] for name in (names.USER, names.CONVERSATION, "note")
    )
