"""Which commit of llmops-git is running: what a workflow pins when it names the Action of this very version."""

from __future__ import annotations

import re
from pathlib import Path

from llmops_git.errors import LlmopsError

PACKAGE = Path(__file__).parents[1]
COMMIT_FILE = "commit"  # written into wheels and source archives when they are built, see hatch_build.py
_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


def tool_commit(package: Path = PACKAGE) -> str:
    """The full commit id; "" where it is not known."""
    try:
        written = (package / COMMIT_FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return _of_checkout(package)
    return written if _FULL_ID.fullmatch(written) else ""


def is_built(package: Path = PACKAGE) -> bool:
    """Whether this is a built package, whose version is that of its commit, and not a checkout between two versions."""
    return (package / COMMIT_FILE).is_file()


def _of_checkout(package: Path) -> str:
    """HEAD of the checkout that this package is the source of. A package that is installed inside of another repository
    (`.venv/lib/...` in the user's own) is not the source of anything: that HEAD says nothing about it."""
    from llmops_git.repo.git import open_git

    if not (package.parent / "action.yml").is_file() or not (package.parent / ".git").exists():
        return ""
    try:
        return open_git(package.parent).resolve("HEAD")
    except LlmopsError:
        return ""
