"""Whose signatures count: what the policy of the default branch's newest commit says, and nothing that was checked out.

A tag, a pull request or the work tree cannot appoint its own signers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.configs.paths import join
from llmops_git.configs.policy import POLICY_FILE, Policy, SigningPolicy
from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE
from llmops_git.errors import LlmopsError
from llmops_git.repo.default_branch import default_branch
from llmops_git.repo.signatures import Verifier
from llmops_git.repo.trees import CommitTree, commit_tree

if TYPE_CHECKING:
    from llmops_git.repo.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may sign. `branch` and `commit` say where that stands ("" where this clone does not know the default branch),
    `policy` and the keys what it says."""

    branch: str = ""
    commit: str = ""
    policy: SigningPolicy = SigningPolicy()
    allowed_signers: bytes = b""
    gpg_keys: bytes = b""

    @property
    def named(self) -> bool:
        """Whether anybody may sign; otherwise there is nothing that a signature could be held to."""
        return bool(self.policy.allowed_signers or self.policy.gpg_keys)

    @property
    def required(self) -> bool:
        return self.policy.require

    @property
    def place(self) -> str:
        """Where the signers stand, as said in messages."""
        files = " and ".join(f"`{name}`" for name in (self.policy.allowed_signers, self.policy.gpg_keys) if name)
        return f"{files} of `{self.branch}`"

    def verifier(self, git: Git) -> Verifier:
        """A context in which signatures are held to these keys."""
        return Verifier(git, allowed_signers=self.allowed_signers, gpg_keys=self.gpg_keys)


def read_trust(git: Git, remote: str | None, *, ask: bool) -> Trust:
    """Who may sign, as the default branch says; `ask` looks at the remote's newest commit of it.

    A policy that does not mention signing is not parsed, so that commands which must start quickly still do. Raises
    NotMeasured when the remote or an object cannot be read, InvalidInput for a bad policy, LlmopsError when a file or branch
    that it names is not there.
    """
    found = default_branch(git, remote, ask=ask)
    if found is None:
        return Trust()
    policy = _policy(git, found.commit)
    if policy is not None and policy.default_branch not in ("", found.name):
        named = default_branch(git, remote, ask=ask, name=policy.default_branch)
        if named is None and ask:  # must not be a way to get rid of the signers
            message = f"llmops.yaml of `{found.name}` says `default_branch: {policy.default_branch}`, which is not there"
            raise LlmopsError(message, hint=f"correct default_branch in llmops.yaml of `{found.name}`")
        if named is not None:
            found, policy = named, _policy(git, named.commit)
    signing = policy.signing if policy else SigningPolicy()
    tree = commit_tree(git, found.commit) if signing != SigningPolicy() else None
    root = policy.root if policy else ""
    return Trust(
        branch=found.name,
        commit=found.commit,
        policy=signing,
        allowed_signers=_keys(tree, root, signing.allowed_signers, found.name),
        gpg_keys=_keys(tree, root, signing.gpg_keys, found.name),
    )


def _policy(git: Git, commit: str) -> Policy | None:
    """The nearest policy from the caller's folder upwards in a commit; None when there is none or it has no word on this."""
    tree = commit_tree(git, commit)
    folder = git.location.prefix
    while True:
        path = f"{folder}/{POLICY_FILE}" if folder else POLICY_FILE
        if tree.entry(path) is not None:
            break
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
    data = tree.read([path])[path]
    if b"signing" not in data and b"default_branch" not in data:
        return None
    from llmops_git.configs.policy_file import load_policy

    return load_policy(tree, folder)


def _keys(tree: CommitTree | None, root: str, name: str, branch: str) -> bytes:
    if tree is None or not name:
        return b""
    path = join(f"{root}/{POLICY_FILE}" if root else POLICY_FILE, name)
    entry = tree.entry(path)
    if entry is None or entry.mode not in (FILE_MODE, EXECUTABLE_MODE):
        hint = "commit the file to that branch, or correct `signing:` in its llmops.yaml"
        raise LlmopsError(f"`{branch}` has no file {path}, which says whose signatures count", hint=hint)
    return tree.read([path])[path]
