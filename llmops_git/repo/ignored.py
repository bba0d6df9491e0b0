"""Keeps what this program writes beside a repository out of it: run folders, live traces and pages that name users."""

from __future__ import annotations

import os
from pathlib import Path

HOME = ".llmops"
_EVERYTHING = "*\n"


def home_of(folder: Path) -> Path | None:
    """The `.llmops` folder that a folder is, or is in; None where it is in none."""
    return next((parent for parent in (folder, *folder.parents) if parent.name == HOME), None)


def keep_out_of_git(folder: Path) -> None:
    """Make git ignore the `.llmops` that holds a folder, whatever the repository's own ignore files say. Raises OSError."""
    home = home_of(folder)
    if home is None or home.is_symlink():  # somebody's own place, or where a stranger's checkout points
        return
    ignore = home / ".gitignore"
    if ignore.is_file() and not ignore.is_symlink():
        return
    temporary = home / f".gitignore.{os.getpid()}.tmp"  # moved into place: a link that stands there is replaced, not followed
    temporary.write_text(_EVERYTHING, encoding="utf-8")
    temporary.replace(ignore)
