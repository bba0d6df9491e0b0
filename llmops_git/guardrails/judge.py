"""judge: another model reads the text and gives it a label; some of the labels mean that something was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.guardrails.base import Finding, Session, Undecided
from llmops_git.guardrails.limits import held_to_length
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.scorers.judge_reply import label_schema, read_label

MOST_CHARACTERS = 50_000  # of a text that a judge is asked about


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`resolved` is the judge's resolved config, `labels` those of its scale, `found` those that are looked for."""

    resolved: Mapping[str, Any]
    labels: tuple[str, ...]
    found: frozenset[str]

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:
        if not text.strip():
            return ()  # nothing to ask about
        if session is None:
            raise Undecided("a judge needs a model to ask, and there is none here")
        try:
            reply = session.generate(self.resolved, held_to_length(text, MOST_CHARACTERS))
        except Undecided:
            raise
        except NotMeasured as error:
            raise Undecided(f"the judge did not answer: {error.message}") from None
        label, _reasoning = read_label(reply, dict.fromkeys(self.labels))
        if label is None:
            raise Undecided(f"the judge gave none of {', '.join(self.labels)}, or several")
        return (Finding(label=label),) if label in self.found else ()


def question(resolved: Mapping[str, Any], labels: tuple[str, ...], text: str) -> Any:
    """What a judge is asked about a text: (messages, JSON Schema of the reply or None), for whoever stands behind a session.
    Its templates see the text as `output`. Raises LlmopsError where they do not render."""
    from llmops_git.configs.template import render_messages  # jinja2

    settings = resolved.get("judge") or {}
    seen: dict[str, Any] = {"input": None, "inputs": {}, "output": text, "expected": None, "query": ""}
    messages = render_messages(resolved, seen, ())
    return messages, None if settings.get("reply") == "text" else label_schema(labels)


def build(settings: CheckSettings) -> Judge:
    options = settings.options
    labels, found = tuple(map(str, options.get("scale", ()))), frozenset(map(str, options.get("labels", ())))
    if not labels or not found <= set(labels) or not options["judge"].get("messages"):
        raise LlmopsError("the judge has no such label, or nothing to ask", hint="label: one of the judge's scale")
    return Judge(resolved=options["judge"], labels=labels, found=found)
