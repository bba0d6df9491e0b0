"""Label files of a project: below `labels/` of the policy's folder, never through a link."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.errors import InvalidInput, LlmopsError, Problem
from llmops_git.evals.people.labels import ENDING, FOLDER, Label, label_line, parse_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.commands.project import Project


def labels_folder(project: Project, name: str) -> Path:
    """Where the labels about a judge (or a config) are. Raises LlmopsError in a bare repository, or where it is a link."""
    work_tree = project.git.location.work_tree
    if work_tree is None:
        raise LlmopsError("a bare repository has no work tree to keep labels in", hint="run this in a clone")
    folder = Path(work_tree) / project.root / FOLDER
    for part in (folder, folder / name):
        if part.is_symlink():
            raise LlmopsError(f"{part} is a link, and labels are not kept behind links", hint=f"rm {part}")
    return folder / name


def append_label(path: Path, label: Label) -> None:
    """Add one line to a label file, so that nothing of a session is lost however it ends. Raises LlmopsError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o644), "ab") as file:
            file.write(label_line(label).encode())
    except OSError as error:
        raise LlmopsError(f"{path} cannot be written: {error.strerror}") from None


def read_label_files(paths: Sequence[Path]) -> list[Label]:
    """The labels of these files, in order. Raises InvalidInput with everything that is wrong in any of them."""
    labels: list[Label] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            if path.is_symlink():
                raise LlmopsError(f"{path} is a link, and labels are not read through links", hint=f"rm {path}")
            labels += parse_labels(path.read_bytes(), str(path))
        except InvalidInput as error:
            problems += error.problems
        except OSError as error:
            problems.append(Problem(path=str(path), message=f"cannot be read: {error.strerror}"))
    if problems:
        raise InvalidInput(problems)
    return labels


def labels_about(project: Project, name: str) -> list[Label]:
    """Every label about a judge (or a config)."""
    folder = labels_folder(project, name)
    return read_label_files(sorted(folder.glob(f"*{ENDING}"))) if folder.is_dir() else []
