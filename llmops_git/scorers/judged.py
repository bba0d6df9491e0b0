"""What the scorers that ask a judge with words of their own share: the question, and how its answer is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from llmops_git.configs.judge_prompts import CLAIMS, SUPPORT
from llmops_git.errors import NotMeasured
from llmops_git.scorers.base import Sample, Session
from llmops_git.scorers.judge_reply import CLAIMS_SCHEMA, JudgedItem, read_claims, read_verdicts, verdicts_schema
from llmops_git.scorers.results import quoted

MOST_CLAIMS = 50  # of one text that are judged

T = TypeVar("T")


def ask(
    session: Session | None, words: str, data: Mapping[str, Any], schema: Mapping[str, Any], read: Callable[[str], T | None]
) -> T:
    """What `read` makes of the judge's reply. `data` is quoted as one JSON value in a message of its own.

    Raises NotMeasured where there is no judge, no reply, or none that can be read.
    """
    if session is None:
        raise NotMeasured("this scorer needs a judge to ask")
    quotation = json.dumps(data, ensure_ascii=False)
    reply = session.generate(({"role": "system", "content": words}, {"role": "user", "content": quotation}), schema=schema)
    found = read(reply)
    if found is None:
        raise NotMeasured(f"the judge's reply is not what it was asked for: {quoted(reply)}")
    return found


def claims_of(session: Session | None, text: str, question: Mapping[str, Any]) -> list[str]:
    """The claims in a text, at most 50. Raises NotMeasured."""
    found = ask(session, CLAIMS, {"question": question, "text": text}, CLAIMS_SCHEMA, read_claims)
    return found[:MOST_CLAIMS]


def supported(session: Session | None, claims: Sequence[str], sample: Sample) -> list[JudgedItem]:
    """For each claim whether the sample's documents support it. Raises NotMeasured."""
    if not sample.documents:
        return [JudgedItem(holds=False, reasoning="there are no documents")] * len(claims)
    numbered = [{"number": number, "claim": claim} for number, claim in enumerate(claims, 1)]
    data = {"documents": [{"text": text} for text in texts_of(sample)], "claims": numbered}
    return ask(session, SUPPORT, data, verdicts_schema(), lambda reply: read_verdicts(reply, len(claims)))


def texts_of(sample: Sample) -> list[str]:
    return [str(document.get("text", "")) for document in sample.documents]


def share(items: Sequence[JudgedItem]) -> float:
    return sum(item.holds for item in items) / len(items)


def listed(head: str, names: Sequence[str], items: Sequence[JudgedItem]) -> str:
    """An explanation: how many hold, then those that do not, with the judge's reasons."""
    wrong = [f"- {quoted(name)}: {item.reasoning}" for name, item in zip(names, items, strict=True) if not item.holds]
    return "\n".join([head, *wrong])
