"""Which commit of the tool runs: written into the package, or HEAD of its checkout, and never that of somebody else's."""

from __future__ import annotations

import subprocess
from pathlib import Path

from llmops_git.repo.tool_commit import is_built, tool_commit

WRITTEN = "0123456789abcdef0123456789abcdef01234567"


def package(folder: Path) -> Path:
    place = folder / "llmops_git"
    place.mkdir(parents=True)
    return place


def checkout(folder: Path) -> tuple[Path, str]:
    """A checkout of the tool, and its HEAD."""
    place = package(folder)
    (folder / "action.yml").write_text("name: llmops-git\n")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "one"], cwd=folder, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return place, head.stdout.strip()


def test_a_built_package_says_what_it_was_built_from(tmp_path: Path) -> None:
    place = package(tmp_path)
    (place / "commit").write_text(f"{WRITTEN}\n")
    assert (WRITTEN, True) == (tool_commit(place), is_built(place))


def test_a_checkout_is_at_its_head(tmp_path: Path) -> None:
    place, head = checkout(tmp_path / "tool")
    assert (head, False) == (tool_commit(place), is_built(place))


def test_a_package_installed_inside_of_another_repository_does_not_take_its_commit(tmp_path: Path) -> None:
    checkout(tmp_path / "app")
    assert "" == tool_commit(package(tmp_path / "app" / ".venv" / "site-packages"))


def test_nothing_is_made_of_a_damaged_file_or_of_a_copy_without_git(tmp_path: Path) -> None:
    place = package(tmp_path / "copy")
    (place.parent / "action.yml").write_text("name: llmops-git\n")
    assert "" == tool_commit(place)
    (place / "commit").write_text("v1.0.0\n")
    assert "" == tool_commit(place)
    (place / "commit").write_bytes(b"\xff\xfe")
    assert "" == tool_commit(place)
