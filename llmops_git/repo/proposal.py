"""A branch that proposes a change of files: made with plumbing, and never moved over commits that somebody else made.

A proposal is one commit on top of another one (its base). When the base has moved on, the next proposal is a commit that has
both the old proposal and the new base as parents: the branch only ever moves forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.configs.tree import EXECUTABLE_MODE
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.deepen import ensure_merge_base
from llmops_git.repo.fetch import is_ancestor
from llmops_git.repo.publish import Lost, Update, publish
from llmops_git.repo.refs import RECORDS, list_remote
from llmops_git.repo.trees import commit_tree
from llmops_git.repo.write import Writer

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

# the files that would be proposed on top of a commit; raises LlmopsError where nothing could be
Files = Callable[[str], Mapping[str, bytes]]


class NotOurs(LlmopsError):
    """The branch holds commits that were not made by proposing these files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A commit that is to be, or is, the tip of `branch`. `tip` is what the branch was before; "" where there was none."""

    branch: str
    base: str
    commit: str
    tip: str

    @property
    def is_published(self) -> bool:
        return self.commit == self.tip


def check_branch(git: Git, branch: str, *, default: str) -> None:
    """Raises LlmopsError for a branch that is none, that is the default one, or that records releases or deployments."""
    ref = f"refs/heads/{branch}"
    if branch.startswith("-") or git.try_run("check-ref-format", ref).code:
        raise LlmopsError(f"`{branch}` cannot be the name of a branch", hint="git help check-ref-format")
    if branch == default or ref.startswith(RECORDS):
        raise LlmopsError(f"`{branch}` is not a branch for a pull request", hint="--branch NAME")


def make_proposal(
    git: Git, remote: str | None, branch: str, base: str, files: Files, *, message: str, when: int | None = None
) -> Proposal:
    """The proposal of `files(base)` on top of the commit `base`. Nothing is published; the branch's own tip is fetched.

    A tip that proposes just that already is the proposal. Raises NotOurs when the branch holds anything else than an earlier
    proposal of these files.
    """
    tip = _their_tip(git, remote, branch)
    if tip and remote is not None:
        ensure_merge_base(git, remote, base, tip)  # a shallow clone learns what the tip is made of
    merged = bool(tip) and is_ancestor(git, tip, base)
    if tip and not merged:
        _require_ours(git, tip, base, branch, files)
    tree = _tree(git, base, files(base))
    if tip and is_ancestor(git, base, tip) and _objects(git, f"{tip}^{{tree}}") == [tree]:
        return Proposal(branch=branch, base=base, commit=tip, tip=tip)
    parent, also = (tip, base) if tip and not merged else (base, None)
    commit = Writer(git).commit(tree, parent, message, also=also, when=when)
    return Proposal(branch=branch, base=base, commit=commit, tip=tip)


def publish_proposal(git: Git, remote: str | None, proposal: Proposal, *, wait: Callable[[int], None]) -> None:
    """Move the branch forward. Raises NotMeasured when somebody else moved it meanwhile, or when the remote takes nothing."""
    if proposal.is_published:
        return
    update = Update(f"refs/heads/{proposal.branch}", proposal.commit, proposal.tip or None)
    if isinstance(publish(git, remote, [update], wait=wait), Lost):
        raise NotMeasured(f"the branch `{proposal.branch}` was moved by somebody else meanwhile", hint="run the command again")


def _their_tip(git: Git, remote: str | None, branch: str) -> str:
    """The commit of the branch on the remote (here, without one), fetched; "" when there is no such branch."""
    ref = f"refs/heads/{branch}"
    if remote is None:
        return git.try_run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").out.decode().strip()
    return list_remote(git, remote, ref).get(ref, "")


def _require_ours(git: Git, tip: str, base: str, branch: str, files: Files) -> None:
    """Raises NotOurs unless the tip is just what proposing these files on top of its last parent gives, and that parent is
    one of the base's own history. What a commit message says proves nothing."""
    parents = _objects(git, f"{tip}^@")
    if parents and is_ancestor(git, parents[-1], base):
        try:
            tree = _tree(git, parents[-1], files(parents[-1]))
        except LlmopsError:
            tree = ""
        if _objects(git, f"{tip}^{{tree}}") == [tree]:
            return
    raise NotOurs(
        f"the branch `{branch}` holds commits that somebody else made, and they are left alone",
        hint="go on by hand in its pull request, or name another branch: --branch NAME",
    )


def _objects(git: Git, revision: str) -> list[str]:
    return git.run("rev-parse", revision).decode().split()


def _tree(git: Git, base: str, files: Mapping[str, bytes]) -> str:
    writer = Writer(git)
    stored = commit_tree(git, base)
    modes = {path: entry.mode for path in files if (entry := stored.entry(path)) is not None}
    blobs = {path: writer.blob(data) for path, data in files.items()}
    return writer.tree(base, blobs, executable=[path for path, mode in modes.items() if mode == EXECUTABLE_MODE])
