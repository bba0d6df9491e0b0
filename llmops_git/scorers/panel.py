"""panel: several judges read the output; the majority of their labels counts, or the mean of what these are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.judge import SMALLEST_STEP, Judge, judge_of
from llmops_git.scorers.results import EXPLAINED, not_applicable, not_measured

_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`judges` by name. A panel from which a judge is missing is another instrument, so it measures nothing."""

    judges: tuple[tuple[str, Judge], ...]
    majority: bool
    scale: Scale
    step: float
    direction: Direction = "higher"
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        said = [(name, judge.score(sample, session)) for name, judge in self.judges]
        for name, score in said:
            if score.state == "not_measured":
                return not_measured("judge", f"{name}: {score.explanation}")
        applies = [(name, score) for name, score in said if score.value is not None]
        words = _words(said)
        if 2 * len(applies) <= len(said):
            return not_applicable(f"most judges say that it does not apply\n{words}"[:EXPLAINED])
        scores = [score for _, score in applies]
        value, label = _majority(scores) if self.majority else (_mean(scores), _split(scores))
        return Score(value=value, label=label, explanation=words[:EXPLAINED])


def _majority(scores: Sequence[Score]) -> tuple[float, str]:
    """The worth of the label that most judges gave; of several that are level, the mean, with the label `split`."""
    votes = Counter(score.label for score in scores)
    most = max(votes.values())
    leading = [score for score in {score.label: score for score in scores}.values() if votes[score.label] == most]
    return _mean(leading), leading[0].label if len(leading) == 1 else "split"


def _mean(scores: Sequence[Score]) -> float:
    return sum(score.value or 0.0 for score in scores) / len(scores)


def _split(scores: Sequence[Score]) -> str:
    labels = {score.label for score in scores}
    return labels.pop() if len(labels) == 1 else "split"


def _words(said: Sequence[tuple[str, Score]]) -> str:
    """How the judges voted, then what each said: `2 pass, 1 fail`."""
    votes = Counter(score.label for _, score in said)
    counted = ", ".join(f"{count} {label}" for label, count in votes.most_common())
    share = EXPLAINED // len(said)
    return "\n".join([counted, *(f"{name}: {score.label}: {score.explanation}"[:share] for name, score in said)])


def build(settings: ScorerSettings) -> Panel:
    judges = tuple((config.name, judge_of(config, number)) for number, config in enumerate(settings.judges))
    if len(judges) < _FEWEST:
        raise LlmopsError("a panel needs at least two judges", hint="judges: [judges/a.yaml, judges/b.yaml, judges/c.yaml]")
    majority = settings.options.get("combine", "majority") == "majority"
    first = judges[0][1]
    if majority and any(judge.labels != first.labels for _, judge in judges):
        raise LlmopsError("a majority needs judges with the same scale", hint="give them one scale, or write `combine: mean`")
    odd = bool(len(judges) % 2) and None not in first.labels.values() and len(first.labels) == _FEWEST
    if majority and odd:
        return Panel(judges=judges, majority=True, scale=first.scale, step=first.step)
    step = max(SMALLEST_STEP, max(judge.step for _, judge in judges) / len(judges))
    return Panel(judges=judges, majority=majority, scale="ordinal", step=step)
