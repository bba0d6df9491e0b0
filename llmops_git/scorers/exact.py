"""exact: the output, or one field of it, equals what the case expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Found, Missing, expected_of, field_of, normalized, read_json, unfenced
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, passed, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Text is compared as text; objects and lists as JSON, where 1 and 1.0 are equal and 1 and true are not."""

    field: str = ""
    ignore_case: bool = False
    strip: bool = True
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        expected = expected_of(sample.expected, self.field)
        if isinstance(expected, Missing):
            return not_applicable(expected.reason)
        if not sample.output.strip() and expected.value != "":
            return empty()
        actual = field_of(sample.output, self.field)
        if isinstance(actual, Found) and not self.field and isinstance(expected.value, Mapping | list):
            actual = read_json(unfenced(sample.output))
        if isinstance(actual, Missing):
            return failed(f"expected {quoted(expected.value)}, but {actual.reason}")
        try:
            same = self._form(actual.value) == self._form(expected.value)
        except RecursionError:
            same = False
        if same:
            return passed()
        return failed(f"expected {quoted(expected.value)}, got {quoted(actual.value)}")

    def _form(self, value: Any) -> str:
        """Equal values have equal forms."""
        if isinstance(value, Mapping | list):
            return json.dumps(_plain(value), sort_keys=True)
        return normalized(as_text(_plain(value)), ignore_case=self.ignore_case, strip=self.strip)


def _plain(value: Any) -> Any:
    """Whole floats as integers, all the way down, since JSON has one kind of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def same_json(first: Any, second: Any) -> bool:
    """Whether two JSON values are equal: key order does not matter, 1 equals 1.0, and 1 is not true."""
    try:
        return json.dumps(_plain(first), sort_keys=True) == json.dumps(_plain(second), sort_keys=True)
    except RecursionError:  # nested more deeply than anything that anybody expects
        return False


def build(settings: ScorerSettings) -> Exact:
    options = settings.options
    return Exact(
        field=options.get("field", ""), ignore_case=options.get("ignore_case", False), strip=options.get("strip", True)
    )
