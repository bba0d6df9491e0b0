"""The files that `init` writes: a small, honest project that runs on the embedded model without a key."""

from __future__ import annotations

import json

from llmops_git.configs.schema import SCHEMA_BASE

NAME = "review-sentiment"

_SYSTEM = """\
You judge product reviews. Answer with one word: positive or negative.
"""

# Texts written for this file; two are hard on purpose: a set that everything passes measures nothing. The prompt above is the
# first that comes to mind, and the model of 135M parameters chats instead of judging: the tutorial of the README improves it.
_ROWS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("kettle", "The kettle boils fast and still looks new after a year. I would buy it again.", "positive", ()),
    ("zipper", "The zipper broke on the second day and nobody answers my mails.", "negative", ()),
    ("headphones", "Great sound, and they sit so lightly that I forget I am wearing them.", "positive", ()),
    ("blender", "It leaks, it is loud, and it smells of burnt plastic. I sent it back.", "negative", ()),
    ("lamp", "Exactly the warm light I was looking for, and set up in two minutes.", "positive", ()),
    ("shoes", "They fell apart in the rain after three weeks. A waste of money.", "negative", ()),
    ("notebook", "I expected little, but the paper is a joy to write on.", "positive", ("hard",)),
    ("backpack", "It would be a fine backpack if the straps had not torn on the first trip.", "negative", ("hard",)),
)


def project_files(provider: str, model: str) -> dict[str, str]:
    """Path below the project's folder -> text, without the policy."""
    rows = [
        {"id": name, "inputs": {"review": review}, "expected": expected, **({"tags": list(tags)} if tags else {})}
        for name, review, expected, tags in _ROWS
    ]
    return {
        f"prompts/{NAME}.yaml": config_text(provider, model),
        f"prompts/{NAME}/system.j2": _SYSTEM,
        f"evals/{NAME}.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }


def config_text(provider: str, model: str) -> str:
    """The config."""
    # models of OpenAI that still have years before them refuse max_tokens, and a temperature where they reason
    short = "reasoning_effort: none, max_completion_tokens: 8" if provider == "openai" else "max_tokens: 8"
    return f"""\
# yaml-language-server: $schema={SCHEMA_BASE}/config.schema.json
name: {NAME}
description: Tell whether a product review is positive or negative.
model:
  provider: {provider}
  id: {json.dumps(model)}
  parameters: {{temperature: 0, {short}}}
inputs:
  type: object
  required: [review]
  properties: {{review: {{type: string}}}}
messages:
  - {{role: system, file: {NAME}/system.j2}}
  - {{role: user, content: "{{{{ review }}}}"}}
evaluation:
  dataset: ../evals/{NAME}.jsonl
  scorers:
    sentiment: {{use: contains, ignore_case: true}}
    cost: {{use: cost}}
    latency: {{use: latency}}
"""


def policy_text() -> str:
    """The policy, with what a project changes first."""
    return f"""\
# yaml-language-server: $schema={SCHEMA_BASE}/policy.schema.json
version: 1
configs: ["prompts/**/*.yaml"]
environments:
  staging: {{promote: automatic}}
  production: {{after: staging}}
gate: {{margin: 0.05, on_inconclusive: warn}}
budget: {{max_usd: 5}}
"""
