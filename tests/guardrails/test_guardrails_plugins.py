"""Checks of other packages: found as other plugins are, allowed by name, held to what checks promise."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from guard_material import RULE

from llmops_git.guardrails.packs import faults_of, pack_of

CODE = """
from llmops_git.guardrails.base import Finding
class Check:
    def __init__(self, settings): self.settings = settings
    def find(self, text, session):
        what = self.settings.options["what"]
        if what == "break": raise RuntimeError("broken")
        if what == "text": return "no findings"
        if what == "odd": return [Finding(label="X", start="a", end=2)]
        return [Finding(label=self.settings.label, start=0, end=len(text) + 50, score=0.5)]
def build(settings): return Check(settings)
def fails(settings): raise RuntimeError("no such model")
def nothing(settings): return object()
"""
HEAD = """
import json, sys
from llmops_git.guardrails.packs import pack_of
from llmops_git.guardrails.apply import apply_packs
use, what = sys.argv[1:]
rule = {"name": "tone", "use": use, "action": "redact", "options": {"what": what}}
pack = pack_of({"name": "p", "rules": [rule]}, "input", ["acme.tone", "acme.fails", "acme.nothing"])
found = apply_packs([pack], "input", "hello", clock_ns=lambda: 0)
print(found.results[0].outcome, found.text, found.results[0].reason, sep="|")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in which a package with checks is installed."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "outer.pth").write_text(f"{Path(__file__).parents[2]}\n{sysconfig.get_path('purelib')}\n")
    (site / "acme_checks.py").write_text(CODE)
    info = site / "acme_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    names = "".join(
        f"acme.{name} = acme_checks:{code}\n" for name, code in (("tone", "build"), ("fails", "fails"), ("nothing", "nothing"))
    )
    (info / "entry_points.txt").write_text(f"[llmops_git.checks]\n{names}")
    return folder / "bin" / Path(sys.executable).name


def _applied(python: Path, use: str, what: str = "") -> list[str]:
    found = subprocess.run([python, "-c", HEAD, use, what], capture_output=True, text=True, check=False, cwd=python.parent)
    assert 0 == found.returncode, found.stderr
    return found.stdout.strip().split("|")


@pytest.mark.parametrize(
    ("use", "what", "expected"),
    [
        ("acme.tone", "", ["redact", "[TONE]", ""]),
        ("acme.tone", "break", ["error", "hello", "the check failed: RuntimeError: broken"]),
        ("acme.tone", "text", ["error", "hello", "`acme.tone` gave a str and no findings"]),
        ("acme.fails", "", ["error", "hello", "acme-checks 1.0 cannot make `acme.fails`: RuntimeError: no such model"]),
        ("acme.nothing", "", ["error", "hello", "acme-checks 1.0: the check `acme.nothing` has no `find`"]),
    ],
)
def test_a_check_of_another_package(python: Path, use: str, what: str, expected: list[str]) -> None:
    assert expected == _applied(python, use, what)


def test_a_finding_that_is_none_is_no_answer(python: Path) -> None:
    outcome, text, reason = _applied(python, "acme.tone", "odd")
    assert ("error", "hello", True) == (outcome, text, reason.startswith("`acme.tone` gave a Finding with"))


def test_a_check_that_is_not_allowed_or_not_installed_never_decides() -> None:
    def fault(*allowed: str) -> str:
        pack = pack_of({"name": "p", "rules": [{**RULE, "name": "r", "use": "acme.tone"}]}, "input", allowed)
        (found,) = faults_of([pack])
        return f"{found.message} {found.hint}"

    assert "the policy does not allow it" in fault()
    assert "checks: {allow: [acme.tone]}" in fault()
    assert "no installed package has a check `acme.tone`" in fault("acme.tone")
