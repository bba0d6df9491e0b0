"""One HTML file in which a person labels a sample: its own script and style, no load, no network.

The texts are data: JSON in which no character can end the element, put into the page as text by the script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops_git.evals.people.items import Item, ReviewSample
from llmops_git.evals.people.labels import FORMAT
from llmops_git.reports.clean import clean
from llmops_git.reports.embedded_data import page_with_data
from llmops_git.reports.review_text import shown
from llmops_git.reports.values_text import as_text


def render_review(samples: Sequence[ReviewSample]) -> str:
    """The page. Its policy allows the script and the style that are in it, by their digests, and nothing else."""
    data = {"format": FORMAT, "samples": [_sample(sample) for sample in samples]}
    return page_with_data("review.html", styles=("report.css", "review.css"), script="review.js", data=data)


def _sample(sample: ReviewSample) -> dict[str, Any]:
    question = sample.question
    return {
        "name": sample.name,
        "folder": question.folder,
        "config": question.config,
        "scorer": question.scorer,
        "judge": question.judge,
        "title": clean(f"{question.config}: {question.scorer}"),
        "text": shown(question.text),
        "labels": list(question.labels),
        "items": [_item(item) for item in sample.items],
    }


def _item(item: Item) -> dict[str, Any]:
    first = item.label(item.outputs[0], "-", who="-", when="-")
    asked = "\n".join(f"{name}: {as_text(value)}" for name, value in item.case.inputs.items())
    return {
        "case": item.case.id,
        "title": clean(item.case.id),
        "inputs": first.inputs,
        "asked": shown(asked) or "(nothing)",
        "expected": None if item.case.expected is None else shown(as_text(item.case.expected)),
        "outputs": [
            {"digest": output.digest, "text": shown(output.text) or "(nothing)", "shown": output.shown}
            for output in item.outputs
        ],
        "drawn": {"sample": item.drawn.sample, "stratum": item.drawn.stratum, "of": item.drawn.of},
    }
