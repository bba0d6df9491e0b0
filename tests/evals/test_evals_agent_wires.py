"""The tool loop over real wires, and killed in the middle of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import agent_child

from tests.chat_server import Answer, Asked, chat_server, completion, text_answer

CHILD = Path(agent_child.__file__)


def openai(asked: Asked, _number: int) -> Answer:
    if asked.body["messages"][-1]["role"] == "tool":
        return text_answer("done")
    call = {"id": "drawn", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(body=completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))


def anthropic(asked: Asked, _number: int) -> Answer:
    content = asked.body["messages"][-1]["content"]
    answered = isinstance(content, list) and content[0]["type"] == "tool_result"
    block = {"type": "text", "text": "done"} if answered else {"type": "tool_use", "id": "drawn", "name": "look", "input": {}}
    reason = "end_turn" if answered else "tool_use"
    usage = {"input_tokens": 12, "output_tokens": 3}
    reply = {"type": "message", "role": "assistant", "model": "m", "content": [block], "stop_reason": reason, "usage": usage}
    return Answer(body=json.dumps(reply).encode())


def test_the_loop_speaks_chat_completions(tmp_path: Path) -> None:
    with chat_server(openai) as server:
        sample = agent_child.main("openai", server.url, str(tmp_path))
        _, _, said, told = server.asked[1].body["messages"]
    assert ("done", "stop", 24) == (sample.output, sample.finish_reason, sample.usage.input_tokens)
    assert ("call00001", "call00001", "shipped") == (said["tool_calls"][0]["id"], told["tool_call_id"], told["content"])


def test_the_loop_speaks_messages_of_anthropic(tmp_path: Path) -> None:
    with chat_server(anthropic) as server:
        sample = agent_child.main("anthropic", server.url, str(tmp_path))
        _, said, told = server.asked[1].body["messages"]
    assert ("done", 24, "") == (sample.output, sample.usage.input_tokens, sample.error)
    assert ("tool_use", "call00001") == (said["content"][0]["type"], said["content"][0]["id"])
    assert [{"type": "tool_result", "tool_use_id": "call00001", "content": "shipped"}] == told["content"]


def test_a_loop_killed_between_its_steps_goes_on_where_it_was(tmp_path: Path) -> None:
    second, never = threading.Event(), threading.Event()

    def script(asked: Asked, number: int) -> Answer:
        answer = openai(asked, number)
        if number != 1:
            return answer
        second.set()
        return Answer(body=answer.body, hold=never)

    with chat_server(script) as server:
        command = [sys.executable, str(CHILD), "openai", server.url, str(tmp_path)]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert second.wait(60)
        child.kill()
        child.wait()
        never.set()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ("done stop 24", [2, 4, 4]) == (done.stdout, [len(asked.body["messages"]) for asked in server.asked])
