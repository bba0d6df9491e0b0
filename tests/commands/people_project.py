"""A project whose config is judged by a model that is wrong now and then, for the tests of review and calibrate."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chat_server import Asked, ChatServer, chat_server, text_answer
from tests.commands.release_project import Folder

LABELS = ("billing", "technical", "sales")
CASES = 40
CONFIG = """\
name: router
model: {{provider: test, id: test-model-2026-01-01, parameters: {{temperature: 0, max_tokens: 8}}}}
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages:
  - {{role: system, content: "skill {skill}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
evaluation:
  dataset: ../evals/router.jsonl
  scorers:
    right: {{use: exact}}
    helpful: {{use: judge, judge: ../judges/helpful.yaml}}
"""
JUDGE = """\
kind: judge
name: helpful
description: Is it the right queue?
model: {provider: test, id: test-judge-2026-01-01, parameters: {temperature: 0}}
messages:
  - {role: system, content: "Say pass or fail."}
  - {role: user, content: "{{ inputs.message }} ANSWER {{ output }} END"}
scale: {labels: {pass: 1, fail: 0}}
"""


def truth(number: int, output: str) -> str:
    """What a person says of an output."""
    return "pass" if output.startswith(LABELS[number % 3]) else "fail"


def wrong_judge(number: int) -> bool:
    """The cases that the judge gets wrong."""
    return number % 8 == 3


def play(asked: Asked, _number: int) -> Any:
    """`skill 60` answers 60 % of the cases rightly; the judge says what is true but for its mistakes."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    number = int(re.findall(r"message (\d+)", message)[0])
    if system.startswith("Say"):
        said = truth(number, message.partition(" ANSWER ")[2])
        turned = {"pass": "fail", "fail": "pass"}[said]
        return text_answer(turned if wrong_judge(number) else said)
    skilled = number * 37 % CASES * 100 // CASES < int(system.split()[-1])
    return text_answer(LABELS[number % 3] if skilled else f"no idea {number}")


@contextmanager
def people_project(folder: Path, *, before: int = 60, after: int = 85, policy: str = "") -> Iterator[tuple[Folder, ChatServer]]:
    """A repository whose main has skill `before` and whose work tree has skill `after`."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    clone = Folder(folder)
    with chat_server(play) as server:
        for path, text in {
            "llmops.yaml": f'version: 1\nproviders:\n  test: {{api: openai, base_url: "{server.url}"}}\n{policy}',
            "prompts/router.yaml": CONFIG.format(skill=before),
            "judges/helpful.yaml": JUDGE,
            "evals/router.jsonl": "".join(
                json.dumps({"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": LABELS[n % 3]}) + "\n"
                for n in range(CASES)
            ),
        }.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        clone.commit("first", push=False)
        (folder / "prompts" / "router.yaml").write_text(CONFIG.format(skill=after))
        yield clone, server
