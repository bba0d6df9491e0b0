"""Importing the runtime costs next to nothing, and loading brings in nothing that only other commands need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.runtime_material import bundle_bytes

HEAVY = {
    "asyncio", "click", "duckdb", "git", "httpx", "jsonschema", "logging", "numpy", "opentelemetry", "regex", "ruamel", "socket",
    "sqlite3", "subprocess", "unittest", "urllib.request",
}  # fmt: skip
AT_IMPORT = {*HEAVY, "jinja2", "json", "dataclasses", "threading", "inspect"}


def modules(code: str, folder: Path) -> set[str]:
    """The modules that a fresh interpreter has after some code, and did not have before."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    return set(done.stdout.split())


def test_importing_brings_in_next_to_nothing(tmp_path: Path) -> None:
    found = modules("from llmops_git import runtime", tmp_path)
    assert {"llmops_git.runtime", "llmops_git.runtime.context"} == {name for name in found if ".runtime" in name}
    assert set() == found & AT_IMPORT


USE = """
from llmops_git import runtime
router = runtime.load("router", bundle="router.json")
with router.request(user="u") as request:
    request.retrieve("x", lambda _: ["a"])
    request.messages(message="hi")
    request.tool("t", {"a": 1}, lambda a: a)
    request.signal("thumbs_up")
assert router.flush(10)
"""


def test_an_application_that_records_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "router.json").write_bytes(bundle_bytes())
    found = modules(USE, tmp_path)
    # jinja2 brings its own: it is what renders
    assert set() == found & (HEAVY - modules("import jinja2.sandbox, rfc8785", tmp_path))
    assert not any(name.startswith(("llmops_git.commands", "llmops_git.evals", "llmops_git.reports")) for name in found)


def test_what_is_not_there_is_an_attribute_error() -> None:
    from llmops_git import runtime

    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        runtime.lod  # noqa: B018
    assert {"load", "signal", "current", "flush", "stats", "Request", "Router", "FileSink", "OtlpSink", "OtelSink"} == set(
        runtime.__all__
    )
    assert all(getattr(runtime, name) is not None for name in runtime.__all__)
