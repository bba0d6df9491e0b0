"""What makes a config a judge: its scale, and the messages that a rubric with examples becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.configs.judge_prompts import (
    DATA,
    PAIR_RUBRIC,
    REPLY_JSON,
    REPLY_TEXT,
    RUBRIC,
    SEEN,
    SEEN_EXPECTED,
    SEEN_PAIR,
    SEEN_PAIR_EXPECTED,
)
from llmops_git.configs.resolve_templates import Templates
from llmops_git.configs.source import Source
from llmops_git.configs.values import Json, JsonObject

BINARY = {"pass": 1, "fail": 0}
PAIRWISE = {"first": 1, "second": 0, "tie": 0.5}  # which of two answers is better; worths are the first one's


def scale_of(written: Json) -> JsonObject | None:
    """A judge's scale, however it is written, as {"labels": {label: worth}}; a worth of None is "not applicable".

    `binary` is pass or fail, `pairwise` which of two answers is better, {ordinal: 5} the numbers 1 to 5 at equal distances,
    {labels: …} whatever it says.
    """
    if written in ("binary", "pairwise"):
        return {"labels": dict(BINARY if written == "binary" else PAIRWISE)}
    if not isinstance(written, Mapping):
        return None
    if "ordinal" in written:
        levels = int(written["ordinal"])
        return {"labels": {str(level + 1): level / (levels - 1) for level in range(levels)}}
    return {"labels": dict(written["labels"])} if "labels" in written else None


def compares_pairs(scale: JsonObject | None) -> bool:
    """Whether a judge of this scale is shown two answers and says which one is better."""
    return scale is not None and scale.get("labels") == PAIRWISE


def settings_of(source: Source) -> dict[str, Json]:
    """What else of a judge reaches the model or decides what applies; what is as by default is left out."""
    value = source.value
    settings = {"reference": value.get("reference", "none"), "reply": value.get("reply", "json")}
    return {name: said for name, said in settings.items() if said != {"reference": "none", "reply": "json"}[name]}


def rubric_messages(source: Source, templates: Templates) -> list[dict[str, str]]:
    """The messages of a judge with a `rubric:`: instructions, the examples as turns, then the item to grade."""
    value = source.value
    rubric = templates.resolve(source, ("rubric",), value["rubric"])
    scale = scale_of(value.get("scale")) or {"labels": {}}
    reference = value.get("reference", "none") == "expected"
    in_words = value.get("reply", "json") == "text"
    reply = (REPLY_TEXT if in_words else REPLY_JSON).format(labels=", ".join(scale["labels"]))
    answers = ("first", "second") if compares_pairs(scale) else ("output",)
    before, after = (literal(part) for part in _instructions(len(answers), reference=reference, reply=reply).split("\0"))
    messages = [{"role": "system", "template": before + rubric.rstrip() + after}]
    shown = ("input", *(("expected",) if reference else ()), *answers)
    for index, example in enumerate(value.get("examples", [])):
        _check_example(source, index, example, scale, shown)
        label = str(example["label"])
        said = label if in_words else _json({"reasoning": example.get("reasoning", ""), "label": label})
        item = {name: example[name] for name in shown if name in example}
        messages.append({"role": "user", "template": literal(_json(item))})
        messages.append({"role": "assistant", "template": literal(said)})
    messages.append({"role": "user", "template": _item(shown)})
    return messages


def _instructions(answers: int, *, reference: bool, reply: str) -> str:
    """What a judge of one answer, or of two, is told, with a NUL where its rubric goes."""
    if answers == 1:
        return RUBRIC.format(rubric="\0", data=DATA, seen=SEEN_EXPECTED if reference else SEEN, reply=reply)
    seen = SEEN_PAIR_EXPECTED if reference else SEEN_PAIR
    return PAIR_RUBRIC.format(rubric="\0", data=DATA, seen=seen, reply=reply)


def _check_example(source: Source, index: int, example: JsonObject, scale: JsonObject, shown: Sequence[str]) -> None:
    if str(example["label"]) not in scale["labels"]:
        hint = f"the labels are: {', '.join(scale['labels'])}"
        source.add(("examples", index, "label"), f"`{example['label']}` is no label of the scale", hint)
    if "expected" in shown and "expected" not in example:
        source.add(("examples", index), "has no `expected`, and the judge looks at it (reference: expected)")
    missing = [name for name in shown if name not in example and name not in {"input", "expected"}]
    if missing:
        source.add(("examples", index), f"has no `{missing[0]}`, and the judge looks at it")


def literal(text: str) -> str:
    """A template that renders to `text`, whatever it holds: each opening brace is written as an expression."""
    return text.replace("{", '{{ "{" }}')


def _item(shown: Sequence[str]) -> str:
    return literal("{") + ", ".join(f'"{name}": {{{{ {name} | tojson }}}}' for name in shown) + "}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
