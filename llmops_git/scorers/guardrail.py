"""guardrail: a guardrail found something, or did so where the case says that it has to."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.affix import as_texts
from llmops_git.scorers.base import Direction, GuardHit, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, expected_of
from llmops_git.scorers.results import failed, not_applicable, not_measured, passed, quoted

NAME = "guardrail"
OUTCOMES = ("block", "redact", "flag", "shadow")
ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """Passes where a rule of `pack`, `rule` and `side` ("" for any) came to one of the outcomes. With `field`, where that is
    what the case expects there: true, that it does, or false, that it does not."""

    pack: str = ""
    rule: str = ""
    side: str = ""
    outcomes: tuple[str, ...] = OUTCOMES
    field: str = ""
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.guarded:
            return not_applicable("the application applies its guardrails itself, and does not say what they find")
        wanted = True
        if self.field:
            expected = expected_of(sample.expected, self.field)
            if isinstance(expected, Missing):
                return not_applicable(expected.reason)
            if not isinstance(expected.value, bool):
                return not_measured("expected", f"the case expects {quoted(expected.value)}, which is not true or false")
            wanted = expected.value
        about = [hit for hit in sample.guards if self._is_about(hit)]
        found = [hit for hit in about if hit.outcome in self.outcomes]
        if not found and any(hit.outcome == ERROR for hit in about):
            return not_measured("guardrail", "a rule failed to decide")
        told = ", ".join(f"{hit.pack}/{hit.rule}: {hit.outcome}" for hit in found) or "no rule found anything"
        return passed(told) if bool(found) is wanted else failed(told)

    def _is_about(self, hit: GuardHit) -> bool:
        return self.pack in ("", hit.pack) and self.rule in ("", hit.rule) and self.side in ("", hit.side)


def build(settings: ScorerSettings) -> Guardrail:
    options = settings.options
    if options.get("rule") and not options.get("pack"):
        raise LlmopsError("a rule is one of a pack", hint="pack: pii")
    return Guardrail(
        pack=options.get("pack", ""),
        rule=options.get("rule", ""),
        side=options.get("side", ""),
        outcomes=tuple(as_texts(options.get("outcomes", OUTCOMES))),
        field=options.get("field", ""),
    )
