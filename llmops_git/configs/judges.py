"""What makes a config a judge: its scale, and the messages that a rubric with examples becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmops_git.configs.judge_prompts import DATA, REPLY_JSON, REPLY_TEXT, RUBRIC, SEEN, SEEN_EXPECTED
from llmops_git.configs.resolve_templates import Templates
from llmops_git.configs.source import Source
from llmops_git.configs.values import Json, JsonObject

BINARY = {"pass": 1, "fail": 0}


def scale_of(written: Json) -> JsonObject | None:
    """A judge's scale, however it is written, as {"labels": {label: worth}}; a worth of None is "not applicable".

    `binary` is pass or fail, {ordinal: 5} the numbers 1 to 5 at equal distances, {labels: …} whatever it says.
    """
    if written == "binary":
        return {"labels": dict(BINARY)}
    if not isinstance(written, Mapping):
        return None
    if "ordinal" in written:
        levels = int(written["ordinal"])
        return {"labels": {str(level + 1): level / (levels - 1) for level in range(levels)}}
    return {"labels": dict(written["labels"])} if "labels" in written else None


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
    words = RUBRIC.format(rubric="\0", data=DATA, seen=SEEN_EXPECTED if reference else SEEN, reply=reply)
    before, after = (literal(part) for part in words.split("\0"))
    messages = [{"role": "system", "template": before + rubric.rstrip() + after}]
    for index, example in enumerate(value.get("examples", [])):
        if str(example["label"]) not in scale["labels"]:
            hint = f"the labels are: {', '.join(scale['labels'])}"
            source.add(("examples", index, "label"), f"`{example['label']}` is no label of the scale", hint)
        if reference and "expected" not in example:
            source.add(("examples", index), "has no `expected`, and the judge looks at it (reference: expected)")
        shown = {name: example[name] for name in ("input", *(("expected",) if reference else ()), "output") if name in example}
        label = str(example["label"])
        said = label if in_words else _json({"reasoning": example.get("reasoning", ""), "label": label})
        messages.append({"role": "user", "template": literal(_json(shown))})
        messages.append({"role": "assistant", "template": literal(said)})
    messages.append({"role": "user", "template": _item(reference=reference)})
    return messages


def literal(text: str) -> str:
    """A template that renders to `text`, whatever it holds: each opening brace is written as an expression."""
    return text.replace("{", '{{ "{" }}')


def _item(*, reference: bool) -> str:
    expected = '"expected": {{ expected | tojson }}, ' if reference else ""
    return literal("{") + f'"input": {{{{ input | tojson }}}}, {expected}"output": {{{{ output | tojson }}}}' + "}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
