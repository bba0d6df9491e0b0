"""Repositories and remotes for the tests of releases."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops_git.repo.git import Git, open_git


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare remote whose branch main has one commit."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    stream = (
        "commit refs/heads/main\ncommitter Test <test@example.com> 1767323045 +0000\ndata 5\nfirst\n"
        "M 100644 inline README.md\ndata 6\nhello\n\n"
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=stream.encode(), check=True)
    return folder


@pytest.fixture
def clone(bare: Path, tmp_path: Path) -> Callable[..., Git]:
    """Makes clones of the bare remote: `clone("alice", "--depth=1")`."""

    def make(name: str, *options: str) -> Git:
        folder = tmp_path / name
        subprocess.run(["git", "clone", "-q", *options, bare.as_uri(), str(folder)], check=True)
        return open_git(folder)

    return make


@pytest.fixture
def shadow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a shell script in front of git on PATH. In it, `$GIT` is the real one; a script that does not exit goes on to it."""
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()

    def install(script: str) -> Path:
        folder = tmp_path / "shadow"
        folder.mkdir(exist_ok=True)
        program = folder / "git"
        program.write_text(f'#!/bin/sh\nGIT={real}\nFOLDER={folder}\n{script}\nexec "$GIT" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return install
