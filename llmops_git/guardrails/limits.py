"""What bounds a check: the length of a text, the time of a search, the number of findings. Reaching a bound is no pass."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from llmops_git.guardrails.base import Finding, Undecided

SECONDS = 1.0  # of one rule on one text, where it says nothing else; processor time, so that a busy machine decides alike
MOST_CHARACTERS = 1_000_000  # of a text that local checks look at
MOST_FINDINGS = 1_000  # of one rule in one text; what comes after them counts as found up to the end of the text


def held_to_length(text: str, most: int = MOST_CHARACTERS) -> str:
    """The text. Raises Undecided where it is longer than what can be looked at in time."""
    if len(text) > most:
        raise Undecided(f"a text of {len(text):,} characters is longer than the {most:,} that this check looks at")
    return text


class Allowance:
    """The time that a check has for one text: seconds of the processor, in this thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.thread_time() + seconds

    def left(self) -> float:
        """Seconds. Raises Undecided where there are none."""
        left = self._end - time.thread_time()
        if left <= 0:
            raise self.over()
        return left

    def over(self) -> Undecided:
        return Undecided(f"looking took longer than {self.seconds:g} s")


def matches(pattern: Any, text: str, allowed: Allowance, *, overlapped: bool = False) -> Iterator[Any]:
    """The matches of a pattern of the `regex` package, without empty ones. Raises Undecided when the time is over."""
    try:
        for match in pattern.finditer(text, timeout=allowed.left(), overlapped=overlapped):
            if match.end() > match.start():
                yield match
    except (TimeoutError, MemoryError, RecursionError):
        raise allowed.over() from None


def capped(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """The findings in the order of the text. Where there are more than can be told, the last one reaches to the end of the
    text: what was not counted is not let through."""
    found = list(dict.fromkeys(islice(findings, MOST_FINDINGS + 1)))
    if len(found) > MOST_FINDINGS:
        first = min(found[MOST_FINDINGS - 1 :], key=lambda finding: finding.start)
        found = [*found[: MOST_FINDINGS - 1], Finding(label=first.label, start=first.start, end=len(text))]
    return tuple(sorted(found, key=lambda finding: (finding.start, -finding.end)))
