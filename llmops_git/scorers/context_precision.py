"""context_precision: how far up the useful documents stand among the retrieved ones."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.judge_prompts import USEFUL
from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.faithfulness import needs_judge
from llmops_git.scorers.judge import SMALLEST_STEP
from llmops_git.scorers.judge_reply import read_verdicts, verdicts_schema
from llmops_git.scorers.judged import ask, listed, texts_of
from llmops_git.scorers.results import EXPLAINED, failed, not_measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPrecision:
    """Average precision: over the useful documents, the mean of the share of useful ones up to each. No useful one: 0."""

    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = SMALLEST_STEP
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        texts = texts_of(sample)
        if not texts:
            return failed("no document was found", label="no documents")
        documents = [{"number": number, "text": text} for number, text in enumerate(texts, 1)]
        expected = {} if sample.expected is None else {"expected": sample.expected}
        data = {"input": sample.inputs, **expected, "documents": documents}
        try:
            items = ask(session, USEFUL, data, verdicts_schema(), lambda reply: read_verdicts(reply, len(texts)))
        except NotMeasured as error:
            return not_measured("judge", error.message)
        useful = [number for number, item in enumerate(items, 1) if item.holds]
        value = sum(rank / number for rank, number in enumerate(useful, 1)) / len(useful) if useful else 0.0
        head = f"{len(useful)} of {len(texts)} documents are useful: {', '.join(map(str, useful)) or 'none'}"
        return Score(value=value, explanation=listed(head, texts, items)[:EXPLAINED])


def build(settings: ScorerSettings) -> ContextPrecision:
    needs_judge(settings)
    return ContextPrecision()
