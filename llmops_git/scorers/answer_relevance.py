"""answer_relevance: whether the output answers what was asked, be it true or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmops_git.configs.judge_prompts import RELEVANCE
from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.faithfulness import needs_judge
from llmops_git.scorers.judge_reply import label_schema, read_label
from llmops_git.scorers.judged import ask
from llmops_git.scorers.results import EXPLAINED, empty, not_measured

LABELS: Mapping[str, float] = {"full": 1.0, "partial": 0.5, "none": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRelevance:
    """One of three labels: full, partial, none."""

    direction: Direction = "higher"
    scale: Scale = "ordinal"
    step: float = 0.5
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        if not sample.output.strip():
            return empty()
        data = {"input": sample.inputs, "output": sample.output}
        try:
            label, reasoning = ask(session, RELEVANCE, data, label_schema(list(LABELS)), _read)
        except NotMeasured as error:
            return not_measured("judge", error.message)
        return Score(value=LABELS[label], label=label, explanation=reasoning[:EXPLAINED])


def _read(reply: str) -> tuple[str, str] | None:
    label, reasoning = read_label(reply, LABELS)
    return None if label is None else (label, reasoning)


def build(settings: ScorerSettings) -> AnswerRelevance:
    needs_judge(settings)
    return AnswerRelevance()
