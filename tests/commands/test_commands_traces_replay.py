"""`llmops-git traces replay`: recorded requests asked again, of a real server, under real releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chat_server import Answer, Asked, completion, error_answer, text_answer
from tests.commands.live_requests import live_request, stored
from tests.commands.release_project import Folder, Place, release_project, skill

MESSAGE = {"message": "please route message 29"}


def answer(asked: Asked, number: int) -> Any:
    last = asked.body["messages"][-1]["content"].split()[-1]
    return skill(asked, number) if last.isdigit() else error_answer(400)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Folder]]:
    """Releases v1.0.0 (skill 60) and v1.0.1 (skill 99), and skill 10 in the work tree."""
    with release_project(tmp_path_factory.mktemp("replay"), script=answer) as (place, clone):
        clone.ok("release")
        clone.change(router=99)
        clone.ok("release")
        clone.write("router", 10)
        yield place, clone


def request(clone: Folder, number: int, inputs: dict[str, Any] | None, **options: Any) -> str:
    spans = live_request(number, inputs, **options)
    stored(clone.path, spans)
    return spans[0].trace_id


def test_a_request_is_asked_again_under_another_release(project: tuple[Place, Folder]) -> None:
    place, clone = project
    trace = request(clone, 1, MESSAGE, output="no idea", signals=[("thumbs_down", "")])
    place.server.asked.clear()
    code, out, err = clone.run("traces", "replay", trace[:10], "--release", "v1.0.1")
    assert 0 == code, err
    assert ["router: skill 99"] == [asked.body["messages"][0]["content"] for asked in place.server.asked]
    assert ["please route message 29"] == [asked.body["messages"][1]["content"] for asked in place.server.asked]
    lines = out.splitlines()
    assert ["--- as llmops/router/v1.0.0 answered", "no idea", "--- as llmops/router/v1.0.1 answers", "sales", "---"] == lines[
        :5
    ]
    assert "release  llmops/router/v1.0.0 → llmops/router/v1.0.1" in out
    assert "answers  no idea → sales" in out
    assert "→ (none)" not in out  # who asked for what is the same
    assert "thumbs_down" not in out  # what users said of the first one is no step of the second
    clone.ok("traces", "replay", trace, "--release", "llmops/router/v1.0.1")
    assert 1 == len(place.server.asked)  # it was paid for already
    clone.ok("traces", "replay", trace, "--release", "v1.0.1", "--fresh")
    assert 2 == len(place.server.asked)


def test_the_config_as_it_is_here(project: tuple[Place, Folder]) -> None:
    place, clone = project
    trace = request(clone, 2, {"message": "what of message 2"}, output="sales")
    read = clone.json("traces", "replay", trace, "--worktree")
    assert "router: skill 10" == place.server.asked[-1].body["messages"][0]["content"]
    assert ("llmops/router/v1.0.0", "the config as it is here", "sales", "sales", []) == (
        read["served"], read["under"], read["recorded_reply"], read["reply"], read["notes"]
    )  # fmt: skip
    assert {"same", "changed"} >= {step["kind"] for step in read["steps"]}


def test_what_was_not_recorded_cannot_be_run_again(project: tuple[Place, Folder]) -> None:
    _, clone = project
    trace = request(clone, 3, None, content="off")
    code, out, err = clone.run("traces", "replay", trace, "--worktree")
    assert (2, "") == (code, out)
    assert "cannot be run again: its inputs were not captured" in err
    assert 'content="full"' in err
    cut = request(clone, 4, {"message": "x… (7,000 more characters)"})
    assert "too long to be captured whole" in clone.run("traces", "replay", cut, "--worktree")[2]


def test_inputs_that_do_not_fit_and_those_that_went(project: tuple[Place, Folder]) -> None:
    _, clone = project
    trace = request(clone, 5, {"other": "a", "message": "for message 1"})
    read = clone.json("traces", "replay", trace, "--release", "v1.0.0")
    assert ["input `other` is left out: the config does not have it"] == read["notes"]
    trace = request(clone, 6, {"other": "a"})
    code, _, err = clone.run("traces", "replay", trace, "--release", "v1.0.0")
    assert 2 == code
    assert "do not fit `router`" in err


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("v9.9.9", "there is no release v9.9.9 of `router`"),
        ("--upload-pack=x", "there is no release"),
        ("llmops/other/v1.0.0", "there is no release"),
    ],
)
def test_releases_that_are_not_there(project: tuple[Place, Folder], release: str, said: str) -> None:
    _, clone = project
    trace = request(clone, 7, MESSAGE)
    code, _, err = clone.run("traces", "replay", trace, f"--release={release}")
    assert 2 == code
    assert said in err
    assert "llmops/router/v1.0.0, llmops/router/v1.0.1" in err


def test_a_provider_that_fails_is_no_answer(project: tuple[Place, Folder]) -> None:
    _, clone = project
    trace = request(clone, 8, {"message": "this is refused"})
    code, out, err = clone.run("traces", "replay", trace, "--release", "v1.0.0")
    assert (3, "") == (code, out)
    assert "gave no answer under llmops/router/v1.0.0" in err


def test_a_budget_of_nothing_asks_nothing(project: tuple[Place, Folder]) -> None:
    place, clone = project
    (clone.path / "prices.yaml").write_text("test/test-model-2026-01-01: {input: 1000, output: 1000}\n")
    trace = request(clone, 9, {"message": "within a budget, message 3"})
    before = len(place.server.asked)
    code, _, err = clone.run("traces", "replay", trace, "--worktree", "--max-usd", "0")
    assert (3, before) == (code, len(place.server.asked))
    assert "budget" in err


RETRIEVING = """\
name: helper
model: {provider: test, id: test-model-2026-01-01}
inputs: {type: object, required: [message], properties: {message: {type: string}}}
messages:
  - role: user
    content: "{% for document in documents %}[{{ document.id }}: {{ document.text }}]{% endfor %} {{ message }}"
