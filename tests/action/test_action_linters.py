"""`scripts/lint_workflows.py`, which `make lint` runs: it finds what is there to find, and is not put off by a job's environment."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
ACTION = """\
name: bad
description: Has no shell
runs:
  using: composite
  steps:
    - run: echo "${{ inputs.nothing }}"
"""
WORKFLOW = """\
name: bad
on: [pull_request_target]
jobs:
  evaluate:
    runs-on: ubuntu-latest
    surprise: true
    steps:
      - uses: actions/checkout@v4
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The functions of the script, in an environment as a job of CI has it."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GH_TOKEN", "")  # a secret that this job does not have
    loaded = runpy.run_path(str(ROOT / "scripts" / "lint_workflows.py"), run_name="lint_workflows")
    return SimpleNamespace(**loaded, names=loaded["main"].__globals__)


def test_every_linter_finds_its_own(
    script: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".github" / "workflows" / "bad.yml").write_text(WORKFLOW)
    (tmp_path / "action.yml").write_text(ACTION)
    monkeypatch.setitem(script.names, "ROOT", tmp_path)
    monkeypatch.setitem(script.names, "rendered", lambda _folder: iter(()))
    assert 1 == script.main()
    *_, last = capfd.readouterr().out.splitlines()
    linters = ["zizmor", "jactionlint", "check-jsonschema", "check-jsonschema", "check-jsonschema"]
    assert f"workflows: {', '.join(linters)} found something" == last


def test_a_file_that_cannot_be_read_is_no_file_without_findings(script: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "torn.yml").write_text("on: [push\njobs")
    good = str(ROOT / ".github" / "workflows" / "llmops-evaluate.yml")
    assert script.passes(("zizmor", *script.ZIZMOR, good))
    assert not script.passes(("zizmor", *script.ZIZMOR, good, str(tmp_path / "torn.yml")))
