"""Publishes refs: all of them or none, never by force. The only code that moves a shared ref.

With a remote this is one `git push --atomic` in which every ref must be what the plan was made from; without one it is a
`git update-ref` transaction. Whether a race was lost is read from the refs afterwards, not from what a server says in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.fetch import is_ancestor, local_refs
from llmops_git.repo.refs import last_lines, list_remote, local_ref, unreachable
from llmops_git.repo.runner import Runner

if TYPE_CHECKING:
    from llmops_git.repo.git import Git, Result

_NO_ATOMIC = "does not support --atomic push"  # the client's own words, said under LC_ALL=C before anything was sent
_TAKEN = frozenset(" *=")  # porcelain flags: fast-forwarded, created, already there
_ATTEMPTS = 3  # a server that refused while nothing had moved may have been busy with another push


@dataclass(frozen=True, slots=True)
class Update:
    """One shared ref (`refs/tags/…`, `refs/heads/…`) to be moved from `old` (None: it must not exist) to `new`."""

    ref: str
    new: str
    old: str | None


@dataclass(frozen=True, slots=True)
class Published:
    """The refs are what was asked for, here and on the remote."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Somebody else moved one of the refs first; nothing was published. `refs` are those that were not as expected."""

    refs: tuple[str, ...]


class Refused(NotMeasured):
    """The remote did not take the push although nobody had moved the refs: no permission, a hook, a protected ref."""


def publish(git: Git, remote: str | None, updates: Sequence[Update], *, wait: Callable[[int], None]) -> Published | Lost:
    """Move all refs or none. `wait(attempt)` is called before asking a busy server again.

    Order matters only where a server cannot do several refs at once: then they are pushed one by one in this order, and
    the last one is what makes the publication count. Raises Refused, NotMeasured when the remote cannot be reached, or,
    without a remote, LlmopsError for a branch that is checked out.
    """
    _require_fast_forward(git, updates)
    if remote is None:
        return _publish_here(git, updates)
    outcome = _publish_there(git, remote, updates, wait)
    if isinstance(outcome, Published):
        _follow(git, remote, updates)
    return outcome


def _require_fast_forward(git: Git, updates: Sequence[Update]) -> None:
    """A lease alone would let a rewritten branch through; the plan must descend from what it replaces."""
    for update in updates:
        if update.old is None:
            continue
        if not update.ref.startswith("refs/heads/") or not is_ancestor(git, update.old, update.new):
            raise ValueError(f"{update.ref} may only be fast-forwarded: {update.new} does not descend from {update.old}")


def _publish_there(git: Git, remote: str, updates: Sequence[Update], wait: Callable[[int], None]) -> Published | Lost:
    for attempt in range(_ATTEMPTS):
        result = _push(git, remote, updates)
        if result.code == 0 and _took_all(result, updates):
            return Published()
        if _NO_ATOMIC in result.err:
            return _publish_one_by_one(git, remote, updates)
        outcome = _look(git, remote, updates, result)
        if outcome is not None:
            return outcome
        if not _answered(result, updates) or attempt == _ATTEMPTS - 1:
            raise _refused(remote, result)
        wait(attempt)
    raise AssertionError("unreachable")


def _publish_one_by_one(git: Git, remote: str, updates: Sequence[Update]) -> Published | Lost:
    """For servers without atomic pushes: what the last ref relies on goes first, so a stop half-way leaves no false claim."""
    for update in updates:
        result = _push(git, remote, [update], atomic=False)
        if result.code == 0 and _took_all(result, [update]):
            continue
        outcome = _look(git, remote, [update], result)
        if isinstance(outcome, Lost):
            return outcome
        if outcome is None:
            raise _refused(remote, result)
    return Published()


def _push(git: Git, remote: str, updates: Sequence[Update], *, atomic: bool = True) -> Result:
    leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
    refspecs = [f"{update.new}:{update.ref}" for update in updates]
    quiet = ("--porcelain", "--no-follow-tags", "--no-recurse-submodules", *(["--atomic"] if atomic else []))
    return Runner(git).try_run("push", *quiet, *leases, "--", remote, *refspecs)


