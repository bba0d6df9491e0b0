"""Stubs of tools, on a real server."""

from __future__ import annotations

import json

import pytest

from llmops_git.configs.policy import Endpoint
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError
from llmops_git.providers.stubs import MOST_BYTES, ToolStubs
from tests.chat_server import Answer, Asked, Script, chat_server


def call(
    script: Script, *, key: str = "", arguments: object = None, timeout: float = 10.0
) -> tuple[str | None, list[Asked], list[float]]:
    waited: list[float] = []
    with chat_server(script) as server:
        endpoint = Endpoint(name="look", url=server.url, key_env="KEY" if key else "", timeout=timeout)
        stubs = ToolStubs({"look": endpoint}, environ={"KEY": key}, sleep=waited.append)
        try:
            return stubs.call("look", {"id": 7} if arguments is None else arguments), list(server.asked), waited
        finally:
            stubs.close()


def test_the_call_is_posted_and_the_body_is_the_result() -> None:
    result, (asked,), _ = call(lambda *_: Answer(body=b'{"status": "shipped"}'), key="secret-1")
    assert '{"status": "shipped"}' == result
    assert ("/v1", {"name": "look", "arguments": {"id": 7}}, "Bearer secret-1") == (
        asked.path, asked.body, {name.lower(): text for name, text in asked.headers.items()}["authorization"],
    )  # fmt: skip


def test_a_tool_without_a_stub_has_no_result() -> None:
    assert ToolStubs({}, environ={}).call("other", {}) is None


def test_a_missing_key_is_an_error_that_names_its_variable() -> None:
    stubs = ToolStubs({"look": Endpoint(name="look", url="http://127.0.0.1:9", key_env="KEY")}, environ={})
    with pytest.raises(LlmopsError, match="KEY is not set"):
        stubs.call("look", {})


def test_a_stub_that_recovers_is_asked_again() -> None:
    result, asked, waited = call(lambda _, number: Answer(status=503) if number < 2 else Answer(body=b"fine"))
    assert ("fine", 3, [0.5, 2.0]) == (result, len(asked), waited)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda *_: Answer(status=404, body=b"no"), "bad_request"),
        (lambda *_: Answer(status=302, headers={"location": "http://127.0.0.1:9/"}), "bad_request"),
        (lambda *_: Answer(status=500), "server"),
        (lambda *_: Answer(silent=True), "network"),
        (lambda *_: Answer(body=b"x" * (MOST_BYTES + 1)), "server"),
        (lambda *_: Answer(status=401, body=json.dumps({"error": "secret-1"}).encode()), "auth"),
    ],
)
def test_what_is_no_answer_is_an_error_with_a_class(script: Script, kind: str) -> None:
    with pytest.raises(ProviderError) as raised:
        call(script, key="secret-1")
    assert kind == raised.value.kind
    assert "secret-1" not in str(raised.value)


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert "\ufffd\x00" == call(lambda *_: Answer(body=b"\xff\x00"))[0]
