"""json_schema: the output is JSON that the schema allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, read_json, unfenced
from llmops_git.scorers.results import empty, failed, not_measured, passed

if TYPE_CHECKING:
    from llmops_git.scorers.schema_guard import GuardedSchema  # jsonschema

SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    """Strict: the output has to be JSON as it stands, since this is what a caller's parser sees."""

    schema: GuardedSchema
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.output.strip():
            return empty()
        document = read_json(sample.output)
        if isinstance(document, Missing):
            fenced = not isinstance(read_json(unfenced(sample.output)), Missing)
            return failed("the JSON stands in a code fence" if fenced else document.reason)
        try:
            fault = self.schema.first_fault(document.value)
        except LlmopsError as error:
            return not_measured("schema", error.message)
        return passed() if fault is None else failed(fault[:SHOWN])


def build(settings: ScorerSettings) -> JsonSchema:
    from llmops_git.scorers.schema_guard import GuardedSchema  # jsonschema

    schema = settings.options.get("schema")
    if not isinstance(schema, dict | bool):
        raise LlmopsError("`schema` is not a JSON Schema")
    return JsonSchema(schema=GuardedSchema(schema))
