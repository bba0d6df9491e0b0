"""Fetches release tags, environments and evidence, never by force: what the remote moved or rewrote is an alarm.

A plain `git fetch` keeps a stale tag silently and overwrites a rewritten branch; this one refuses both and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.errors import EXIT_GATE, LlmopsError, NotMeasured
from llmops_git.repo.refs import (
    RECORDS,
    TAG_NAMESPACE,
    last_lines,
    list_remote,
    list_remote_state,
    local_ref,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.repo.git import Git

# no pruning and no opportunistic updates: `fetch.prune` would delete local tags, `remote.*.fetch` has a `+` in it
_FETCH = (
    "fetch", "--quiet", "--no-tags", "--refmap=", "--no-prune", "--no-write-fetch-head", "--no-auto-maintenance",
    "--no-recurse-submodules",
)  # fmt: skip
_WHOLE_BRANCH = "--depth=1000000"  # the largest depth (2147483647) would unshallow every other branch as well


class Tampered(LlmopsError):
    """Something that must never change was changed: a moved tag, a rewritten environment."""

    exit_code = EXIT_GATE


def fetch_state(git: Git, remote: str) -> None:
    """Bring this clone's release tags, environments and evidence up to date with the remote.

    Raises Tampered when the remote has moved a tag or rewritten a branch, NotMeasured when it cannot be read. In a
    shallow clone each release tag comes with its own commit only, and environments with their whole history.
    """
    if git.location.shallow:
        _fetch_shallow(git, remote)
        return
    result = _try_fetch(git, remote, _refspec(TAG_NAMESPACE, TAG_NAMESPACE), *_branches(remote))
    if result is not None:
        _explain(git, remote, result)


def _refspec(source: str, target: str) -> str:
    return f"{source}*:{target}*"


def _branches(remote: str) -> list[str]:
    return [_refspec(record, local_ref(record, remote)) for record in RECORDS]


def _try_fetch(git: Git, remote: str, *arguments: str) -> str | None:
    """Fetch; None when all went well, else what git said. Tried twice: another fetch may hold a lock."""
    options = [argument for argument in arguments if argument.startswith("--")]
    refspecs = [argument for argument in arguments if not argument.startswith("--")]
    said = None
    for _ in range(2):
        result = git.try_run(*_FETCH, *options, "--", remote, *refspecs)
        if result.code == 0:
            return None
        said = result.err
    return said


def bring(git: Git, remote: str, commit: str) -> None:
    """Bring a commit of the remote into this clone, if the remote gives it, without moving any ref."""
    _try_fetch(git, remote, *(["--depth=1"] if git.location.shallow else []), commit)


def branch_tip(git: Git, remote: str, branch: str) -> str:
    """The commit of a branch of the remote now, fetched with its history and without moving any ref; "" where there is none.

    In a shallow clone no new boundary is drawn at it. Raises NotMeasured when the remote cannot be read.
    """
    ref = f"refs/heads/{branch}"
    tip = list_remote(git, remote, ref).get(ref, "")
    if tip:
        _try_fetch(git, remote, tip)
    return tip


def _fetch_shallow(git: Git, remote: str) -> None:
    theirs = list_remote_state(git, remote)
    known = local_refs(git, TAG_NAMESPACE)
    alarms = moved_tags(theirs, known)
    if alarms:
        raise tampered(alarms)
    missing = [f"{ref}:{ref}" for ref in theirs if ref.startswith(TAG_NAMESPACE) and ref not in known]
    if missing:
        said = _try_fetch(git, remote, "--depth=1", *missing)
        if said is not None:
            _explain(git, remote, said)
    if any(ref.startswith(RECORDS) for ref in theirs):
        said = _try_fetch(git, remote, _WHOLE_BRANCH, *_branches(remote))
        if said is not None:
            _explain(git, remote, said)


def _explain(git: Git, remote: str, said: str) -> None:
    """Why a fetch failed, told from the refs themselves and not from git's words."""
    try:
        theirs = list_remote_state(git, remote)
    except NotMeasured:
        raise unreachable(remote, said) from None
    alarms = [*moved_tags(theirs, local_refs(git, TAG_NAMESPACE)), *rewritten_branches(git, theirs, remote)]
    if alarms:
        raise tampered(alarms)
    raise NotMeasured(f"git fetch from `{remote}` failed: {last_lines(said)}")


def local_refs(git: Git, *namespaces: str) -> dict[str, str]:
    """Ref -> object id of this clone's refs under the namespaces."""
    output = git.run("for-each-ref", "--format=%(objectname) %(refname)", *namespaces).decode()
    pairs = (line.split(" ", 1) for line in output.splitlines())
    return {ref: oid for oid, ref in pairs}


def moved_tags(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """One sentence for each tag that is another object on the remote than here."""
    return [
        f"tag `{ref.removeprefix('refs/tags/')}` was moved: {ours[ref]} here, {oid} there"
        for ref, oid in sorted(theirs.items())
        if ref.startswith("refs/tags/") and ref in ours and ours[ref] != oid
    ]


def rewritten_branches(git: Git, theirs: Mapping[str, str], remote: str) -> list[str]:
    """One sentence for each branch whose remote tip does not descend from the tip known here. Needs no fetch to have
    worked: a tip that is not in this clone yet is fetched by its id."""
    namespace = local_ref("refs/heads/", remote)
    alarms = []
    for ref, ours in sorted(local_refs(git, *(local_ref(record, remote) for record in RECORDS)).items()):
        shared = f"refs/heads/{ref.removeprefix(namespace)}"
        new = theirs.get(shared)
        if new in (None, ours):
            continue
        _try_fetch(git, remote, shared)  # without a target: brings the objects, moves no ref
        if not is_ancestor(git, ours, str(new)):
            alarms.append(f"branch `{shared.removeprefix('refs/heads/')}` was rewritten: {ours} is not in {new}")
    return alarms


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """Whether commit `older` is in the history of `newer`; False as well when one of them is not in this clone."""
    return git.try_run("merge-base", "--is-ancestor", older, newer).code == 0


def tampered(alarms: list[str]) -> Tampered:
    return Tampered("\n".join(alarms), hint="find out who did this before going on: llmops-git verify --remote")
