"""One HTML file in which a person labels a sample: its own script and style, no load, no network.

The texts are data: JSON in which no character can end the element, put into the page as text by the script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from llmops_git.evals.people.items import Item, ReviewSample
from llmops_git.evals.people.labels import FORMAT
from llmops_git.reports.clean import clean
from llmops_git.reports.review_text import shown
from llmops_git.reports.values_text import as_text

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def render_review(samples: Sequence[ReviewSample]) -> str:
    """The page. Its policy allows the script and the style that are in it, by their digests, and nothing else."""
    style = _asset("report.css") + _asset("review.css")
    script = _asset("review.js")
    data = json.dumps({"format": FORMAT, "samples": [_sample(sample) for sample in samples]}).translate(_ESCAPES)
    parts = {
        "@POLICY@": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "@STYLE@": style,
        "@SCRIPT@": script,
        "@DATA@": data,
    }
    page = _asset("review.html")
    for mark, text in parts.items():  # the data, which strangers wrote, comes last
        page = page.replace(mark, text, 1)
    return page


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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
