"""regex: a regular expression is found in the output, or in one field of it."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, expected_of, field_of
from llmops_git.scorers.patterns import SECONDS, SlowPattern, compile_pattern, search
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, not_measured, passed, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """Searches for `pattern`, or without one for the pattern that the case expects."""

    pattern: str = ""
    field: str = ""
    ignore_case: bool = False
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        pattern = self.pattern
        if not pattern:
            expected = expected_of(sample.expected, self.field)
            if isinstance(expected, Missing):
                return not_applicable(expected.reason)
            if not isinstance(expected.value, str) or not expected.value:
                return not_measured("expected", f"the case expects {quoted(expected.value)}, which is no pattern")
            pattern = expected.value
        try:
            compiled = compile_pattern(pattern, ignore_case=self.ignore_case)
        except LlmopsError as error:
            return not_measured("expected", error.message)
        if not sample.output.strip():
            return empty()
        actual = field_of(sample.output, self.field)
        if isinstance(actual, Missing):
            return failed(actual.reason)
        try:
            found = search(compiled, as_text(actual.value))
        except SlowPattern:
            return not_measured("timeout", f"{quoted(pattern)} took longer than {SECONDS:g} s")
        return passed() if found else failed(f"{quoted(pattern)} is not in {quoted(actual.value)}")


def build(settings: ScorerSettings) -> Regex:
    options = settings.options
    pattern, ignore_case = options.get("pattern", ""), options.get("ignore_case", False)
    if pattern:
        compile_pattern(pattern, ignore_case=ignore_case)  # a wrong pattern is the config's fault, and known now
    return Regex(pattern=pattern, field=options.get("field", ""), ignore_case=ignore_case)
