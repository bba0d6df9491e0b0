"""Which folder's policy holds for a change: the one that has it where the change goes, so that a change cannot move it away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmops_git.configs.policy import POLICY_FILE

if TYPE_CHECKING:
    from llmops_git.commands.project import Project


def policy_root_of(project: Project, tip: str, head: str) -> str:
    """The folder of the nearest policy upwards from the working directory, in the commit `tip`; where that has none, in
    `head`, which then brings the first one; else the top."""
    folders = list(_upwards(project.git.location.prefix))
    for commit in (tip, head):
        tree = project.tree(commit)
        for folder in folders:
            if tree.entry(f"{folder}/{POLICY_FILE}" if folder else POLICY_FILE) is not None:
                return folder
    return ""


def _upwards(prefix: str) -> Iterator[str]:
    while prefix:
        yield prefix
        prefix = prefix.rpartition("/")[0]
    yield ""
