"""Makes the repository that `diff` is measured on: 10,000 configs with templates, shared includes, eval sets and corpora.

    python bench/diff/generate.py FOLDER [--configs N] [--seed S]

Three commits on main. The second edits a few files: two templates, one config's parameters, one eval set and one shared
include. The third edits one more template and one more config. Everything is drawn from one seeded generator and written by one `git fast-import`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

TEAM = 100  # configs of one team's folder
INCLUDES = 200
NESTED = 20  # includes that include another one
CORPORA = 50
DOCUMENTS = 6
JUDGES = 20
SCHEMAS = 40
CASES = 24
RETRIEVING, GUARDED, JUDGED = 0.25, 0.2, 0.1  # shares of the configs
WORDS = (  # noqa: SIM905  # a list of sixty quoted words reads worse
    "account address agent answer billing cancel card change charge claim customer date delivery device discount error "
    "exchange fee form invoice item label letter limit login manual message missing number offer order parcel password "
    "payment phone plan policy price product queue receipt refund reply return serial service ship size stock store "
    "summary support ticket tone total tracking transfer update upgrade urgent voucher warranty weight window"
).split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--configs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    generate(options.folder, options.configs, options.seed)


def generate(folder: Path, configs: int, seed: int = 20261123) -> None:
    """A bare repository at `folder`, with main at the third commit."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    draw = random.Random(seed)
    first = dict(_files(draw, configs))
    second, third = dict(_edits(first, configs)), dict(_later_edits(first, configs))
    stream = b"".join([*_commit("first", first, 1), *_commit("second", second, 2), *_commit("third", third, 3)])
    subprocess.run(["git", "-C", str(folder), "fast-import", "--quiet"], input=stream, check=True)
    subprocess.run(["git", "-C", str(folder), "gc", "--quiet"], check=True)


def name_of(number: int) -> str:
    return f"{WORDS[number % len(WORDS)]}-{number:05}"


def place_of(number: int) -> str:
    """Team folder and name of a config: `team-07/order-00712`."""
    return f"team-{number // TEAM:02}/{name_of(number)}"


def _files(draw: random.Random, configs: int) -> Iterator[tuple[str, str]]:
    yield "llmops.yaml", 'version: 1\nconfigs: ["prompts/**/*.yaml"]\n'
    yield "README.md", _prose(draw, 400)
    for number in range(INCLUDES):
        nested = f'{{% include "part-{number + 100:03}.j2" %}}\n' if number < NESTED else ""
        yield f"shared/part-{number:03}.j2", f"{nested}{_prose(draw, 600)}"
    for number in range(CORPORA):
        for document in range(DOCUMENTS):
            yield f"corpora/topic-{number:02}/page-{document}.md", f"# {_words(draw, 4)}\n\n{_prose(draw, 1500)}"
    for number in range(SCHEMAS):
        yield f"schemas/answer-{number:02}.json", json.dumps(_schema(draw), indent=2) + "\n"
    for number in range(JUDGES):
        yield f"judges/judge-{number:02}.yaml", _judge(draw)
    yield (
        "guardrails/pii.yaml",
        "name: pii\ndescription: personal data\nrules: {found: {use: pii, kinds: [EMAIL, PHONE], action: redact}}\n",
    )
    for number in range(configs):
        yield f"prompts/{place_of(number)}.yaml", _config(draw, number)
        yield f"prompts/{place_of(number)}/system.j2", _template(draw, number)
        yield f"evals/{place_of(number)}.jsonl", _cases(draw)


