"""Keys that a change, a server or a model wants to see, and replies that somebody else wrote."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import Hub

from llmops_git.configs.policy import ProviderSettings
from llmops_git.providers.base import ProviderError, Request
from llmops_git.providers.table import open_provider
from tests.attacks import naive
from tests.attacks.stage import called, checkout
from tests.chat_server import Answer, Asked, ChatServer, chat_server, completion, text_answer
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows

SECRET = "sk-the-key-of-the-model-0123456789"
REQUEST = Request(provider="p", model="m", messages=({"role": "user", "content": "hi"},))


@pytest.fixture
def thief() -> Iterator[ChatServer]:
    with chat_server(lambda *_: text_answer("thank you")) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_key_does_not_follow_a_redirect(thief: ChatServer, status: int) -> None:
    headers = {"location": f"{thief.url}/chat/completions"}
    with chat_server(lambda *_: Answer(status=status, headers=headers)) as server:
        settings = ProviderSettings(name="p", api="openai", base_url=server.url, key_env="KEY", timeout=5)
        provider = open_provider(settings, environ={"KEY": SECRET})
        with pytest.raises(ProviderError) as caught:
            provider.generate(REQUEST, worker=0)
        provider.close()
    assert ([], False) == (thief.asked, SECRET in str(caught.value))


def test_a_naive_client_takes_the_key_along() -> None:
    """urllib makes a GET of a redirected POST and copies its headers, the key among them, to whoever is there."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as elsewhere:
        thread = threading.Thread(target=elsewhere.handle_request)
        thread.start()
        headers = {"location": f"http://localhost:{elsewhere.server_port}/"}
        with chat_server(lambda *_: Answer(status=302, headers=headers)) as server:
            naive.ask({"base_url": server.url, "key_env": "KEY"}, {"KEY": SECRET})
        thread.join()
    assert seen == [f"Bearer {SECRET}"]


@pytest.mark.parametrize(
    "address",
    ["http://api.example.com/v1", "http://127.0.0.1.evil.example/v1", "http://localhost@evil.example/v1", "ftp://127.0.0.1/v1",
     "https://user:password@api.example.com/v1", "https://api.example.com/v1?to=evil", "http://[::2]/v1", "HTTP://evil.example"],
)  # fmt: skip
def test_a_policy_sends_no_key_over_an_open_wire(tmp_path: Path, address: str) -> None:
    text = f"version: 1\nproviders:\n  openai: {{api: openai, base_url: '{address}', key_env: OPENAI_API_KEY}}\n"
    folder = checkout(tmp_path / "checkout", {"llmops.yaml": text})
    done = called("check", cwd=folder)
    assert (2, True) == (done.code, "base_url" in done.out), done.out


def test_what_a_model_repeats_of_a_key_is_written_nowhere(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def echo(asked: Asked, number: int) -> Answer:
        said = asked.headers["authorization"].removeprefix("Bearer ")
        forms = [said, base64.b64encode(said.encode()).decode(), json.dumps(said), said.replace("-", "%2D")]
        return text_answer(f"you sent {forms[number % 4]} and that is that")

    assert SECRET in naive.print_answers([f"you sent {SECRET}"])
    with chat_server(echo) as server:  # type: ignore[arg-type]
        files: dict[str, Any] = {"llmops.yaml": POLICY.format(url=server.url, key=KEY), "prompts/router.yaml": config(1)}
        hub.commit({**files, "evals/router.jsonl": rows()}, "first")
        ci = CiProject(hub, tmp_path, monkeypatch, capfd, key=SECRET)
        hub.commit({"prompts/router.yaml": config(2)}, branch="change")
        number = hub.open_pull_request(head="change", author="alice").number
        done = ci.pull_request(number)
    written = b"".join(path.read_bytes() for path in Path(done.outputs["report-dir"]).rglob("*") if path.is_file()).decode()
    everything = written + done.out + done.summary + str(done.outputs) + "".join(each.body for each in hub.comments(number))
    assert "[redacted]" in everything
    for form in (SECRET, base64.b64encode(SECRET.encode()).decode().rstrip("=")):
        assert form not in everything


def test_an_error_that_quotes_the_key_is_shown_without_it(tmp_path: Path) -> None:
    body = json.dumps({"error": {"message": f"invalid key {SECRET}", "code": ""}}).encode()
    with chat_server(lambda *_: Answer(status=401, body=body)) as server:
        text = f"version: 1\nproviders:\n  openai: {{api: openai, base_url: {server.url}, key_env: OPENAI_API_KEY}}\n"
        folder = checkout(tmp_path / "checkout", {"llmops.yaml": text})
        (folder / "prompts" / "plain.yaml").write_text((folder / "prompts" / "plain.yaml").read_text().replace("hello", "bye"))
        done = called("eval", "plain", "--base=HEAD", cwd=folder, environment={"OPENAI_API_KEY": SECRET})
        assert (3, False) == (done.code, SECRET in done.out)
        kept = b"".join(path.read_bytes() for path in (folder / ".llmops").rglob("*") if path.is_file())
        assert SECRET.encode() not in kept


def replies(folder: Path) -> list[Path]:
    return sorted((folder / ".git" / "llmops-git" / "replies").glob("?/*.json"))


@pytest.mark.parametrize("forged", ["another request's", "another engine's", "from the future", "not a reply", "huge"])
def test_a_forged_reply_in_the_cache_is_not_used(tmp_path: Path, forged: str) -> None:
    """A cache that a job restored may hold anything: an entry counts only under its own key, for its own engine, in its time."""
    (tmp_path / "naive").mkdir()
    (tmp_path / "naive" / "key.json").write_text(json.dumps({"text": "whatever passes"}))
    assert "whatever passes" == naive.cached_reply(tmp_path / "naive", "key")

    with chat_server(lambda asked, _: Answer(body=completion("hello" if "hello" in str(asked.body) else "bye"))) as server:
        text = f"version: 1\nproviders:\n  openai: {{api: openai, base_url: {server.url}, key_env: ''}}\n"
        folder = checkout(tmp_path / "checkout", {"llmops.yaml": text})
        plain = folder / "prompts" / "plain.yaml"
        plain.write_text(plain.read_text().replace("Say hello.", "Say nothing."))
        first = called("eval", "plain", "--base=HEAD", cwd=folder)
        asked = len(server.asked)
        assert (True, 2, 2) == (first.survived, asked, len(replies(folder))), first.out
        one, other = replies(folder)
        entry = json.loads(one.read_text())
        entry["reply"]["text"] = "hello"
        match forged:
            case "another request's":
                entry = json.loads(other.read_text())
            case "another engine's":
                entry["fingerprint"] = "openai somebody.example/v1"
            case "from the future":
                entry["time"] += 10 * 365 * 86_400
            case "not a reply":
                entry["reply"] = ["hello"]
            case _:
                entry["reply"]["text"] = 7
        one.write_text(json.dumps(entry))
        again = called("eval", "plain", "--base=HEAD", cwd=folder)
        assert (True, asked + 1) == (again.survived, len(server.asked)), again.out
