"""json_schema: the text is JSON that keeps to a schema. A text that is not is found."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Finding, Session, Undecided
from llmops_git.guardrails.limits import held_to_length
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.scorers.outputs import Missing, read_json
from llmops_git.scorers.schema_guard import GuardedSchema

NOT_JSON, OTHER_FORM = "NOT_JSON", "SCHEMA"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    """The text has to be JSON as it stands, without a code fence. The bounds are those of the scorer of the same name."""

    schema: GuardedSchema

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        document = read_json(held_to_length(text))
        if isinstance(document, Missing):
            return (Finding(label=NOT_JSON),)
        try:
            fault = self.schema.first_fault(document.value)
        except LlmopsError as error:
            raise Undecided(error.message) from None
        return () if fault is None else (Finding(label=OTHER_FORM),)


def build(settings: CheckSettings) -> JsonSchema:
    return JsonSchema(schema=GuardedSchema(settings.options["schema"]))