retrieval: {retriever: bm25, corpus: ["../corpora/*.md"], query: "{{ message }}", top_k: 2}
tools: [{name: lookup, parameters: {type: object, properties: {id: {type: integer}}}}]
max_steps: 3
"""


def agent(asked: Asked, number: int) -> Answer:
    messages = asked.body["messages"]
    if messages[-1]["role"] == "tool":
        return text_answer(f"found {messages[-1]['content']}")
    call = {"id": f"c{number}", "type": "function", "function": {"name": "lookup", "arguments": '{"id": 7}'}}
    return Answer(
        body=completion(
            choices=[
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": None, "tool_calls": [call]},
                    "finish_reason": "tool_calls",
                }
            ]
        )
    )


def test_documents_and_tool_results_are_those_that_were_recorded(tmp_path: Path) -> None:
    with release_project(tmp_path, script=agent) as (place, clone):
        (clone.path / "corpora").mkdir()
        (clone.path / "corpora" / "orders.md").write_text("An order arrives in three days.\n")
        (clone.path / "prompts" / "helper.yaml").write_text(RETRIEVING)
        trace = request(
            clone, 1, {"message": "where is my order"}, config="helper",
            documents=[{"id": "old#1", "score": 0.5, "content": "It arrives in nine days."}], tools=[("lookup", '{"id": 7}', '{"status": "lost"}')],
        )  # fmt: skip
        read = clone.json("traces", "replay", trace, "--worktree")
        assert "[old#1: It arrives in nine days.] where is my order" == place.server.asked[0].body["messages"][0]["content"]
        assert '{"status": "lost"}' == json.loads(json.dumps(place.server.asked[1].body["messages"][-1]["content"]))
        assert 'found {"status": "lost"}' == read["reply"]
        clone.ok("traces", "replay", trace, "--worktree", "--find")
        assert "An order arrives in three days." in place.server.asked[2].body["messages"][0]["content"]
        bare = request(clone, 2, {"message": "no documents"}, config="helper")
        code, _, err = clone.run("traces", "replay", bare, "--worktree")
        assert 2 == code
        assert "--find searches them again" in err
