"""What scorers of likeness share: the output is held against reference texts, and the best of them counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, expected_of, field_of, normalized
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, not_measured, quoted

MOST_CHARACTERS = 100_000
GRADED_STEP = 0.25  # of a continuous score, as the statistics want it

# (output, references) -> 0 to 1; raises Unusable where the references cannot be compared with
Measure = Callable[[str, Sequence[str]], float]


class Unusable(Exception):  # turned into a score below
    """What the case expects cannot be compared with, and why."""


class TooLong(Exception):  # turned into a score below
    """Comparing the output would take too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """A likeness from 0 to 1. With a threshold it is pass or fail: 1 from there on, else 0."""

    measure: Measure
    field: str = ""
    ignore_case: bool = False
    threshold: float | None = None
    scale: Scale = "continuous"
    step: float = GRADED_STEP
    direction: Direction = "higher"
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        expected = expected_of(sample.expected, self.field)
        if isinstance(expected, Missing):
            return not_applicable(expected.reason)
        references = self._references(expected.value)
        if not references:
            return not_measured("expected", f"{quoted(expected.value)} is no text to compare with")
        if not sample.output.strip():
            return empty()
        actual = field_of(sample.output, self.field)
        if isinstance(actual, Missing):
            return failed(actual.reason)
        output = self._form(as_text(actual.value))
        if not output:
            return empty()
        if len(output) > MOST_CHARACTERS:
            return failed(f"{len(output):,} characters, more than {MOST_CHARACTERS:,} are not compared", label="too long")
        try:
            return self._graded(min(1.0, max(0.0, self.measure(output, references))))
        except Unusable as error:
            return not_measured("expected", str(error))
        except TooLong as error:
            return failed(str(error), label="too long")

    def _graded(self, value: float) -> Score:
        if self.threshold is None:
            return Score(value=value, explanation=f"likeness {value:.3f}")
        enough = value >= self.threshold
        words = f"likeness {value:.3f}, {'at least' if enough else 'less than'} {self.threshold:g}"
        return Score(value=float(enough), label="pass" if enough else "fail", explanation=words)

    def _references(self, value: Any) -> list[str]:
        """The texts to compare with; none where one of them is no text, is empty or too long."""
        forms = [self._form(as_text(each)) for each in (value if isinstance(value, list) else [value])]
        return forms if all(0 < len(form) <= MOST_CHARACTERS for form in forms) and not isinstance(value, dict) else []

    def _form(self, text: str) -> str:
        return normalized(text, ignore_case=self.ignore_case, strip=True)


def build_similarity(settings: ScorerSettings, measure: Measure) -> Similarity:
    """A scorer of likeness from the options that all of them have."""
    options = settings.options
    threshold = options.get("threshold")
    return Similarity(
        measure=measure,
        field=options.get("field", ""),
        ignore_case=options.get("ignore_case", False),
        threshold=None if threshold is None else float(threshold),
        scale="continuous" if threshold is None else "binary",
        step=GRADED_STEP if threshold is None else 1.0,
    )
