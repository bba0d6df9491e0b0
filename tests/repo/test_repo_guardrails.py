"""Which configs a change of a guardrail pack, of its judge or of its schema touches: found from bytes, from the index, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from history import Files, History, run_git
from small_project import FILES as PLAIN

from llmops_git.configs.values import Change
from llmops_git.repo.changes import compute_changes
from llmops_git.repo.git import open_git
from llmops_git.repo.index import open_index

FILES = {
    **PLAIN,
    "guardrails/pii.yaml": """\
description: What must not come in.
rules:
  email: {use: pii, kinds: [EMAIL], action: redact}
  topic: {use: judge, judge: ../judges/topic.yaml, label: off_topic, action: shadow}
  shape: {use: json_schema, schema: shapes/order.json, sides: [output]}
suites: [suites/pii.jsonl]
gate: {false_alarms: 0.01}
""",
    "guardrails/shapes/order.json": '{"type": "object"}',
    "guardrails/suites/pii.jsonl": '{"id": "a", "text": "x@example.com", "attack": true, "family": "email"}\n',
    "judges/topic.yaml": """\
kind: judge
model: {provider: openai, id: gpt-4.1-mini-2025-04-14}
messages: [{role: user, file: topic/ask.j2}]
scale: {labels: {on_topic: 1, off_topic: 0}}
""",
    "judges/topic/ask.j2": "Is this about orders? {% include 'words.j2' %} {{ output }}",
    "judges/topic/words.j2": "Reply on_topic or off_topic.",
}


def _edited(path: str, old: str, new: str) -> Files:
    assert old in FILES[path]
    return {path: FILES[path].replace(old, new)}


EDITS: list[tuple[Files, str]] = [
    (_edited("guardrails/pii.yaml", "[EMAIL]", "[PHONE]"), "guardrails.input.pii.rules.email.kinds"),
    (_edited("guardrails/pii.yaml", "shadow", "block"), "guardrails.input.pii.rules.topic.action"),
    (_edited("guardrails/pii.yaml", "rules:", "message: No.\nrules:"), "guardrails.input.pii.message"),
    (_edited("guardrails/shapes/order.json", "object", "array"), "guardrails.input.pii.rules.shape.schema.type"),
    (_edited("judges/topic.yaml", "gpt-4.1-mini", "gpt-4.1"), "guardrails.input.pii.rules.topic.judge.model.id"),
    (_edited("judges/topic/ask.j2", "orders", "bills"), "guardrails.input.pii.rules.topic.judge.messages[0].template"),
    (_edited("judges/topic.yaml", "on_topic: 1", "about: 1"), "guardrails.input.pii.rules.topic.scale"),
]


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "r")
    made.commit(FILES)
    return made


def _changes(folder: Path, head: str | None = "main", *, use_index: bool) -> dict[str, Change]:
    git = open_git(folder)
    index = open_index(git) if use_index else None
    try:
        base = "main" if head is None else "main~1"
        return {change.config: change for change in compute_changes(git, base, head, index=index).changes}
    finally:
        if index is not None:
            index.close()


@pytest.mark.parametrize(("files", "path"), EDITS)
def test_a_change_of_what_a_pack_reads_is_a_change_of_the_guardrails_of_its_configs(
    history: History, files: Files, path: str
) -> None:
    _changes(history.folder, None, use_index=True)  # the index knows the commit before
    history.commit(files)
    for use_index in (False, True, True):
        changes = _changes(history.folder, use_index=use_index)
        assert ["help"] == list(changes)
        change = changes["help"]
        assert (("guardrails",), "minor", ()) == (change.aspects, change.bump, change.problems)
        assert path in [field.path for field in change.fields]


def test_what_only_measures_or_describes_a_pack_is_no_change(history: History) -> None:
    history.commit(
        {
            "guardrails/pii.yaml": FILES["guardrails/pii.yaml"].replace("must not", "may not").replace("0.01", "0.02"),
            "guardrails/suites/pii.jsonl": "",
        }
    )
    assert {} == _changes(history.folder, use_index=False)


def test_the_chain_leads_from_the_file_through_the_pack_to_the_config(history: History) -> None:
    history.commit(_edited("judges/topic/words.j2", "Reply", "Answer"))
    (change,) = _changes(history.folder, use_index=False).values()
    chain = ("judges/topic/words.j2", "judges/topic/ask.j2", "judges/topic.yaml", "guardrails/pii.yaml", "prompts/help.yaml")
    assert (chain,) == change.because


def test_a_pack_edited_in_the_work_tree_brings_its_new_judge(history: History) -> None:
    run_git(history.folder, "checkout", "-q", "main")
    _changes(history.folder, None, use_index=True)
    pack = history.folder / "guardrails/pii.yaml"
    pack.write_text(pack.read_text().replace("judges/topic.yaml", "judges/other.yaml"))
    (history.folder / "judges/other.yaml").write_text(FILES["judges/topic.yaml"].replace("orders", "mail"))
    assert {} == _changes(history.folder, None, use_index=True)  # another name of the same judge
    (history.folder / "judges/other.yaml").write_text(FILES["judges/topic.yaml"].replace("gpt-4.1-mini", "gpt-4.1"))
    (change,) = _changes(history.folder, None, use_index=True).values()
    assert ("help", ("guardrails",)) == (change.config, change.aspects)


def test_a_rule_moved_before_another_and_a_renamed_pack_are_told(history: History) -> None:
    lines = FILES["guardrails/pii.yaml"].splitlines(keepends=True)
    history.commit({"guardrails/pii.yaml": "".join([*lines[:2], lines[3], lines[2], *lines[4:]])})
    (change,) = _changes(history.folder, use_index=False).values()
    (field,) = change.fields
    assert ("guardrails.input.pii.rules", ["email", "topic", "shape"], ["topic", "email", "shape"]) == (
        field.path, field.before, field.after,
    )  # fmt: skip
    renamed = {"guardrails/personal.yaml": FILES["guardrails/pii.yaml"], "guardrails/pii.yaml": None}
    history.commit({**renamed, "prompts/help.yaml": FILES["prompts/help.yaml"].replace("[pii]", "[personal]")})
    (change,) = _changes(history.folder, use_index=False).values()
    assert {"guardrails.input.pii", "guardrails.input.personal"} <= {field.path for field in change.fields}


def test_a_broken_pack_is_told_at_its_line(history: History) -> None:
    history.commit(_edited("guardrails/pii.yaml", "label: off_topic", "label: of_topic"))
    (change,) = _changes(history.folder, use_index=False).values()
    (problem,) = change.problems
    assert ("guardrails/pii.yaml", 4, "did you mean `off_topic`?") == (problem.path, problem.line, problem.hint)
