"""What starts_with and ends_with share: one of several texts stands at one end of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import normalized
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, not_measured, passed, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Affix:
    """One of `texts`, or without them one of those that the case expects, is the start (or the end) of the output."""

    at_end: bool
    texts: tuple[str, ...] = ()
    ignore_case: bool = False
    strip: bool = True
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        texts = self.texts
        if not texts:
            if sample.expected is None:
                return not_applicable("the case expects nothing")
            texts = as_texts(sample.expected)
        forms = [self._form(text) for text in texts]
        if not forms or "" in forms:
            return not_measured("expected", f"every text begins and ends with {quoted(list(texts))}")
        if not sample.output.strip():
            return empty()
        output = self._form(sample.output)
        if any(output.endswith(form) if self.at_end else output.startswith(form) for form in forms):
            return passed()
        end = sample.output.rstrip()[-60:] if self.at_end else sample.output.lstrip()[:60]
        return failed(f"{'ends' if self.at_end else 'starts'} with {quoted(end)}, not with {' or '.join(map(quoted, texts))}")

    def _form(self, text: str) -> str:
        return normalized(text, ignore_case=self.ignore_case, strip=self.strip)


def as_texts(value: Any) -> tuple[str, ...]:
    """A text, or each of a list of texts."""
    return tuple(as_text(each) for each in (value if isinstance(value, list | tuple) else [value]))


def build_affix(settings: ScorerSettings, *, at_end: bool) -> Affix:
    options = settings.options
    return Affix(
        at_end=at_end,
        texts=as_texts(options.get("text", [])),
        ignore_case=options.get("ignore_case", False),
        strip=options.get("strip", True),
    )
