"""finish_reason: the reply ended of itself, and was not cut off."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.affix import as_texts
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import failed, not_measured, passed, quoted

# what the wires call a reply that ended of itself, or with a call of a tool
ENDED = ("stop", "tool_calls", "end_turn", "tool_use", "stop_sequence", "function_call", "eos")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReason:
    """The reason is that of the last reply, as the provider words it, without regard to case."""

    allowed: tuple[str, ...] = ENDED
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        reason = sample.finish_reason.casefold()
        if not reason:
            return not_measured("finish_reason", "the provider did not say why the reply ended")
        if reason in self.allowed:
            return passed(reason)
        return failed(f"ended with {quoted(sample.finish_reason)}", label=reason[:40])


def build(settings: ScorerSettings) -> FinishReason:
    allowed = settings.options.get("allowed")
    return FinishReason(allowed=ENDED if allowed is None else tuple(text.casefold() for text in as_texts(allowed)))