def _statuses(result: Result, updates: Sequence[Update]) -> dict[str, str]:
    """Porcelain flag of each of our refs; a line is `<flag> TAB <from>:<to> TAB <summary>` (git-push, OUTPUT)."""
    wanted = {update.ref for update in updates}
    found = {}
    for line in result.out.decode(errors="replace").splitlines():
        flag, _, rest = line.partition("\t")
        target = rest.partition("\t")[0].rpartition(":")[2]
        if target in wanted:
            found[target] = flag[:1] or " "
    return found


def _took_all(result: Result, updates: Sequence[Update]) -> bool:
    statuses = _statuses(result, updates)
    return all(statuses.get(update.ref) in _TAKEN for update in updates)


def _answered(result: Result, updates: Sequence[Update]) -> bool:
    """Whether the server judged the refs at all; without that, asking again at once is of no use."""
    return "!" in _statuses(result, updates).values()


def _look(git: Git, remote: str, updates: Sequence[Update], result: Result) -> Published | Lost | None:
    """After a push that did not go through: what the remote's refs say. None when nothing has moved.

    All of them ours means that only the answer was lost; any of them neither ours nor as planned means a lost race.
    """
    try:
        theirs = list_remote(git, remote, *(update.ref for update in updates))
    except NotMeasured:
        raise unreachable(remote, result.err) from None
    return _judge(theirs, updates)


def _judge(theirs: dict[str, str], updates: Sequence[Update]) -> Published | Lost | None:
    if all(theirs.get(update.ref) == update.new for update in updates):
        return Published()
    moved = tuple(update.ref for update in updates if theirs.get(update.ref) != update.old)
    return Lost(moved) if moved else None


def _refused(remote: str, result: Result) -> Refused:
    reasons = [line.removeprefix("remote:").strip() for line in result.err.splitlines() if line.startswith("remote:")]
    why = last_lines("\n".join(reasons)) if any(reasons) else last_lines(result.err)
    return Refused(
        f"the remote `{remote}` refused the push, and nothing was published: {why}",
        hint="allow this identity to create tags llmops/** and to push branches llmops/** (a token needs `contents: write`)",
    )


def _publish_here(git: Git, updates: Sequence[Update]) -> Published | Lost:
    _refuse_checked_out(git, updates)
    zero = "0" * len(updates[0].new)
    lines = "".join(f"update {update.ref} {update.new} {update.old or zero}\n" for update in updates)
    runner = Runner(git)
    result = runner.try_run("update-ref", "--stdin", stdin=f"start\n{lines}prepare\ncommit\n".encode())
    if result.code == 0:
        return Published()
    outcome = _judge(local_refs(git, *(update.ref for update in updates)), updates)
    if outcome is None:
        raise Refused(f"git could not write the refs: {last_lines(result.err)}", hint="git fsck")
    return outcome


def _refuse_checked_out(git: Git, updates: Sequence[Update]) -> None:
    """Moving a branch under a work tree would make its files look changed, and the next commit there would undo it all.

    `git worktree list --porcelain`: paragraphs of `worktree <path>`, `HEAD <id>` and, where one is checked out, `branch <ref>`.
    """
    moved = {update.ref for update in updates}
    folder = ""
    for line in git.run("worktree", "list", "--porcelain").decode(errors="replace").splitlines():
        key, _, value = line.partition(" ")
        if key == "worktree":
            folder = value
        elif key == "branch" and value in moved:
            branch = value.removeprefix("refs/heads/")
            raise LlmopsError(f"branch `{branch}` is checked out in {folder}", hint=f'git -C "{folder}" switch --detach')


def _follow(git: Git, remote: str, updates: Sequence[Update]) -> None:
    """Let this clone's own refs say what the remote's now do; a branch that has meanwhile been fetched further stays."""
    lines = []
    for update in updates:
        ref = local_ref(update.ref, remote)
        here = local_refs(git, ref).get(ref)
        if here is None or is_ancestor(git, here, update.new):
            lines.append(f"update {ref} {update.new}\n")
    Runner(git).try_run("update-ref", "--stdin", stdin="".join(lines).encode())
