"""json_field: one field of the output is there, is of a type, equals a value, or matches a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.exact import same_json
from llmops_git.scorers.outputs import Found, Missing, expected_of, field_of
from llmops_git.scorers.patterns import SECONDS, SlowPattern, compile_pattern, search
from llmops_git.scorers.results import as_text, empty, failed, not_applicable, not_measured, passed, quoted

Type = Literal["string", "number", "integer", "boolean", "array", "object", "null"]
TYPES: dict[Type, str] = {
    "string": "string",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonField:
    """All conditions that are given have to hold; where none is, the field equals what the case expects of it."""

    field: str
    exists: bool | None = None
    of_type: Type | None = None
    equals: Found | None = None
    matches: str = ""
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        equals = self.equals
        if equals is None and self.exists is None and self.of_type is None and not self.matches:
            expected = expected_of(sample.expected, self.field)
            if isinstance(expected, Missing):
                return not_applicable(expected.reason)
            equals = expected
        if not sample.output.strip():
            return empty()
        found = field_of(sample.output, self.field)
        if isinstance(found, Missing):
            absent = self.exists is False and found.absent
            return passed() if absent else failed(found.reason)
        if self.exists is False:
            return failed(f"`{self.field}` is there: {quoted(found.value)}")
        return self._check(found.value, equals)

    def _check(self, value: Any, equals: Found | None) -> Score:
        if self.of_type is not None and not is_of(value, self.of_type):
            return failed(f"`{self.field}` is {quoted(value)}, which is no {TYPES[self.of_type]}")
        if equals is not None and not same_json(value, equals.value):
            return failed(f"expected {quoted(equals.value)}, got {quoted(value)}")
        if not self.matches:
            return passed()
        try:
            matched = search(compile_pattern(self.matches), as_text(value))
        except SlowPattern:
            return not_measured("timeout", f"{quoted(self.matches)} took longer than {SECONDS:g} s")
        return passed() if matched else failed(f"{quoted(self.matches)} is not in {quoted(value)}")


def is_of(value: Any, kind: Type) -> bool:
    """Whether a JSON value is of a JSON type; 1.0 is a whole number, true is no number."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer":
            return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None


def build(settings: ScorerSettings) -> JsonField:
    options = settings.options
    matches = options.get("matches", "")
    if matches:
        compile_pattern(matches)  # a wrong pattern is the config's fault, and known now
    return JsonField(
        field=options["field"],
        exists=options.get("exists"),
        of_type=options.get("type"),
        equals=Found(options["equals"]) if "equals" in options else None,
        matches=matches,
    )
