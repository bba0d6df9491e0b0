"""Fixtures for every test: no global git configuration, no home folder, fixed identity and dates."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

try:
    from hypothesis import settings
except ImportError:  # pragma: no cover
    pass
else:
    settings.register_profile("default", derandomize=True, deadline=None, max_examples=60)
    settings.load_profile("default")

pytest_plugins = ["fakehub.fixtures"]

# where the weights of the real model are kept: fetched once per machine, outside of every test's home
MODEL_CACHE = os.environ.get("LLMOPS_MODEL_CACHE") or str(Path.home() / ".cache" / "llmops-git" / "models")


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the developer's machine reaches a test, and nothing of a test reaches the machine."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "LLMOPS_", "GITHUB_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LLMOPS_MODEL_CACHE", MODEL_CACHE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        monkeypatch.setenv(f"GIT_{role}_DATE", "2026-01-02T03:04:05Z")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository with the branch main."""
    import subprocess

    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    return folder
