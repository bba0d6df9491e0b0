"""numeric: the one number in the output, or in one field of it, is close enough to the expected one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, expected_of, field_of
from llmops_git.scorers.results import empty, failed, not_applicable, not_measured, passed, quoted

# A number does not begin inside a word (`v2`, `GPT-4`) or another number. Thousands are set off in groups of three by a
# comma, an apostrophe, an underscore or a no-break or thin space; the decimal mark is a point. Every part is possessive.
_SPACE = "\u00a0\u2009\u202f"
_NUMBER = re.compile(
    rf"(?<![\w.])(?<![^\W\d_][-\u2010\u2011])(?:(?<![\w)])[-+\u2212])?"
    rf"((?:[0-9]{{1,3}}(?>(?:[,'_{_SPACE}][0-9]{{3}}){{1,30}})(?![0-9])|[0-9]++)(?>(?:\.[0-9]++)?)|\.[0-9]++)"
    r"(?>([eE][-+]?[0-9]{1,3}(?![0-9]))?)"
    r"(?!\.[0-9]|[eE][-+]?[0-9])"  # 1.2.3 is no number, and 1e9999 not 1
)
_SEPARATORS = str.maketrans("", "", f",'_{_SPACE}")
MOST_DIGITS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """Decimal arithmetic, so that a tolerance of 0.05 admits 1.05 for 1. `relative` is a share of the expected number;
    the wider of the two tolerances counts."""

    field: str = ""
    tolerance: Decimal = Decimal(0)
    relative: Decimal = Decimal(0)
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        wanted = expected_of(sample.expected, self.field)
        if isinstance(wanted, Missing):
            return not_applicable(wanted.reason)
        expected = numbers_in(wanted.value)
        if len(expected) != 1:
            return not_measured("expected", f"the case expects {quoted(wanted.value)}, which is not one number")
        if not sample.output.strip():
            return empty()
        actual = field_of(sample.output, self.field)
        if isinstance(actual, Missing):
            return failed(actual.reason)
        return self._compare(numbers_in(actual.value), expected.pop(), actual.value)

    def _compare(self, found: set[Decimal], expected: Decimal, shown: Any) -> Score:
        if not found:
            return failed(f"expected {expected}, found no number in {quoted(shown)}", label="no number")
        if len(found) > 1:
            listed = ", ".join(str(number) for number in sorted(found))
            return failed(f"expected {expected}, found several numbers: {listed[:200]}", label="several numbers")
        number = next(iter(found))
        if abs(number - expected) <= max(self.tolerance, self.relative * abs(expected)):
            return passed()
        return failed(f"expected {expected}, got {number}")


def numbers_in(value: Any) -> set[Decimal]:
    """The different numbers in a JSON value: the value itself if it is one, those in a text; none in anything else."""
    if isinstance(value, bool):
        return set()
    if isinstance(value, int | float):
        return {Decimal(repr(value))} if abs(value) < float("inf") else set()
    if not isinstance(value, str):
        return set()
    return {_decimal(match) for match in _NUMBER.finditer(value) if len(match[0]) <= MOST_DIGITS}


def _decimal(match: re.Match[str]) -> Decimal:
    negative = match[0][0] in "-\u2212"
    number = Decimal(match[1].translate(_SEPARATORS) + (match[2] or ""))
    return -number if negative else number


def build(settings: ScorerSettings) -> Numeric:
    options = settings.options
    return Numeric(
        field=options.get("field", ""),
        tolerance=Decimal(repr(options.get("tolerance", 0))),
        relative=Decimal(repr(options.get("relative", 0))),
    )
