"""The README is run as it stands, on the real model."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from llmops_git.cli import COMMANDS
from tests.docs.console import run_steps, steps_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.model
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    tutorial = README.split("## Five minutes")[1].split("\n## ")[0]
    steps = steps_of(tutorial)
    assert 15 < len(steps)
    scripts = Path(sys.executable).parent
    assert [] == run_steps(steps, tmp_path, {"PATH": f"{scripts}:/usr/local/bin:/usr/bin:/bin"})


def test_the_table_of_commands_is_the_table_of_the_program() -> None:
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\(docs/commands/\w+\.md\) \| (.*) \|$", README, flags=re.MULTILINE))
    assert {name: text for name, (_, text) in COMMANDS.items()} == rows


def test_every_link_into_the_repository_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", _without_code(page.read_text()))
        if not (page.parent / target).exists()
    ]
    assert [] == broken


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)
