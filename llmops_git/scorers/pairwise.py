"""pairwise: a judge reads the base's answer and the head's, in both orders, and says which one is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmops_git.configs.judges import compares_pairs
from llmops_git.configs.values import JsonObject, ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.judge import judge_of, seen_by_judge
from llmops_git.scorers.judge_reply import label_schema, read_label
from llmops_git.scorers.results import EXPLAINED, not_applicable, not_measured, quoted

NAME = "pairwise"
SPLIT = "split"  # label: the judge names another answer when the order is turned
TIE = Score(value=0.5, label="tie", explanation="both answered the same")
_WORDS = {1.0: "better", 0.0: "worse", 0.5: "tie"}
_HINT = "scale: pairwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairwise:
    """A score is of two samples: 1 where the head's answer is better, 0 where the base's is, 0.5 for a tie. One sample alone
    has none. The step is that of pass or fail: a pair is won, lost or neither."""

    resolved: JsonObject
    labels: Mapping[str, float | None]
    direction: Direction = "higher"
    scale: Scale = "ordinal"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        return not_applicable("answers are compared in pairs, and this is one")

    def prefer(self, base: str, head: Sample, session: Session | None) -> Score:
        """The head's score against the base's output.

        Equal outputs are a tie and an empty one loses, without a request. A judge who names the same place in both orders has
        looked at the place and not at the answers: that is a tie with the label `split`.
        """
        settings = self.resolved.get("judge") or {}
        if settings.get("reference") == "expected" and head.expected is None:
            return not_applicable("the case expects nothing, and the judge compares with that")
        if base.strip() == head.output.strip():
            return TIE
        if not base.strip() or not head.output.strip():
            won = bool(head.output.strip())
            return Score(value=float(won), label=_WORDS[won], explanation=f"the {'base' if won else 'head'} answered nothing")
        try:
            head_first, why_first = self._ask(head, head.output, base, session)
            base_first, why_second = self._ask(head, base, head.output, session)
        except NotMeasured as error:
            return not_measured("judge", error.message)
        value, other = head_first, 1 - base_first
        words = f"this change first: {_WORDS[value]}: {why_first}"[: EXPLAINED // 2]
        words += f"\nthe base first: {_WORDS[other]}: {why_second}"[: EXPLAINED // 2]
        if value != other:
            return Score(value=0.5, label=SPLIT, explanation=words)
        return Score(value=value, label=_WORDS[value], explanation=words)

    def _ask(self, sample: Sample, first: str, second: str, session: Session | None) -> tuple[float, str]:
        """(what the first answer is worth, why). Raises NotMeasured."""
        from llmops_git.configs.template import render_messages  # jinja2

        if session is None:
            raise NotMeasured("a judge needs a model to ask")
        in_words = (self.resolved.get("judge") or {}).get("reply") == "text"
        seen = {**seen_by_judge(sample), "first": first, "second": second}
        messages = render_messages(self.resolved, seen, sample.documents)
        try:
            reply = session.generate(messages, schema=None if in_words else label_schema(list(self.labels)))
        except NotMeasured as error:
            raise NotMeasured(f"the judge did not answer: {error.message}") from None
        label, reasoning = read_label(reply, self.labels)
        worth = None if label is None else self.labels[label]
        if worth is None:
            raise NotMeasured(f"the judge gave none of {', '.join(self.labels)}, or several: {quoted(reply)}")
        return worth, reasoning


def mirrored(score: Score) -> Score:
    """The same pair from the base's side."""
    return score if score.value is None else replace(score, value=1 - score.value)


def build(settings: ScorerSettings) -> Pairwise:
    judge = judge_of(settings.judge, pairs=True)
    if not compares_pairs(settings.judge.scale if settings.judge else None):
        raise LlmopsError("the judge does not compare two answers", hint=_HINT)
    return Pairwise(resolved=judge.resolved, labels=judge.labels)
