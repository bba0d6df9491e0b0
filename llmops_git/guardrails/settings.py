"""What a rule of a pack says to its check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops_git.guardrails.limits import SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """`name` is the rule's, `use` names the check, `options` are its own settings with the files that it names read; `timeout`
    is in seconds of processor time, for one text."""

    name: str
    use: str
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = SECONDS

    @property
    def label(self) -> str:
        """What findings of this rule are called where the check has no better word."""
        return str(self.options.get("label") or self.name).upper().replace("-", "_")
