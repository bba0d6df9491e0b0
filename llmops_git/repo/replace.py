"""Replaces the branch of a proposal: the only push that is not a fast-forward, and never of a branch that records anything.

A proposed deployment is one commit on top of what runs now; when that has moved on, the proposal is made anew. The lease keeps
two jobs that do so at the same time from losing each other's commit without noticing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.repo.fetch import whole_commit
from llmops_git.repo.publish import Refused
from llmops_git.repo.refs import BRANCH_NAMESPACE, RECORDS, last_lines, list_remote
from llmops_git.repo.runner import Runner

if TYPE_CHECKING:
    from llmops_git.repo.git import Git


def replace_branch(git: Git, remote: str, branch: str, commit: str, *, old: str) -> bool:
    """Make `branch` of the remote `commit`; it must be `old` ("": not there) until then. False when somebody else moved it.

    Raises Refused when the remote does not take it, NotMeasured when it cannot be reached, ValueError for a branch that
    records releases or deployments.
    """
    ref = f"refs/heads/{branch}"
    if not ref.startswith(BRANCH_NAMESPACE) or ref.startswith(RECORDS):
        raise ValueError(f"{ref} is not the branch of a proposal")
    if old == commit:
        return True
    lease = f"--force-with-lease={ref}:{old}"
    result = Runner(git).try_run(
        "push", "--quiet", "--no-follow-tags", "--no-recurse-submodules", lease, "--", remote, f"{commit}:{ref}"
    )
    now = list_remote(git, remote, ref).get(ref, "")
    if now == commit:
        return True
    if now != old:
        return False
    raise Refused(
        f"the remote `{remote}` refused the branch {branch}: {last_lines(result.err)}",
        hint="allow this identity to push branches llmops/promote/** and llmops/rollback/** (a token needs `contents: write`)",
    )


def branch_tip(git: Git, remote: str, branch: str) -> str:
    """The commit of a branch of the remote, fetched without moving any ref; "" when there is no such branch."""
    ref = f"refs/heads/{branch}"
    tip = list_remote(git, remote, ref).get(ref, "")
    if tip:
        whole_commit(git, remote, tip)
    return tip
