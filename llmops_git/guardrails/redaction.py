"""Replaces what was found by what it is: `[EMAIL]` for an address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmops_git.guardrails.base import Finding

_NOT_IN_A_MARK = re.compile(r"[^A-Z0-9_]+")
_SHORTEST = 4  # characters of a value that is looked for elsewhere in the text, too


def redact(text: str, findings: Sequence[Finding]) -> str:
    """The text with a mark in the place of each finding; findings that overlap become one mark, of the first of them. A value
    that was found in one place is replaced in every other place, too. A finding about the whole text replaces all of it."""
    if not findings:
        return text
    whole = next((finding for finding in findings if finding.end <= finding.start), None)
    if whole is not None:
        return mark(whole.label)
    parts = []
    place = 0
    for start, end, label in _merged((*_spans(findings), *_repeated(text, findings))):
        parts += [text[place:start], mark(label)]
        place = end
    return "".join((*parts, text[place:]))


def mark(label: str) -> str:
    """What stands in the place of something with this label."""
    return f"[{_NOT_IN_A_MARK.sub('_', label.upper()).strip('_') or 'REDACTED'}]"


def _spans(findings: Iterable[Finding]) -> Iterator[tuple[int, int, str]]:
    for finding in findings:
        yield finding.start, finding.end, finding.label


def _repeated(text: str, findings: Iterable[Finding]) -> Iterator[tuple[int, int, str]]:
    """The other places of what was found, as an address that is joined to other letters."""
    values = {text[finding.start : finding.end]: finding.label for finding in findings}
    for value, label in values.items():
        place = text.find(value) if len(value) >= _SHORTEST else -1
        while place >= 0:
            yield place, place + len(value), label
            place = text.find(value, place + len(value))


def _merged(spans: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    merged: list[tuple[int, int, str]] = []
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((start, end, label))
    return merged
