"""Which commits an evaluation in CI is about. Pure, but for what it is told by the forge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmops_git.commands.jobs.session import Session
from llmops_git.errors import LlmopsError

_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What to compare, by full commit ids.

    `tip` is where the change goes: its policy holds. The change is measured from `base`, or from where `tip` and `head` parted
    when `base` is "". `into` is the branch that the change goes to: where it has one, its tip of now is taken instead of `tip`,
    which a payload remembers from when the head was pushed.
    """

    tip: str
    head: str
    base: str = ""
    number: int | None = None  # of the pull request that may be written to
    into: str = ""
    trusted: bool = True
    why: str = ""  # for people: what this is


def targets_of(session: Session, checked_out: str) -> Targets:
    """The targets of the event, or of the pull request that a maintainer approved; `checked_out` is the commit of the work
    tree, for events that name a base but no head. Raises LlmopsError where there are none,
    and where a pull request is no longer what was approved."""
    event, inputs = session.event, session.inputs
    if inputs.pull_request is not None:
        return _approved(session, inputs.pull_request)
    if event.kind == "pull request":
        return Targets(
            tip=event.base_oid,
            head=event.head_oid,
            number=event.number,
            into=event.base_branch,
            trusted=event.trusted,
            why=f"pull request {event.number}",
        )
    if event.kind == "merge group":
        return Targets(tip=event.base_oid, head=event.head_oid, base=event.base_oid, why="what the merge queue would merge")
    base = inputs.base or (event.base_oid if event.kind == "push" else "")
    if not base:
        raise LlmopsError(f"a `{event.name}` event does not say what to compare with", hint="base: the id of a commit")
    return Targets(
        tip=full_id(base, "base"), head=event.head_oid or checked_out, base=full_id(base, "base"), why=event.ref or event.name
    )


def _approved(session: Session, number: int) -> Targets:
    """A fork's pull request at the commit that was approved: another one, pushed meanwhile, is not evaluated."""
    if session.event.kind not in {"dispatch", "other"}:
        raise LlmopsError("the evaluation of a fork is approved by a dispatched workflow, not by another event")
    if session.forge is None:
        raise LlmopsError("a pull request can be looked up only with a token", hint="token: ${{ github.token }}")
    commit = full_id(session.inputs.commit, "commit")
    found = session.forge.pull_request(number)
    if not found.open:
        raise LlmopsError(f"pull request {number} is not open")
    if found.head_oid != commit:
        raise LlmopsError(
            f"pull request {number} is at {found.head_oid} now, and {commit} was approved: look at what changed first",
            hint=f"dispatch it again with commit {found.head_oid}",
        )
    why = f"pull request {number}, approved at {commit[:12]}"
    return Targets(tip=found.base_oid, head=commit, number=number, into=found.base_branch, why=why)


def full_id(commit: str, name: str) -> str:
    """`commit` where it is a full id. Raises LlmopsError: anything shorter could mean something else tomorrow."""
    if not _FULL_ID.fullmatch(commit):
        raise LlmopsError(f"{name} must be a full commit id, not `{commit[:80]}`", hint="git rev-parse REV")
    return commit
