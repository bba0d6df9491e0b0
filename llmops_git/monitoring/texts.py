"""What was asked and what was replied, out of the messages of a call: short texts for people, search and drift."""

from __future__ import annotations

from typing import Any

from llmops_git.monitoring.fast_json import loads
from llmops_git.traces.tree import Said, said_in

MOST = 4_000  # characters


def asked_in(messages: Any) -> str:
    """The user's texts in the messages of a request; all texts where none is a user's. What is no message is taken as it is."""
    said = _said(messages)
    users = [part.text for part in said if part.who == "user" and not part.call]
    return _joined(users or [part.text for part in said], messages)


def replied_in(messages: Any) -> str:
    """The text of a reply, without the tools that it calls."""
    said = _said(messages)
    return _joined([part.text for part in said if not part.call], "" if said else messages)


def _said(messages: Any) -> tuple[Said, ...]:
    """The parts of messages; this is done for every call that is read in."""
    try:
        return said_in(loads(messages.encode()) if isinstance(messages, str) else messages)
    except (ValueError, RecursionError):
        return ()


def _joined(texts: list[str], otherwise: Any) -> str:
    if texts:
        return "\n".join(texts)[:MOST]
    return otherwise[:MOST] if isinstance(otherwise, str) else ""