def _config(draw: random.Random, number: int) -> str:
    name = name_of(number)
    lines = [
        "# yaml-language-server: $schema=../../schemas/config.schema.json",
        f"name: {name}",
        f"description: {_words(draw, 20)}",
        f"owner: {draw.choice(WORDS)}-ml",
        "model:",
        "  provider: openai",
        f"  id: {draw.choice(['gpt-4.1-mini-2025-04-14', 'gpt-4.1-2025-04-14', 'gpt-4o-2024-08-06'])}",
        f"  parameters: {{temperature: {draw.choice(['0', '0.2', '0.7'])}, max_tokens: {draw.choice([64, 256, 512])}}}",
        "inputs:",
        "  type: object",
        "  required: [message]",
        "  properties:",
        f"    message: {{type: string, description: {_words(draw, 6)}}}",
        "    language: {type: string}",
        "messages:",
        f"  - {{role: system, file: {name}/system.j2}}",
        "  - role: user",
        "    content: |",
        f"      {_words(draw, 16)}:",
        f"      {_words(draw, 16)}",
        "      {{ message }}",
        f"output: {{schema: ../../schemas/answer-{draw.randrange(SCHEMAS):02}.json}}",
    ]
    if draw.random() < RETRIEVING:
        topic = draw.randrange(CORPORA)
        lines += [
            "retrieval:",
            "  retriever: bm25",
            f'  corpus: ["../../corpora/topic-{topic:02}/*.md"]',
            "  chunk: {size: 800, overlap: 80}",
            '  query: "{{ message }}"',
            "  top_k: 4",
        ]
    if draw.random() < GUARDED:
        lines.append("guardrails: {input: [pii], output: [pii]}")
    lines += [
        "evaluation:",
        f"  dataset: ../../evals/{place_of(number)}.jsonl",
        "  repeats: {start: 1, max: 3}",
        "  scorers:",
        "    queue: {use: json_schema}",
        "    right: {use: contains}",
    ]
    if draw.random() < JUDGED:
        lines.append(f"    helpful: {{use: judge, judge: ../../judges/judge-{draw.randrange(JUDGES):02}.yaml}}")
    lines += ["  gate:", "    queue: {margin: 0.02}", "  budgets: {cost: {max_ratio: 1.10}}"]
    return "\n".join(lines) + "\n"


def _template(draw: random.Random, number: int) -> str:
    return (
        f"{_prose(draw, 1200)}\n"
        f'{{% include "../../../shared/part-{number % INCLUDES:03}.j2" %}}\n'
        "{# one reply for each message #}\n"
        "{% for document in documents %}\n- {{ document.text }}\n{% endfor %}\n"
        f"{_prose(draw, 900)}\n"
        '{% if language is defined %}Answer in {{ language | default("English") }}.{% endif %}\n'
        f"Reply with one of these queues: {', '.join(draw.sample(WORDS, 6))}.\n"
    )


def _judge(draw: random.Random) -> str:
    return (
        "kind: judge\nmodel: {provider: openai, id: gpt-4.1-2025-04-14, parameters: {temperature: 0}}\n"
        "inputs:\n  type: object\n  required: [output]\n  properties: {output: {type: string}}\n"
        f"messages:\n  - role: user\n    content: |\n      {_words(draw, 30)}\n      {{{{ output }}}}\n"
        "scale: {labels: {pass: 1, fail: 0}}\n"
    )


def _schema(draw: random.Random) -> dict[str, object]:
    fields = {word: {"type": "string"} for word in draw.sample(WORDS, 4)}
    fields["queue"] = {"type": "string"}
    return {"type": "object", "required": ["queue"], "additionalProperties": False, "properties": fields}


def _cases(draw: random.Random) -> str:
    rows = []
    for number in range(CASES):
        message = _words(draw, 22)
        rows.append(json.dumps({"id": f"case-{number:02}", "inputs": {"message": message}, "expected": draw.choice(WORDS)}))
    return "\n".join(rows) + "\n"


def _edits(files: dict[str, str], configs: int) -> Iterator[tuple[str, str]]:
    """A few files, as a pull request would touch them."""
    for number in (configs // 3, configs // 2):
        path = f"prompts/{place_of(number)}/system.j2"
        yield path, files[path].replace("Reply with", "Answer with exactly")
    path = f"prompts/{place_of(configs // 4)}.yaml"
    yield path, files[path].replace("parameters: {temperature:", "parameters: {top_p: 0.9, temperature:")
    path = f"evals/{place_of(configs // 5)}.jsonl"
    yield path, files[path].replace('"case-00"', '"case-first"')
    path = "shared/part-150.j2"
    yield path, files[path] + "Never promise a refund.\n"


def _later_edits(files: dict[str, str], configs: int) -> Iterator[tuple[str, str]]:
    path = f"prompts/{place_of(configs // 6)}/system.j2"
    yield path, files[path].replace("Reply with", "Answer with exactly")
    path = f"prompts/{place_of(configs // 7)}.yaml"
    yield path, files[path].replace("temperature: ", "top_p: 0.9, temperature: ")


def _words(draw: random.Random, count: int) -> str:
    return " ".join(draw.choices(WORDS, k=count))


def _prose(draw: random.Random, length: int) -> str:
    text = ""
    while len(text) < length:
        text += _words(draw, draw.randrange(6, 14)).capitalize() + ".\n"
    return text


def _commit(message: str, files: dict[str, str], number: int) -> Iterator[bytes]:
    yield f"commit refs/heads/main\ncommitter Bench <bench@example.com> {1767225600 + number} +0000\n".encode()
    yield f"data {len(message)}\n{message}\n".encode()
    for path, text in files.items():
        data = text.encode()
        yield f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


if __name__ == "__main__":
    main()
