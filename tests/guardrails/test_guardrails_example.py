"""The example pack is valid, and does on its suite what the suite says."""

from __future__ import annotations

import json
from pathlib import Path

from guard_material import Clock
from jsonschema import Draft202012Validator

from llmops_git.configs.pack_file import load_pack
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.guardrails.apply import apply_packs
from llmops_git.guardrails.packs import faults_of, pack_of

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_example_pack_catches_what_its_suite_says_and_lets_the_rest_through() -> None:
    files = {path.relative_to(EXAMPLES).as_posix(): path.read_bytes() for path in EXAMPLES.rglob("*") if path.is_file()}
    tree = DictTree(files)
    pack = load_pack(tree, "guardrails/customer.yaml", load_policy(tree, ""))
    assert ("guardrails/suites/customer.jsonl",) == pack.measure.suites
    built = pack_of(pack.resolved, "input")
    assert () == faults_of([built])
    rows = [json.loads(line) for line in files["guardrails/suites/customer.jsonl"].decode().splitlines()]
    validator = Draft202012Validator(json.loads((ROOT / "schemas/suite.schema.json").read_text()))
    assert all(validator.is_valid(row) for row in rows)
    wrong = [
        row["id"]
        for row in rows
        if row["attack"] is not any(
            result.outcome != "pass" for result in apply_packs([built], "input", row["text"], clock_ns=Clock()).results
        )
    ]  # fmt: skip
    assert [] == wrong
