"""Where the running code is: in which request, below which span. Tasks follow it, and threads that copy their context."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmops_git.runtime.request import Request

REQUEST: ContextVar[Request | None] = ContextVar("llmops request", default=None)
BELOW: ContextVar[tuple[str, str]] = ContextVar("llmops span", default=("", ""))  # root's id, id of the span around
ASKED: ContextVar[tuple[str, Any] | None] = ContextVar("llmops question", default=None)  # root's id, what was asked


def current() -> Request | None:
    """The request that the running code serves; None outside of one."""
    return REQUEST.get()
