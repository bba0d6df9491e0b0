"""Regular expressions of strangers: bounded in size when compiled, and in time when searched."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Protocol, cast

from llmops_git.errors import LlmopsError

SECONDS = 0.1
MOST_CHARACTERS = 5_000
MOST_EXPANDED = 100_000

_COUNT = re.compile(r"(\))?\s*\{\s*(\d+)")
_VERBOSE = re.compile(r"\(\?[a-zA-Z0-9-]*x")


class Pattern(Protocol):
    """A compiled pattern of the `regex` package, as far as it is used here."""

    def search(self, string: str, *, timeout: float) -> object | None: ...


class SlowPattern(Exception):  # not an error of ours: the caller says what it means
    """A search that ran out of time."""


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """The compiled pattern. Raises LlmopsError when it is wrong, or so large that compiling it would not end.

    The `regex` package writes counted repeats out: `((a{1000}){1000}){1000}` fills all memory before any search begins.
    """
    import regex  # type: ignore[import-untyped]

    if len(pattern) > MOST_CHARACTERS or _expanded(pattern) > MOST_EXPANDED:
        raise LlmopsError(f"the regular expression is too large: {pattern[:80]!r}", hint="use smaller or fewer repeat counts")
    try:
        return cast("Pattern", regex.compile(pattern, regex.IGNORECASE if ignore_case else 0))
    except (regex.error, RecursionError, OverflowError) as error:
        raise LlmopsError(f"the regular expression {pattern[:80]!r} does not compile: {error}") from None


def _expanded(pattern: str) -> float:
    """An upper bound of the pattern's size once its counts are written out: counts of groups multiply, others add.

    In verbose mode a comment can stand between a group and its count, so there all of them multiply.
    """
    verbose = bool(_VERBOSE.search(pattern))
    factor, size = 1.0, float(len(pattern))
    for group, count in _COUNT.findall(pattern):
        times = float(count[:18]) if len(count) <= 18 else math.inf  # noqa: PLR2004
        if group or verbose:
            factor *= max(times, 1.0)
        else:
            size += times
    return factor * size


def search(pattern: Pattern, text: str, seconds: float = SECONDS) -> bool:
    """Whether the pattern is found anywhere in the text. Raises SlowPattern after `seconds`."""
    try:
        return pattern.search(text, timeout=seconds) is not None
    except (TimeoutError, MemoryError, RecursionError):
        raise SlowPattern from None
