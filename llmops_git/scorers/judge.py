"""judge: another model reads the output and gives it one of the labels of its scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmops_git.configs.judges import compares_pairs
from llmops_git.configs.values import Config, JsonObject, ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.judge_reply import label_schema, read_label
from llmops_git.scorers.results import EXPLAINED, not_applicable, not_measured, quoted

SMALLEST_STEP = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`resolved` is the judge's resolved config, `labels` what each of its labels is worth: 0 to 1, or None where the
    scorer does not apply. `number` is the judge's place among those of the session."""

    resolved: JsonObject
    labels: Mapping[str, float | None]
    scale: Scale
    step: float
    number: int = 0
    direction: Direction = "higher"
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        from llmops_git.configs.template import render_messages  # jinja2

        settings = self.resolved.get("judge") or {}
        if settings.get("reference") == "expected" and sample.expected is None:
            return not_applicable("the case expects nothing, and the judge compares with that")
        if session is None:
            return not_measured("judge", "a judge needs a model to ask")
        messages = render_messages(self.resolved, seen_by_judge(sample), sample.documents)
        schema = None if settings.get("reply") == "text" else label_schema(list(self.labels))
        try:
            reply = session.generate(messages, schema=schema, judge=self.number)
        except NotMeasured as error:
            return not_measured("judge", f"the judge did not answer: {error.message}")
        label, reasoning = read_label(reply, self.labels)
        if label is None:
            return not_measured("judge", f"the judge gave none of {', '.join(self.labels)}, or several: {quoted(reply)}")
        worth = self.labels[label]
        if worth is None:
            return Score(state="not_applicable", label=label, explanation=reasoning[:EXPLAINED])
        return Score(value=worth, label=label, explanation=reasoning[:EXPLAINED])


def seen_by_judge(sample: Sample) -> JsonObject:
    """The names that a judge's templates see beside `documents`."""
    seen = {"input": sample.inputs, "inputs": sample.inputs, "output": sample.output, "expected": sample.expected}
    return {**seen, "query": sample.query}


def build(settings: ScorerSettings) -> Judge:
    return judge_of(settings.judge)


def judge_of(config: Config | None, number: int = 0, *, pairs: bool = False) -> Judge:
    """The judge that a config describes, of single answers or of `pairs`. Raises LlmopsError where it has nothing to ask, or no
    scale to answer on."""
    if config is None or not config.scale:
        raise LlmopsError("the judge has no scale", hint="add `scale: binary`, or `scale: {labels: {pass: 1, fail: 0}}`")
    if compares_pairs(config.scale) and not pairs:
        raise LlmopsError(f"the judge `{config.name}` compares two answers, and here there is one", hint="use: pairwise")
    if not config.resolved["messages"]:
        raise LlmopsError(f"the judge `{config.name}` has nothing to ask", hint="add a `rubric:` or `messages:`")
    labels = {str(label): None if worth is None else float(worth) for label, worth in config.scale["labels"].items()}
    worths = sorted({worth for worth in labels.values() if worth is not None})
    if len(worths) <= 1 or not all(label.strip() for label in labels):
        raise LlmopsError("the judge's labels must have names and different worths")
    binary = worths == [0.0, 1.0]
    return Judge(
        resolved=config.resolved,
        labels=labels,
        scale="binary" if binary else "ordinal",
        step=1.0 if binary else max(SMALLEST_STEP, 1 / (len(worths) - 1)),
        number=number,
    )
