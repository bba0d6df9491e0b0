"""docs/commands/guardrails.md is run as it stands, and the lines of docs/formats/suite.md are what they say they are."""

from __future__ import annotations

import re
import sys
from itertools import takewhile
from pathlib import Path

import click
from ruamel.yaml import YAML

from llmops_git.commands.guardrails import command
from llmops_git.configs.schema import load_schema
from llmops_git.guardrails.suite_rows import FIELDS, MAX_TEXT
from llmops_git.guardrails.suites import read_suite
from tests.docs.console import Step, run_steps, steps_of

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = (DOCS / "commands" / "guardrails.md").read_text()
SUITE = (DOCS / "formats" / "suite.md").read_text()


def test_the_example_does_what_it_says(tmp_path: Path) -> None:
    steps = [_whole(step) for step in steps_of(COMMAND)]
    assert 4 == len(steps)
    scripts = Path(sys.executable).parent
    assert [] == run_steps(steps, tmp_path, {"PATH": f"{scripts}:/usr/local/bin:/usr/bin:/bin", "COLUMNS": "120"})


def _whole(step: Step) -> Step:
    """A command that goes on over lines with the shell's `> `, as a terminal shows it."""
    lines = step.expected.split("\n")
    more = list(takewhile(lambda line: line.startswith("> "), lines))
    return Step("\n".join([step.command, *(line.removeprefix("> ") for line in more)]), "\n".join(lines[len(more) :]))


def test_every_subcommand_and_option_has_its_place_on_the_page() -> None:
    assert isinstance(command, click.Group)
    for name, one in command.commands.items():
        assert f"## `guardrails {name}`" in COMMAND
        section = COMMAND.partition(f"## `guardrails {name}`")[2]
        for parameter in one.params:
            if isinstance(parameter, click.Option) and parameter.opts != ["--help"]:
                assert any(f"`{option}" in section or f"[{option}" in COMMAND for option in parameter.opts), (
                    name,
                    parameter.opts,
                )


def test_the_lines_of_the_format_are_a_suite() -> None:
    (block,) = re.findall(r"```jsonl\n(.*?)```", SUITE, re.DOTALL)
    file = read_suite("guardrails/suites/example.jsonl", block.encode())
    assert ((), 5) == (file.problems, len(file.texts))
    table = SUITE.partition("| key |")[2].partition("\n\n")[0]
    assert set(FIELDS) == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert f"{MAX_TEXT:,}" in SUITE


def test_the_gate_of_the_page_is_what_the_schema_allows() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", SUITE, re.DOTALL)
    gate = YAML(typ="safe").load(block)["gate"]
    assert set(gate) == set(load_schema("guardrail")["properties"]["gate"]["properties"])
