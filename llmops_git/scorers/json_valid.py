"""json_valid: the output is JSON."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.fences import body_of, is_fenced
from llmops_git.scorers.json_field import TYPES, Type, is_of
from llmops_git.scorers.outputs import Missing, read_json
from llmops_git.scorers.results import empty, failed, passed


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValid:
    """Strict, unless a fence is allowed: NaN is not JSON, and neither is an object with words around it."""

    of_type: Type | None = None
    fenced: bool = False
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.output.strip():
            return empty()
        document = read_json(body_of(sample.output, fenced=self.fenced))
        if isinstance(document, Missing):
            return failed("the JSON stands in a code fence" if is_fenced(sample.output) else document.reason)
        if self.of_type is not None and not is_of(document.value, self.of_type):
            return failed(f"the output is JSON, but no {TYPES[self.of_type]}")
        return passed()


def build(settings: ScorerSettings) -> JsonValid:
    return JsonValid(of_type=settings.options.get("type"), fenced=settings.options.get("fenced", False))
