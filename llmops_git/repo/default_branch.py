"""The newest commit of the default branch: whose word about signers counts, whatever is checked out here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmops_git.errors import NotMeasured
from llmops_git.repo.fetch import bring
from llmops_git.repo.refs import list_remote, local_ref

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_USUAL = ("main", "master")


class Branch(NamedTuple):
    """A branch by its short name, and the commit at its tip, which is in this clone."""

    name: str
    commit: str


def default_branch(git: Git, remote: str | None, *, ask: bool, name: str = "") -> Branch | None:
    """The default branch, or the branch `name`: as the remote has it now (`ask`), else as this clone knows it.

    None when this clone does not know it. Which branch is the default is what the remote's HEAD says, never what a file of
    the checkout says: that may come from a stranger. Where its HEAD names no branch that is there, `main` or `master` does.
    Raises NotMeasured when the remote cannot be read.
    """
    if remote is None:
        return _local(git, name)
    if not ask:
        return _known(git, remote, name)
    wanted = [f"refs/heads/{own}" for own in ([name] if name else _USUAL)]
    theirs = list_remote(git, remote, "HEAD", *wanted)
    head = theirs.get("HEAD:", "")
    candidates = [*([head] if head and not name else []), *wanted]  # a server's HEAD may name a branch that nobody pushed
    ref = next((ref for ref in candidates if ref in theirs or (ref == head and "HEAD" in theirs)), "")
    if not ref:
        return None
    found, commit = ref.removeprefix("refs/heads/"), theirs.get(ref) or theirs["HEAD"]
    if not _has(git, commit):
        bring(git, remote, commit)
    if not _has(git, commit):
        raise NotMeasured(f"commit {commit[:12]} of `{found}` cannot be fetched from `{remote}`", hint=f"git fetch {remote}")
    return Branch(found, commit)


def _known(git: Git, remote: str, name: str) -> Branch | None:
    """From the remote-tracking branches; a clone that was made by hand may not know the remote's HEAD."""
    head = git.try_run("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD").out.decode().strip()
    named = head.removeprefix(f"refs/remotes/{remote}/")
    return _first(git, remote, [name] if name else [named] if named else _USUAL)


def _local(git: Git, name: str) -> Branch | None:
    checked_out = git.try_run("symbolic-ref", "--quiet", "--short", "HEAD").out.decode().strip()
    return _first(git, None, [name] if name else [*_USUAL, *([checked_out] if checked_out else [])])


def _first(git: Git, remote: str | None, names: list[str] | tuple[str, ...]) -> Branch | None:
    for name in names:
        ref = local_ref(f"refs/heads/{name}", remote)
        commit = git.try_run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").out.decode().strip()
        if commit:
            return Branch(name, commit)
    return None


def _has(git: Git, commit: str) -> bool:
    return git.try_run("cat-file", "-e", f"{commit}^{{commit}}").code == 0
