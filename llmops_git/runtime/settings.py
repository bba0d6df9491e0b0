"""How an application records: what of the texts, how many requests, in whose name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmops_git.errors import LlmopsError

Content = Literal["off", "redacted", "full"]
CONTENTS: tuple[Content, ...] = ("off", "redacted", "full")
NEGATIVE = ("thumbs_down", "edit", "retry", "escalation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What all requests of a router share.

    `sample` is the share of requests whose traces are kept (errors, guardrail hits and negative signals always are).
    `user_salt` hashes user ids where it is set. `secrets` are texts that never leave, in any capture but "full".
    `late_requests` and `late_seconds` say for which finished requests that were not kept a signal still comes in time.
    """

    service: str
    environment: str = ""
    content: Content = "off"
    sample: float = 1.0
    user_salt: str = ""
    secrets: tuple[str, ...] = ()
    negative: frozenset[str] = frozenset(NEGATIVE)
    late_requests: int = 1_000
    late_seconds: float = 600.0
    most_spans: int = 20_000  # that wait to be written; what comes above is dropped, and counted

    def __post_init__(self) -> None:
        """Raises LlmopsError for settings that cannot be."""
        if self.content not in CONTENTS:
            raise LlmopsError(f"content is {' or '.join(CONTENTS)}, not {self.content!r}")
        if not 0.0 <= self.sample <= 1.0:
            raise LlmopsError(f"sample is a share between 0 and 1, not {self.sample!r}", hint="sample=0.1")
