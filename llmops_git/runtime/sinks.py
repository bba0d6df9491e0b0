"""What a sink is: a place that spans are written to, on a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from llmops_git.runtime.counts import Counts
from llmops_git.runtime.export import Ready

Resource = Mapping[str, Any]


class SinkUnavailable(Exception):
    """The sink cannot take spans now. The first `done` of what was given were taken, but for `refused` of their spans; the rest
    is kept and given again, after `retry_after` seconds where the sink says so."""

    def __init__(self, message: str, *, done: int = 0, refused: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.done = done
        self.refused = refused
        self.retry_after = retry_after


class Sink(Protocol):
    """One place. All but `after_fork` are called by one thread at a time."""

    @property
    def name(self) -> str:
        """Its name in `stats`."""

    def open(self, resource: Resource, counts: Counts) -> None:
        """Get ready, once. Raises LlmopsError when it cannot be used at all: something is not installed, an address is none."""

    def write(self, ready: Sequence[Ready]) -> int:
        """Write in order; how many spans were refused for good, which the sink has counted. Raises SinkUnavailable."""

    def close(self) -> None:
        """Let go of files and connections; a later write opens them again."""

    def after_fork(self) -> None:
        """In a child: let go of what is the parent's, without touching it."""
