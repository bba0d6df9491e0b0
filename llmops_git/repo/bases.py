"""What to compare with when nobody says: decided by the default branch as it is, never by the change that is compared.

A change can name another `default_branch` in its llmops.yaml, itself for instance, and would then be compared with nothing
new. So the policy that names the branch is read where the remote's own default branch is, as far as this clone knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.configs.policy import POLICY_FILE
from llmops_git.errors import InvalidInput
from llmops_git.repo.commits import default_base, remote_default
from llmops_git.repo.project_policy import selecting_policy
from llmops_git.repo.trees import CommitTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.repo.git import Git
    from llmops_git.repo.index import Index


def trusted_base(git: Git, head: str | None, own: Policy, index: Index | None = None) -> str:
    """The merge base of `head` (None: HEAD) with the default branch; "" when nothing has been committed yet.

    `own` is the head's policy. It names the branch only where this clone has no `origin` that could: a local repository.
    Raises LlmopsError as `default_base` does.
    """
    default = remote_default(git)
    if default is None:
        return default_base(git, head, default_branch=own.default_branch, remote=own.remote)
    tree = CommitTree(git, default.tree, name=default.oid)
    try:
        policy = selecting_policy(tree, nearest_policy(tree, git.location.prefix) or "", index)
    except InvalidInput:  # it cannot be read any more: the branch that the remote calls its default will do
        return default_base(git, head)
    return default_base(git, head, default_branch=policy.default_branch, remote=policy.remote)


def nearest_policy(tree: Tree, prefix: str) -> str | None:
    """The nearest folder with a policy from `prefix` upwards in a tree; None where there is none."""
    for folder in _upwards(prefix):
        if tree.entry(f"{folder}/{POLICY_FILE}" if folder else POLICY_FILE) is not None:
            return folder
    return None


def _upwards(prefix: str) -> Iterator[str]:
    while prefix:
        yield prefix
        prefix = prefix.rpartition("/")[0]
    yield ""
