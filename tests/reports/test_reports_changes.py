"""What `diff` shows, and the JSON document it emits."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendered import hostile_report
from report_samples import BASE, BASE_DIGEST, CHANGE, HEAD_DIGEST
from test_reports_escape import FRAGMENTS, HOSTILE, SPECIAL
from test_reports_terminal import SGR, assert_inert

from llmops_git.configs.values import Change, Config, FieldChange
from llmops_git.errors import Problem
from llmops_git.reports.changes import changes_document, render_changes


def config(digest: str) -> Config:
    return Config(
        name="support-router",
        path="prompts/support-router.yaml",
        kind="config",
        description="",
        owner="",
        resolved={"model": {"provider": "openai", "id": "gpt-4.1-mini-2025-04-14"}, "messages": [{}, {}]},
        digest=digest,
        closure=(),
        closure_digest="",
    )


CHANGES = (
    CHANGE,
    Change(
        config="date-extraction",
        status="renamed",
        renamed_from="dates",
        aspects=("model", "tools"),
        bump="minor",
        because=(("prompts/date-extraction.yaml",),),
        fields=(
            FieldChange(path="model.id", before="gpt-4.1-mini-2025-04-14", after="gpt-4.1-2025-04-14"),
            FieldChange(path="tools", before=None, after=["lookup_order"]),
        ),
    ),
    Change(config="greeter", status="added", bump="minor", head=config(HEAD_DIGEST), because=(("prompts/greeter.yaml",),)),
    Change(config="old", status="removed", base=config(BASE_DIGEST)),
    Change(
        config="broken",
        status="modified",
        base=config(BASE_DIGEST),
        problems=(Problem(path="prompts/broken.yaml", line=3, column=1, message="unknown key `temprature`"),),
    ),
)


def render(*changes: Change, color: bool = False, width: int = 100) -> str:
    return render_changes(changes, base=BASE, head="worktree", total=14, color=color, width=width)


def test_a_removed_config_counts_among_those_that_there_were() -> None:
    text = render_changes([Change(config="a", status="removed")], base="one", head="two", total=0, color=False, width=80)
    assert text.startswith("1 of 1 config changed")


def test_changes_read_as_their_snapshot(snapshot_file):
    text = render(*CHANGES) + "\n"
    assert snapshot_file("changes.txt", text) == text


def test_no_change_is_one_line():
    assert "no config changed (14 configs, 1a2b3c4d5 \u2192 worktree)" == render()


def test_colours_change_nothing_but_colours():
    assert render(*CHANGES) == SGR.sub("", render(*CHANGES, color=True))


def test_a_chain_that_is_too_long_for_a_line_goes_down():
    wide = [line for line in render(CHANGE, width=140).split("\n") if "because" in line]
    narrow = render(CHANGE, width=60).split("\n")
    assert (
        "    because  prompts/shared/tone.j2 \u2192 prompts/support-router/system.j2 \u2192 prompts/support-router.yaml"
        == wide[0]
    )
    assert "             \u2192 prompts/support-router/system.j2" in narrow


def test_many_reasons_are_counted():
    many = replace(CHANGE, because=tuple((f"docs/{number}.md", "prompts/a.yaml") for number in range(100)))
    assert "             and 95 more files" in render(many).split("\n")


def test_the_document_has_the_published_shape():
    document = changes_document((CHANGES[1],), BASE, "worktree", 14)
    assert {
        "base": BASE,
        "head": "worktree",
        "configs": 14,
        "changes": [
            {
                "config": "date-extraction",
                "status": "renamed",
                "aspects": ["model", "tools"],
                "bump": "minor",
                "base_digest": None,
                "head_digest": None,
                "because": [["prompts/date-extraction.yaml"]],
                "fields": [
                    {"path": "model.id", "before": "gpt-4.1-mini-2025-04-14", "after": "gpt-4.1-2025-04-14"},
                    {"path": "tools", "before": None, "after": ["lookup_order"]},
                ],
                "renamed_from": "dates",
            }
        ],
    } == json.loads(json.dumps(document))


def test_the_document_names_digests_and_problems():
    broken = changes_document((CHANGES[4],), BASE, "worktree", 14)["changes"][0]
    assert (BASE_DIGEST, None) == (broken["base_digest"], broken["head_digest"])
    assert "unknown key `temprature`" == broken["problems"][0]["message"]
    assert 3 == broken["problems"][0]["line"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_cannot_act_on_a_terminal_or_a_log(text):
    assert_inert(render(hostile_report(text).configs[0].change, color=True))


@given(st.one_of(st.text(max_size=80), SPECIAL, FRAGMENTS), st.one_of(st.text(max_size=80), SPECIAL))
def test_no_prompt_brings_its_own_escape_sequence(before, after):
    change = replace(CHANGE, fields=(FieldChange(path="messages[0].template", before=f"{before}\n", after=after),))
    assert_inert(render(change, color=True))


def test_showing_changes_imports_nothing_of_the_evaluation():
    script = "import sys, llmops_git.reports.changes; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert [] == [
        name for name in loaded if name.split(".")[0] in {"git", "httpx", "jinja2", "jsonschema", "ruamel", "rfc8785"}
    ]
    assert [] == [name for name in loaded if name.startswith("llmops_git.evals")]
