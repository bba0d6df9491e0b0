"""Mined cases on a terminal: what failed, why, and whether it comes back."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.reports.escape import no_commands, one_line
from llmops_git.reports.mined import MARKS, Entry
from llmops_git.reports.style import MIN_WIDTH, Paint, Style, wrap

_COLORS: dict[str, Style] = {"reproduced": "red", "not reproduced": "yellow", "cannot tell": "dim"}
_MOST = 300


def render_entries(entries: Sequence[Entry], *, color: bool, width: int) -> str:
    """One block for each case, the worst first."""
    paint = Paint(color)
    width = max(width, MIN_WIDTH)
    return no_commands("\n\n".join("\n".join(_block(entry, paint, width)) for entry in entries))


def _block(entry: Entry, paint: Paint, width: int) -> list[str]:
    mark = MARKS.get(entry.state, entry.state)
    lines = [
        f"{paint(one_line(entry.case), 'bold')} of {one_line(entry.config)}: {paint(mark, _COLORS.get(entry.state, 'dim'))}"
    ]
    room = max(20, width - 14)
    for word, text in (("asked", entry.asked), ("answered", entry.observed)):
        if text.strip():
            lines.append(f"    {word:<9} {one_line(text, room)}")
    reasons = [*entry.why, *([f"and {entry.alike} like it"] if entry.alike else [])]
    again = f"{entry.verdict}{f'; asked {entry.again}' if entry.again else ''}"
    for word, text in (*(("why" if not number else "", why) for number, why in enumerate(reasons)), ("again", again)):
        lines += wrap(one_line(text, _MOST), width, first=f"    {word:<9} ", rest=" " * 14)
    lines.append(f"    {'trace':<9} {one_line(entry.trace_id)} {one_line(entry.release)}".rstrip())
    return lines
