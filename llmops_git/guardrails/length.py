"""length: the text is neither too short nor too long, in characters, words or lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session
from llmops_git.guardrails.settings import CheckSettings

TOO_SHORT, TOO_LONG = "TOO_SHORT", "TOO_LONG"
Unit = Literal["characters", "words", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """White space at both ends is not counted. Words are what stands between white space."""

    unit: Unit
    least: int | None
    most: int | None

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        length = self._length(text.strip())
        if self.least is not None and length < self.least:
            return (Finding(label=TOO_SHORT),)
        if self.most is not None and length > self.most:
            return (Finding(label=TOO_LONG),)
        return ()

    def _length(self, text: str) -> int:
        match self.unit:
            case "characters":
                return len(text)
            case "words":
                return len(text.split())
            case "lines":
                return text.count("\n") + 1 if text else 0


def build(settings: CheckSettings) -> Length:
    options = settings.options
    least, most = options.get("min"), options.get("max")
    if least is None and most is None:
        raise LlmopsError("a length has no `min` and no `max`", hint="max: 4000")
    if least is not None and most is not None and least > most:
        raise LlmopsError(f"no length is at least {least} and at most {most}")
    return Length(
        unit=options.get("unit", "characters"),
        least=None if least is None else int(least),
        most=None if most is None else int(most),
    )
