"""judge: another model reads the output and gives it one of the labels of its scale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import JsonObject, ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Found, read_json, unfenced
from llmops_git.scorers.results import EXPLAINED, not_measured, quoted

SMALLEST_STEP = 0.25
_DENIAL = r"(?i:not|never|no|isn't|doesn't|cannot|can't)\s+(?:an?\s+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`resolved` is the judge's resolved config, `labels` what each of its labels is worth, 0 to 1."""

    resolved: JsonObject
    labels: Mapping[str, float]
    scale: Scale
    step: float
    direction: Direction = "higher"
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        from llmops_git.configs.template import render_messages  # jinja2

        if session is None:
            return not_measured("judge", "a judge needs a model to ask")
        inputs = {"input": sample.inputs, "inputs": sample.inputs, "output": sample.output, "expected": sample.expected}
        messages = render_messages(self.resolved, inputs)
        try:
            reply = session.generate(messages)
        except NotMeasured as error:
            return not_measured("judge", f"the judge did not answer: {error.message}")
        label, reasoning = read_label(reply, self.labels)
        if label is None:
            return not_measured("judge", f"the judge gave none of {', '.join(self.labels)}, or several: {quoted(reply)}")
        return Score(value=self.labels[label], label=label, explanation=reasoning[:EXPLAINED])


def read_label(reply: str, labels: Mapping[str, Any]) -> tuple[str | None, str]:
    """(label, reasoning) of a judge's reply; the label is None where the reply is not clear.

    A reply that is a JSON object, with or without a code fence, says {"label", "reasoning"} and is held to it. Any other
    reply counts if exactly one label is in it, as a word, without a "not" before it; longer labels are read first.
    """
    document = read_json(unfenced(reply))
    if isinstance(document, Found) and isinstance(document.value, Mapping):
        said = document.value.get("label")
        known = {label.casefold(): label for label in labels}
        reasoning = str(document.value.get("reasoning", ""))
        return (known.get(str(said).strip().casefold()) if isinstance(said, str | int) else None), reasoning
    found = _words(reply, list(labels), flags=0) or _words(reply, [label for label in labels if len(label) > 1], re.IGNORECASE)
    return (found.pop() if len(found) == 1 else None), reply.strip()


def _words(reply: str, labels: list[str], flags: int) -> set[str | None]:
    """The labels in the reply; None stands for one that is denied."""
    if not labels:
        return set()
    alternatives = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    known = {label if not flags else label.casefold(): label for label in labels}
    # a label that begins with "not" wins over the denial of a shorter one
    pattern = re.compile(rf"(?<!\w)(?:({alternatives})|{_DENIAL}(?:{alternatives}))(?!\w)", re.IGNORECASE if flags else 0)
    return {known[label.casefold() if flags else label] if label else None for label in pattern.findall(reply)}


def build(settings: ScorerSettings) -> Judge:
    if settings.judge is None or not settings.judge.scale:
        raise LlmopsError("the judge has no scale", hint="add `scale: {labels: {pass: 1, fail: 0}}`")
    labels = {str(label): float(value) for label, value in settings.judge.scale["labels"].items()}
    worths = sorted(set(labels.values()))
    if len(worths) <= 1 or not all(label.strip() for label in labels):
        raise LlmopsError("the judge's labels must have names and different worths")
    binary = worths == [0.0, 1.0]
    step = 1.0 if binary else max(SMALLEST_STEP, 1 / (len(worths) - 1))
    return Judge(resolved=settings.judge.resolved, labels=labels, scale="binary" if binary else "ordinal", step=step)
