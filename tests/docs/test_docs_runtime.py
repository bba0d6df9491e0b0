"""docs/runtime.md: its walk-through is run as it stands, on the real model, and its tables are those of the code."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llmops_git import runtime
from llmops_git.runtime.settings import CONTENTS
from llmops_git.traces.profiles import PROFILES
from tests.docs.console import run_steps, steps_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
CASES = """\
{"id": "a", "inputs": {"message": "My package is late."}, "expected": "shipping"}
{"id": "b", "inputs": {"message": "I paid too much."}, "expected": "payment"}
{"id": "c", "inputs": {"message": "I cannot log in."}, "expected": "account"}
"""


def released(folder: Path) -> None:
    """A repository whose production runs the support router of the examples."""
    shutil.copytree(ROOT / "examples" / "prompts", folder / "prompts")
    for other in ("date-extractor.yaml", "help-answer.yaml"):
        (folder / "prompts" / other).unlink(missing_ok=True)
    shutil.copy(ROOT / "examples" / "llmops.yaml", folder)
    (folder / "evals").mkdir()
    (folder / "evals" / "support-router.jsonl").write_text(CASES)
    for command in (
        ["git", "init", "-q", "-b", "main", "."],
        ["git", "add", "-A"],
        ["git", "commit", "-q", "-m", "first"],
        ["llmops-git", "release", "support-router"],
        ["llmops-git", "promote", "support-router", "--to", "staging"],
        ["llmops-git", "promote", "support-router", "--to", "production"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.model
@pytest.mark.slow
def test_the_walk_through_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    released(tmp_path)
    [application] = [block for block in BLOCKS if block.startswith("# app.py")]
    (tmp_path / "app.py").write_text(application)
    steps = steps_of(PAGE)
    assert 4 == len(steps)
    assert [] == run_steps(steps, tmp_path, {"COLUMNS": "120"})
    raw = "".join(file.read_text() for file in (tmp_path / ".llmops" / "traces" / "raw").glob("*.jsonl"))
    assert "ann@example.com" not in raw
    assert "[EMAIL]" in raw


def test_every_option_of_load_is_on_the_page() -> None:
    table = PAGE.partition("| option |")[2].partition("\n\n")[0]
    named = set(inspect.signature(runtime.load).parameters)
    prose = {"name", "environment", "bundle", "reload_seconds", "repository", "fetch", "worktree"}
    assert named - prose == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert all(f"{name}=" in PAGE or f"`{name}`" in PAGE for name in prose - {"name"})


def test_every_method_of_a_request_is_on_the_page() -> None:
    methods = {name for name, _ in inspect.getmembers(runtime.Request, inspect.isfunction) if not name.startswith("_")}
    unnamed = {"ask", "ask_as", "guard_inputs"}  # parts of generate
    assert [] == sorted(name for name in methods - unnamed if not re.search(rf"`(?:request\.)?{name}\b|\b{name}\(", PAGE))


def test_the_profiles_and_captures_of_the_page_are_those_of_the_code() -> None:
    profiles = PAGE.partition("| profile | adds |")[2].partition("\n\n")[0]
    assert list(PROFILES) == re.findall(r"^\| `(\w+)`", profiles, re.MULTILINE)
    captures = PAGE.partition("| `content` | texts |")[2].partition("\n\n")[0]
    assert list(CONTENTS) == re.findall(r"^\| `(\w+)`", captures, re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_the_blocks_of_the_page_are_python(block: str) -> None:
    compile(block, "docs/runtime.md", "exec")
