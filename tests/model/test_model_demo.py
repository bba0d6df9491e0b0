"""The whole story, on the real model: never skipped, never canned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.model
@pytest.mark.slow
def test_the_demo_goes_as_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "llmops_git", "demo", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    assert "✓ Improved: ship it" in done.stdout
    assert "✗ Regressed: do not merge" in done.stdout
    assert "released  date-extractor  v1.0.1  (patch)  improved" in done.stdout
    assert "rolled back date-extractor to v1.0.0 in production" in done.stdout
    better, worse = (report(folder, run) for run in ("show-two-examples", "warmer-greeting"))
    assert (True, "improved") == (better["gate_passes"], better["verdict"])
    assert (False, "regressed") == (worse["gate_passes"], worse["verdict"])
    assert outputs(folder, "warmer-greeting") > 20  # a model that really answers does not say the same thing every time


def report(folder: Path, run: str) -> dict[str, object]:
    return json.loads((folder / "shop" / ".llmops" / "runs" / run / "report.json").read_text())


def outputs(folder: Path, run: str) -> int:
    """How many different texts the model gave in a run."""
    document = json.loads((folder / "shop" / ".llmops" / "runs" / run / "run.json").read_text())
    return len({sample["output"] for one in document["runs"] for sample in one["samples"]})
