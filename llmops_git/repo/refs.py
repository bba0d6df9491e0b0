"""Reads refs: the whole state of releases and environments in one `git for-each-ref`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

TAG_NAMESPACE = "refs/tags/llmops/"
BRANCH_NAMESPACE = "refs/heads/llmops/"
# Branches that only ever grow. What else is under the namespace (branches of pull requests) comes, moves and goes.
RECORDS = ("refs/heads/llmops/env/", "refs/heads/llmops/evidence")
_SPACES = re.compile(r"\s+")
_PASSWORD = re.compile(r"://[^/@\s]+@")

# `*objectname` peels one level before git 2.44 and fully since: release tags are never nested, so both agree on them
_FIELDS = ("refname", "objectname", "objecttype", "*objectname", "tag", "tree", "creatordate:unix", "contents")
FORMAT = "".join(f"%({field})%00" for field in _FIELDS)


class Ref(NamedTuple):
    """One ref. `target` is what an annotated tag points at, `header` the name inside the tag object, `tree` a commit's
    tree; each is "" where it does not apply. `time` is in seconds since 1970 and for display only."""

    name: str
    oid: str
    kind: str  # commit | tag | tree | blob
    target: str
    header: str
    tree: str
    time: int
    contents: str


def read_refs(git: Git, *patterns: str) -> list[Ref]:
    """The refs under the patterns (of `git for-each-ref`), in one process; sorted by name as git does."""
    return parse_refs(git.run("for-each-ref", f"--format={FORMAT}", *patterns))


def parse_refs(output: bytes) -> list[Ref]:
    """What `git for-each-ref --format=FORMAT` printed."""
    fields = output.decode(errors="replace").split("\0")
    columns = [iter(fields)] * len(_FIELDS)
    return [
        Ref(name.lstrip("\n"), oid, kind, target, header, tree, int(time or 0), contents)
        for name, oid, kind, target, header, tree, time, contents in zip(*columns, strict=False)
    ]


def local_ref(ref: str, remote: str | None) -> str:
    """Where this clone keeps a shared ref: a branch of the remote in its remote-tracking branch, all else by its own name."""
    if remote is None or not ref.startswith("refs/heads/"):
        return ref
    return f"refs/remotes/{remote}/{ref.removeprefix('refs/heads/')}"


def remote_in_use(git: Git, name: str) -> str | None:
    """The remote that shared refs are pushed to: `name` where it is configured, None in a repository without remotes.

    Raises LlmopsError when there are remotes but none of that name: releases would silently stay local.
    """
    remotes = git.run("remote").decode().split()
    if name in remotes:
        return name
    if remotes:
        raise LlmopsError(f"there is no remote `{name}`", hint=f"set `remote: {remotes[0]}` in llmops.yaml")
    return None


def list_remote(git: Git, remote: str, *patterns: str) -> dict[str, str]:
    """What the remote's refs are now: ref -> object id (symbolic `HEAD` as its target under `HEAD:`).

    Raises NotMeasured when the remote cannot be read.
    """
    result = git.try_run("ls-remote", "--symref", "--", remote, *patterns)
    if result.code:
        raise unreachable(remote, result.err)
    found: dict[str, str] = {}
    for line in result.out.decode(errors="replace").splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: "):
            found[f"{ref}:"] = value.removeprefix("ref: ")
        elif not ref.endswith("^{}"):
            found[ref] = value
    return found


def list_remote_state(git: Git, remote: str) -> dict[str, str]:
    """The release tags, environments and evidence of the remote: ref -> object id."""
    return list_remote(git, remote, f"{TAG_NAMESPACE}*", *(f"{record}*" for record in RECORDS))


def unreachable(remote: str, stderr: str) -> NotMeasured:
    """The error for a remote that did not answer."""
    return NotMeasured(f"the remote `{remote}` cannot be read: {last_lines(stderr)}", hint=f"git ls-remote {remote}")


def last_lines(stderr: str, count: int = 3) -> str:
    """The end of what git said, on one line and without passwords that stand in a URL."""
    lines = [_SPACES.sub(" ", _PASSWORD.sub("://***@", line)).strip() for line in stderr.splitlines()]
    return "; ".join([line for line in lines if line][-count:]) or "git said nothing"


def remote_with_state(git: Git) -> str | None:
    """The remote whose environments or evidence this clone knows, without reading the policy; None when it knows of none.

    Raises LlmopsError when there are several: a fork must not be mistaken for the repository it came from.
    """
    output = git.run("for-each-ref", "--format=%(refname)", "refs/remotes/*/llmops/*", "refs/remotes/*/llmops/env/*").decode()
    remotes = sorted({line.split("/")[2] for line in output.splitlines()})
    if len(remotes) > 1:
        raise LlmopsError(f"the remotes {', '.join(remotes)} all have environments", hint=f"--remote {remotes[0]}")
    return remotes[0] if remotes else None
