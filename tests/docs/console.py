"""Runs the `console` blocks of a Markdown page in one shell session and compares what they print."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what the page says that it prints; `...` stands for anything."""

    command: str
    expected: str


def steps_of(page: str) -> list[Step]:
    """The commands of all console blocks, in order."""
    steps = []
    for block in _BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            steps.append(Step(command, expected))
    return steps


def run_steps(steps: list[Step], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run the steps in one shell that keeps its folder; what went differently, in words."""
    differences = []
    place = folder
    for step in steps:
        script = f"cd {place} && {step.command}\ncode=$?\npwd > {folder}/.place\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, env={**os.environ, **environment}, check=False
        )
        place = Path((folder / ".place").read_text().strip())
        if done.returncode:
            differences.append(f"$ {step.command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
        elif step.expected and not _agrees(step.expected, done.stdout):
            differences.append(f"$ {step.command}\nexpected:\n{step.expected}\nprinted:\n{done.stdout}")
    return differences


def _agrees(expected: str, printed: str) -> bool:
    """Blocks may stop early only with `...`; blank lines do not count."""
    want = "\n".join(line for line in expected.splitlines() if line.strip()) + "\n"
    got = "\n".join(line for line in printed.splitlines() if line.strip()) + "\n"
    return doctest.OutputChecker().check_output(want, got, _FLAGS)
