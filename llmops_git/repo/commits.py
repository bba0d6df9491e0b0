"""Which commits a command is about: revisions resolved, the default base, and what to fetch when history is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.errors import LlmopsError
from llmops_git.repo.git import nothing_committed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.repo.git import Git

_FULL_IDS = (40, 64)
_USUAL = ("HEAD", "main", "master")
_EXPRESSION = re.compile(r"[~^:?*\[\\ ]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$")  # git-check-ref-format: no name of a ref


class Commit(NamedTuple):
    """A commit and the tree it holds, by id."""

    oid: str
    tree: str


def find_commit(git: Git, revision: str) -> Commit:
    """The commit of a revision. Raises LlmopsError, with what to fetch, when this clone has none by that name."""
    found = _find(git, [revision])[0]
    if found is None:
        raise missing_commit(git, revision)
    return found


def head_commit(git: Git) -> Commit | None:
    """The commit that is checked out; None before the first one."""
    return _find(git, ["HEAD"])[0]


def default_base(git: Git, head: str | None = None, *, default_branch: str = "", remote: str = "origin") -> str:
    """The merge base of `head` (None: HEAD) with the default branch; "" when nothing has been committed yet.

    The default branch is `default_branch` where the policy names one, else what the remote's HEAD says, else `main` or
    `master`, at the remote or here. Raises LlmopsError with what to fetch or to type when there is no such branch or base.
    """
    names = _default_branches(default_branch, remote)
    start, *found = _find(git, [head or "HEAD", *names])
    if start is None:
        if head is None:
            return ""
        raise missing_commit(git, head)
    for name, commit in zip(names, found, strict=True):
        if commit is not None:
            return merge_base(git, start.oid, commit.oid, name)
    if default_branch:
        hint = f"git fetch {remote} {default_branch}, or correct default_branch in llmops.yaml"
        raise LlmopsError(f"the default branch `{default_branch}` is neither here nor at `{remote}`", hint=hint)
    raise LlmopsError(
        "there is nothing to compare with: no default branch is known here",
        hint=f"git remote set-head {remote} --auto, or name the base: llmops-git diff BASE",
    )


def remote_default(git: Git) -> Commit | None:
    """Where `origin` has its default branch, by its HEAD or by the usual names; None where this clone does not know."""
    return next((commit for commit in _find(git, [f"refs/remotes/origin/{name}" for name in _USUAL]) if commit), None)


def merge_base(git: Git, first: str, second: str, name: str = "") -> str:
    """The best common ancestor of two commits. Raises LlmopsError when there is none in this clone."""
    if first == second:
        return first
    result = git.try_run("merge-base", first, second)
    if result.code:
        what = f"`{name or second[:12]}` and {first[:12]} have no common ancestor"
        if git.location.shallow:
            remote, branch = _remote_branch(name)
            raise LlmopsError(
                f"{what} in this shallow clone",
                hint=f"git fetch --deepen=100 {remote} {branch}".rstrip() + f"  (or all of it: git fetch --unshallow {remote})",
            )
        raise LlmopsError(what, hint="name the base: llmops-git diff BASE")
    return result.out.decode().split("\n", 1)[0]


def missing_commit(git: Git, revision: str) -> LlmopsError:
    """The error for a revision that names no commit here, with the command that would bring it."""
    if revision == "HEAD":
        return nothing_committed()
    where = "this shallow clone" if git.location.shallow else "this repository"
    remotes = git.run("remote").decode().split()
    if not remotes:
        hint = "git log --oneline --all shows what is here"
        return LlmopsError(f"`{revision}` is not a commit in {where}", hint=hint)
    remote, branch = _remote_branch(revision)
    remote = remote if remote in remotes else remotes[0]
    shallow = git.location.shallow
    everything = f"  (or all of it: git fetch --unshallow {remote})" if shallow else ""
    if _is_id(revision):
        hint = f"git fetch {'--depth=1 ' if shallow else ''}{remote} {revision}"
    elif not shallow:
        hint = f"git fetch {remote}"
    elif "~" in revision or "^" in revision:
        hint = f"git fetch --deepen=100 {remote}"
    else:
        hint = f"git fetch --depth=1 {remote} {branch}:refs/remotes/{remote}/{branch}"
    return LlmopsError(f"`{revision}` is not a commit in {where}", hint=hint + everything)


def _is_id(revision: str) -> bool:
    return len(revision) in _FULL_IDS and all(digit in "0123456789abcdef" for digit in revision)


def _find(git: Git, revisions: Sequence[str]) -> list[Commit | None]:
    asked = [revision for revision in revisions if _is_sane(revision)]
    found = git.objects.read([f"{revision}^{{commit}}" for revision in asked])
    commits = {
        revision: Commit(item.oid, item.data[5 : item.data.index(b"\n")].decode())  # `tree <id>\n`
        for revision, item in zip(asked, found, strict=True)
        if item is not None and item.kind == "commit"
    }
    return [commits.get(revision) for revision in revisions]


def _is_sane(revision: str) -> bool:
    """Whether a revision can be asked for on one line: git forbids the rest in every kind of name."""
    return bool(revision) and revision.isprintable()


def _default_branches(default_branch: str, remote: str) -> list[str]:
    for name in (remote, default_branch):
        if _EXPRESSION.search(name):
            raise LlmopsError(f"`{name}` in llmops.yaml is no name of a remote or a branch", hint="default_branch: main")
    if default_branch:
        return [f"refs/remotes/{remote}/{default_branch}", f"refs/heads/{default_branch}"]
    return [*(f"refs/remotes/{remote}/{name}" for name in _USUAL), "refs/heads/main", "refs/heads/master"]


def _remote_branch(name: str) -> tuple[str, str]:
    """Remote and branch of `refs/remotes/<remote>/<branch>` or `origin/<branch>`; `origin` where none is named."""
    if name.startswith("refs/remotes/"):
        remote, _, branch = name.removeprefix("refs/remotes/").partition("/")
        return remote, branch
    return "origin", name.removeprefix("refs/heads/").removeprefix("origin/")
