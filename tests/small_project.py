"""The files of a small valid project: three configs, a shared include, a judge, a corpus and guardrails."""

from __future__ import annotations

import json

FILES: dict[str, str] = {
    "llmops.yaml": 'version: 1\nconfigs: ["prompts/**/*.yaml"]\n',
    "prompts/router.yaml": """\
name: router
description: Route a message.
model: {provider: openai, id: gpt-4.1-mini-2025-04-14, parameters: {temperature: 0}}
inputs: {type: object, required: [message], properties: {message: {type: string}}}
messages:
  - {role: system, file: router/system.j2}
  - {role: user, content: "{{ message }}"}
output: {schema: router/output.schema.json}
evaluation:
  dataset: ../evals/router.jsonl
  scorers: {queue: {use: json_schema, schema: router/output.schema.json}}
""",
    "prompts/router/system.j2": "Route it.\n{% include '../shared/tone.j2' %}\n",
    "prompts/router/output.schema.json": json.dumps({"type": "object", "properties": {"queue": {"type": "string"}}}),
    "prompts/shared/tone.j2": "Be kind. {% include 'words.j2' %}\n",
    "prompts/shared/words.j2": "Use few words.\n",
    "prompts/help.yaml": """\
name: help
model: {provider: openai, id: gpt-4.1-mini-2025-04-14}
inputs: {type: object, required: [message], properties: {message: {type: string}}}
messages:
  - role: user
    content: |
      {% include "shared/tone.j2" %}
      {% for document in documents %}{{ document.text }}{% endfor %}
      {{ message }}
retrieval: {retriever: bm25, corpus: ["../corpora/*.md"], query: "{{ message }}"}
guardrails: {input: [pii]}
evaluation:
  dataset: ../evals/help.jsonl
  scorers:
    right: {use: contains}
    helpful: {use: judge, judge: ../judges/helpful.yaml}
""",
    "prompts/plain.yaml": """\
name: plain
model: {provider: openai, id: gpt-4.1-mini-2025-04-14}
messages: [{role: user, content: Say hello.}]
evaluation: {dataset: ../evals/plain.jsonl, scorers: {right: {use: contains}}}
""",
    "corpora/one.md": "Opening hours: nine to five.\n",
    "corpora/two.md": "Returns: thirty days.\n",
    "guardrails/pii.yaml": "name: pii\nrules: {email: {use: pii, kinds: [EMAIL], action: redact}}\n",
    "judges/helpful.yaml": """\
kind: judge
model: {provider: openai, id: gpt-4.1-mini-2025-04-14}
messages: [{role: user, file: helpful.j2}]
scale: {labels: {pass: 1, fail: 0}}
""",
    "judges/helpful.j2": "Is this helpful? {{ output }}\n",
    "evals/router.jsonl": '{"id": "a", "inputs": {"message": "hi"}, "expected": "x"}\n',
    "evals/help.jsonl": '{"id": "a", "inputs": {"message": "hi"}, "expected": "x"}\n',
    "evals/plain.jsonl": '{"id": "a", "inputs": {}, "expected": "hello"}\n',
    "README.md": "# A project\n",
}


def edited(path: str, old: str, new: str) -> dict[str, str]:
    """A change of one file of the project."""
    assert old in FILES[path]
    return {path: FILES[path].replace(old, new)}
