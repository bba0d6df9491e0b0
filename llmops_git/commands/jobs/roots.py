"""Which folder's policy holds for a change: the one that has it where the change goes, so that a change cannot move it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.repo.bases import nearest_policy

if TYPE_CHECKING:
    from llmops_git.commands.project import Project


def policy_root_of(project: Project, tip: str, head: str) -> str:
    """The folder of the nearest policy upwards from the working directory, in the commit `tip`; where that has none, in
    `head`, which then brings the first one; else the top."""
    prefix = project.git.location.prefix
    found = nearest_policy(project.tree(tip), prefix)
    if found is None:
        found = nearest_policy(project.tree(head), prefix)
    return found or ""
