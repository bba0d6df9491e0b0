"""Projects whose model is as good as its id says, for the tests of upgrades."""

from __future__ import annotations

import json
from typing import Any

from tests.chat_server import Asked, text_answer
from tests.commands.test_commands_eval import CASES, LABELS

OLD, BETTER, WORSE = "middling-2026-01-01", "better-2026-02-02", "worse-2026-02-02"
SKILLS = {OLD: 60, BETTER: 100, WORSE: 10}
CONFIG = """\
# why this model: see the wiki \u2603
name: {name}
model:   {{ provider: test,  id: '{model}' , parameters: {{temperature: 0, max_tokens: 8}}}}   # pinned
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages: [{{role: user, content: "{{{{ message }}}}"}}]
evaluation: {{dataset: ../evals/cases.jsonl, scorers: {{queue: {{use: exact}}}}}}
"""


def answer(asked: Asked, _number: int) -> Any:
    """A model whose skill is that of its id."""
    message = asked.body["messages"][-1]["content"]
    if message.startswith("Judge"):
        return text_answer("billing", model=asked.body["model"])
    number = int(message.split()[-1])
    skill = SKILLS[asked.body["model"]]
    return text_answer(LABELS[number % 3] if number * 100 // CASES < skill else "no idea", model=asked.body["model"])


def files(url: str, *names: str, model: str = OLD) -> dict[str, str]:
    """A whole project with these configs."""
    rows = [{"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": LABELS[n % 3]} for n in range(CASES)]
    return {
        "llmops.yaml": f"version: 1\nproviders:\n  test: {{api: openai, base_url: {url}}}\n",
        "evals/cases.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        **{f"prompts/{name}.yaml": CONFIG.format(name=name, model=model) for name in names or ("router",)},
    }
