"""Reads what judges say: one label with its reasoning, or a list of numbered verdicts. What is not clear is not read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.scorers.outputs import Found, read_json, unfenced

_DENIAL = r"(?i:not|never|no|isn't|doesn't|cannot|can't)\s+(?:an?\s+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedItem:
    """Whether one numbered item holds, and why."""

    holds: bool
    reasoning: str


def label_schema(labels: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema of {"reasoning", "label"}: the reasoning first, so that the label follows from it."""
    return _closed({"reasoning": {"type": "string"}, "label": {"type": "string", "enum": list(labels)}})


CLAIMS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"claims": {"type": "array", "items": {"type": "string"}}},
    "required": ["claims"],
    "additionalProperties": False,
}


def verdicts_schema() -> dict[str, Any]:
    """The JSON Schema of {"verdicts": [{"number", "reasoning", "holds"}]}."""
    item = _closed({"number": {"type": "integer"}, "reasoning": {"type": "string"}, "holds": {"type": "boolean"}})
    return _closed({"verdicts": {"type": "array", "items": item}})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read_label(reply: str, labels: Mapping[str, Any]) -> tuple[str | None, str]:
    """(label, reasoning) of a judge's reply; the label is None where the reply is not clear.

    A reply that is a JSON object, with or without a code fence, says {"label", "reasoning"} and is held to it. Any other
    reply counts if exactly one label is in it, as a word, without a "not" before it; longer labels are read first.
    """
    said = _object(reply)
    if said is not None:
        known = {label.casefold(): label for label in labels}
        label = said.get("label")
        clear = isinstance(label, str | int) and not isinstance(label, bool)
        return (known.get(str(label).strip().casefold()) if clear else None), str(said.get("reasoning", ""))
    found = _words(reply, list(labels), flags=0) or _words(reply, [label for label in labels if len(label) > 1], re.IGNORECASE)
    return (found.pop() if len(found) == 1 else None), reply.strip()


def read_claims(reply: str) -> list[str] | None:
    """The distinct claims of a reply, in order; None where the reply is no list of texts."""
    claims = (_object(reply) or {}).get("claims")
    if not isinstance(claims, list) or not all(isinstance(claim, str) for claim in claims):
        return None
    return list(dict.fromkeys(claim.strip() for claim in claims if claim.strip()))


def read_verdicts(reply: str, count: int) -> list[JudgedItem] | None:
    """One verdict for each of `count` items numbered from 1; None unless the reply has exactly one for each of them."""
    said = (_object(reply) or {}).get("verdicts")
    if not isinstance(said, list) or len(said) != count:
        return None
    found: dict[int, JudgedItem] = {}
    for item in said:
        if not isinstance(item, Mapping) or not isinstance(item.get("holds"), bool):
            return None
        number = item.get("number")
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        found[number] = JudgedItem(holds=item["holds"], reasoning=str(item.get("reasoning", "")))
    if set(found) != set(range(1, count + 1)):
        return None
    return [found[number] for number in range(1, count + 1)]


def _object(reply: str) -> Mapping[str, Any] | None:
    document = read_json(unfenced(reply))
    return document.value if isinstance(document, Found) and isinstance(document.value, Mapping) else None


def _words(reply: str, labels: list[str], flags: int) -> set[str | None]:
    """The labels in the reply; None stands for one that is denied."""
    if not labels:
        return set()
    alternatives = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    known = {label if not flags else label.casefold(): label for label in labels}
    # a label that begins with "not" wins over the denial of a shorter one
    pattern = re.compile(rf"(?<!\w)(?:({alternatives})|{_DENIAL}(?:{alternatives}))(?!\w)", re.IGNORECASE if flags else 0)
    return {known[label.casefold() if flags else label] if label else None for label in pattern.findall(reply)}
