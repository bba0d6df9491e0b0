"""contains: the output contains texts, given by the config or by the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import normalized
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, not_measured, passed, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """At least one text of `any_of` and every text of `all_of`; without both, every text that the case expects."""

    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    ignore_case: bool = False
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        all_of = self.all_of
        if not self.any_of and not self.all_of:
            if sample.expected is None:
                return not_applicable("the case expects nothing")
            all_of = _texts(sample.expected)
            if not all_of or "" in all_of:
                return not_measured("expected", f"every text contains {quoted(sample.expected)}")
        if not sample.output.strip():
            return empty()
        output = self._form(sample.output)
        absent = [text for text in all_of if self._form(text) not in output]
        if absent:
            return failed(f"does not contain {', '.join(map(quoted, absent))}")
        if self.any_of and not any(self._form(text) in output for text in self.any_of):
            return failed(f"contains none of {', '.join(map(quoted, self.any_of))}")
        return passed()

    def _form(self, text: str) -> str:
        return normalized(text, ignore_case=self.ignore_case)


def _texts(value: Any) -> tuple[str, ...]:
    values: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    return tuple(as_text(each) for each in values)


def build(settings: ScorerSettings) -> Contains:
    options = settings.options
    return Contains(
        any_of=_texts(options.get("any", [])),
        all_of=_texts(options.get("all", [])),
        ignore_case=options.get("ignore_case", False),
    )
