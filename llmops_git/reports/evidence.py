"""The texts of a comparison for Markdown: flipped cases with both answers, and changed fields, as fenced diffs."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.values import FieldChange
from llmops_git.evals.values import FlippedCase
from llmops_git.reports import numbers
from llmops_git.reports.escape import code, fence
from llmops_git.reports.values_text import as_text, both_as_text, is_short
from llmops_git.reports.words import Piece, line_diff

CONTEXT = 2  # unchanged lines shown around a change
NOTHING = "(nothing)"
_SIGNS = {"same": "  ", "removed": "- ", "added": "+ "}


def flipped_case(case: FlippedCase, *, chars: int) -> str:
    """One flipped case: how its score moved, then in one fence what was asked, `-` the base's answer, `+` the head's."""
    title = f"**{'Better' if case.better else 'Worse'}** {flip_line(case)}"
    expected = "" if case.expected is None else as_text(case.expected)
    asked = [f"{key}: {as_text(value)}" for key, value in case.inputs.items()]
    if not is_short(expected):
        asked.append(f"expected: {expected}")
    elif expected:
        title += f" \u00b7 expected {code(expected)}"
    lines = [f"  {line}" for line in cut("\n".join(asked), chars).split("\n")] if asked else []
    lines.append(answers(cut(case.base_output, chars), cut(case.head_output, chars)))
    return f"{title}\n\n{fence(chr(10).join(lines), 'diff', 5 * chars)}"


def flips_in_words(cases: Sequence[FlippedCase]) -> str:
    """`11 cases got worse, 1 got better`; a case counts once per scorer that it moved under."""
    worse = sum(not case.better for case in cases)
    return f"{numbers.count(worse, 'case')} got worse, {len(cases) - worse:,} got better"


def flip_line(case: FlippedCase) -> str:
    """`case` and how its score moved, on one line."""
    must = " \u00b7 must pass" if case.must_pass else ""
    return f"{code(case.case)} \u00b7 {code(case.scorer)} {moved(case)}{must}"


def moved(case: FlippedCase) -> str:
    """`pass → fail` for a score of 0 or 1, the two values otherwise."""
    if {case.base_value, case.head_value} == {0.0, 1.0}:
        return "fail \u2192 pass" if case.better else "pass \u2192 fail"
    rate = all(0 <= value <= 1 for value in (case.base_value, case.head_value))
    return " \u2192 ".join(numbers.score(value, "rate" if rate else "number") for value in (case.base_value, case.head_value))


def answers(before: str, after: str) -> str:
    """Both answers as diff lines; an answer that is the same on both sides is said once, without a sign."""
    if before == after:
        return "\n".join(f"  {line}" for line in before.split("\n"))
    return diff_text(before or NOTHING, after or NOTHING)


def field_change(change: FieldChange, *, chars: int) -> str:
    """One changed field with its lines before and after."""
    before, after = both_as_text(change.before, change.after)
    return f"{code(change.path)}\n\n{fence(diff_text(before, after), 'diff', chars)}"


def diff_text(before: str, after: str) -> str:
    """Lines with `-`, `+` and two blanks in front, unchanged stretches cut to a little context."""
    if before.endswith("\n") and after.endswith("\n"):
        before, after = before[:-1], after[:-1]
    pieces = line_diff(before, after)
    if not before:
        pieces = tuple(piece for piece in pieces if piece.kind == "added")
    if not after:
        pieces = tuple(piece for piece in pieces if piece.kind == "removed")
    return "\n".join(_with_context(pieces))


def cut(text: str, chars: int) -> str:
    """`text` cut to `chars` characters, saying how many are missing."""
    return text if len(text) <= chars else f"{text[:chars]}\n\u2026 {len(text) - chars:,} more characters"


def _with_context(pieces: Sequence[Piece]) -> list[str]:
    near = [False] * len(pieces)
    for index, piece in enumerate(pieces):
        if piece.kind != "same":
            for place in range(max(0, index - CONTEXT), min(len(pieces), index + CONTEXT + 1)):
                near[place] = True
    lines: list[str] = []
    skipped = 0
    for index, piece in enumerate(pieces):
        if near[index]:
            lines += _skip(skipped)
            skipped = 0
            lines.append((_SIGNS[piece.kind] + piece.text).rstrip(" "))
        else:
            skipped += 1
    return lines + _skip(skipped)


def _skip(count: int) -> list[str]:
    return [f"  \u2026 {numbers.count(count, 'line')} unchanged"] if count else []
