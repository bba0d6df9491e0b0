"""Where HEAD stands against the default branch: releases are made from its newest commit and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmops_git.errors import LlmopsError
from llmops_git.repo.fetch import is_ancestor
from llmops_git.repo.refs import TAG_NAMESPACE, list_remote

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

Standing = Literal["newest", "behind", "ahead", "elsewhere"]
_USUAL = ("main", "master")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mainline:
    """HEAD's commit, its branch ("" when detached), the default branch, and how HEAD stands to the newest commit `tip`
    of that branch: `newest` is that commit, `behind` an older one, `ahead` not pushed yet, `elsewhere` anything else.
    `remote_tags` are the release tags that the remote has; None without a remote."""

    head: str
    branch: str
    default: str
    tip: str
    standing: Standing
    remote_tags: frozenset[str] | None = None


def read_mainline(git: Git, remote: str | None, default: str) -> Mainline:
    """Ask the remote (or this repository, without one) for the default branch and compare HEAD with it.

    `default` is the policy's `default_branch`; "" means that the remote's HEAD says it. In a shallow clone older history
    is not there: a HEAD on the default branch that is not its tip counts as behind. Raises NotMeasured when the remote
    cannot be read, LlmopsError when there is no default branch or HEAD has no commit.
    """
    head = git.resolve("HEAD")
    branch = git.try_run("symbolic-ref", "--quiet", "--short", "HEAD").out.decode().strip()
    tags = None
    if remote is None:
        name = default or _local_default(git, branch)
        tip = git.resolve(f"refs/heads/{name}")
    else:
        theirs = list_remote(git, remote, "HEAD", f"{TAG_NAMESPACE}*", *([f"refs/heads/{default}"] if default else []))
        tags = frozenset(ref for ref in theirs if ref.startswith(TAG_NAMESPACE))
        name = default or theirs.get("HEAD:", "").removeprefix("refs/heads/")
        tip = theirs.get(f"refs/heads/{default}" if default else "HEAD", "")
        if not name or not tip:
            raise _no_default_branch(git, remote, named=default, branch=branch or _USUAL[0])
    standing = _standing(git, head, branch, name, tip)
    return Mainline(head=head, branch=branch, default=name, tip=tip, standing=standing, remote_tags=tags)


def _no_default_branch(git: Git, remote: str, *, named: str, branch: str) -> LlmopsError:
    """The error for a remote without the default branch; one whose HEAD names a branch that nobody pushed is told of ours."""
    if named:
        hint = f"git push -u {remote} {named}, or correct default_branch in llmops.yaml"
        return LlmopsError(f"the remote `{remote}` has no branch `{named}`, the default_branch of llmops.yaml", hint=hint)
    if list_remote(git, remote, f"refs/heads/{branch}"):
        message = f"the remote `{remote}` has no default branch: its HEAD names one that it does not have"
        return LlmopsError(message, hint=f"make `{branch}` the default there, or write default_branch: {branch} in llmops.yaml")
    return LlmopsError(f"the remote `{remote}` has no default branch", hint=f"git push -u {remote} {branch}")


def _standing(git: Git, head: str, branch: str, default: str, tip: str) -> Standing:
    if head == tip:
        return "newest"
    if is_ancestor(git, tip, head):
        return "ahead" if branch == default else "elsewhere"
    if is_ancestor(git, head, tip):
        return "behind"
    tip_is_here = git.try_run("cat-file", "-e", f"{tip}^{{commit}}").code == 0
    unknowable = not tip_is_here or git.location.shallow
    return "behind" if unknowable and branch in ("", default) else "elsewhere"


def _local_default(git: Git, branch: str) -> str:
    """Without a remote: `main` or `master` where there is one, else the branch that is checked out."""
    for name in _USUAL:
        if git.try_run("rev-parse", "--verify", "--quiet", f"refs/heads/{name}").code == 0:
            return name
    return branch or _USUAL[0]


def default_branch_here(git: Git) -> str:
    """The default branch as far as this clone knows, without asking a remote: where nothing is committed yet, the branch that
    the first commit will be on."""
    known = git.try_run("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD").out.decode().strip()
    if known:
        return known.removeprefix("origin/")
    return _local_default(git, git.try_run("symbolic-ref", "--quiet", "--short", "HEAD").out.decode().strip())


def uncommitted(git: Git) -> bool:
    """Whether tracked files differ from HEAD in the index or the work tree."""
    if git.location.work_tree is None:
        return False
    return bool(git.run("status", "--porcelain", "--untracked-files=no", "-z", "--ignore-submodules=dirty"))
