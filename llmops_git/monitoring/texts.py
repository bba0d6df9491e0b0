"""What was asked and what was replied, out of the messages of a call: short texts for people, search and drift."""

from __future__ import annotations

from typing import Any

from llmops_git.monitoring.fast_json import loads

MOST = 4_000  # characters
_CALL = "tool_call"


def asked_in(messages: Any) -> str:
    """The user's texts in the messages of a request; all texts where none is a user's. What is no message is taken as it is."""
    said = _said(messages)
    if said is None:
        return _as_it_is(messages)
    users = [text for who, text in said if who == "user"]
    return _joined(users or [text for _, text in said])


def replied_in(messages: Any) -> str:
    """The text of a reply, without the tools that it calls."""
    said = _said(messages)
    return _as_it_is(messages) if said is None else _joined([text for _, text in said])


def _said(messages: Any) -> list[tuple[Any, Any]] | None:
    """Who said which texts, calls of tools aside; None where these are no messages. It is done for every call that is read."""
    try:
        read = loads(messages.encode()) if isinstance(messages, str) else messages
        return [
            (message["role"], part.get("content") or part.get("response") or "")
            for message in read
            for part in message["parts"]
            if part.get("type") != _CALL
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _joined(texts: list[Any]) -> str:
    return "\n".join(text for text in texts if isinstance(text, str))[:MOST]


def _as_it_is(messages: Any) -> str:
    return messages[:MOST] if isinstance(messages, str) else ""
