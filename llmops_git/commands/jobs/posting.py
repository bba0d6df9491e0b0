"""Keeps the one comment of a key on a pull request: found again, updated in place, never an older one over a newer one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llmops_git.forges.base import Forge, ForgeError, Rejected
from llmops_git.reports.sticky import SHORTER, decide

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.forges.base import Comment
    from llmops_git.reports.sticky import Decision

Render = Callable[[int], str]  # longest length in characters -> body


def keep_comment(session: Session, number: int, render: Render, *, run: tuple[int, int], changed: bool) -> bool:
    """Bring the comment up to date; outputs `comment-url` and `comment-written`.

    `run` orders the runs that write it. `changed` False means that there is nothing to report: a comment that is there is
    updated, none is made. False when a newer run has been here: then nothing else about this one should be said either.
    A forge that refuses is a warning in the log and never more: the verdict does not depend on who may comment.
    """
    session.output(comment_written="false", comment_url="")
    if session.forge is None or session.inputs.comment == "off":
        return True
    try:
        return _keep(session, session.forge, number, render, run=run, changed=changed)
    except ForgeError as error:
        hint = f" ({error.hint})" if error.hint else ""
        session.note("warning", f"the comment could not be written: {error.message}{hint}")
        return True


def _keep(session: Session, forge: Forge, number: int, render: Render, *, run: tuple[int, int], changed: bool) -> bool:
    me, key = forge.me(), session.inputs.comment_key

    def decision(limit: int) -> Decision:
        return decide(list(forge.comments(number)), me=me, key=key, run=run, body=render(limit), changed=changed)

    chosen = decision(SHORTER[0])
    if chosen.kind == "keep":
        _delete(forge, chosen)
        return not chosen.superseded
    written = _write(forge, number, render, chosen)
    if chosen.kind == "create":
        # two runs that found nothing may both have made one: the oldest stays, with what the newest run says
        chosen = decision(SHORTER[0])
        if chosen.kind == "update":
            written = _write(forge, number, render, chosen)
    _delete(forge, chosen)
    session.output(comment_written="true", comment_url=written.url)
    return True


def _delete(forge: Forge, chosen: Decision) -> None:
    for extra in chosen.extras:
        forge.delete_comment(extra)


def _write(forge: Forge, number: int, render: Render, chosen: Decision) -> Comment:
    """Write the comment, shorter where the forge does not take it: its own limit may be lower than the one we know."""
    for limit in SHORTER:
        try:
            body = render(limit)
            return forge.create_comment(number, body) if chosen.comment is None else forge.update_comment(chosen.comment, body)
        except Rejected as error:
            if limit == SHORTER[-1] or not error.too_long:
                raise
    raise AssertionError("the last limit was tried")
