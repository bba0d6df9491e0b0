"""Where a repository stands, on a terminal: the level, every point with its evidence, and the next step at the end."""

from __future__ import annotations

from llmops_git.monitoring.maturity import LEVELS, Standing
from llmops_git.monitoring.maturity_point import Level, Point
from llmops_git.monitoring.maturity_steps import Step
from llmops_git.reports.escape import inert, no_commands, one_line
from llmops_git.reports.style import MIN_WIDTH, Paint, Style, wrap

_MOST = 400  # characters of one piece of evidence
_ABOUT: dict[Level, str] = {
    "none": "below the first level",
    "baseline": "prompts are in git, measured a little, and logged",
    "repeatable": "every change is measured, and what runs is seen",
    "mature": "live traffic is measured, watched and learned from",
}


def render_standing(standing: Standing, *, color: bool, width: int) -> str:
    """The text, without a final newline."""
    paint = Paint(color)
    width = max(width, MIN_WIDTH)
    style: Style = "yellow" if standing.level == "none" else "green"
    word = "no level yet" if standing.level == "none" else f"level: {standing.level}"
    lines = wrap(f"{word}, {_ABOUT[standing.level]}", width)
    lines[0] = lines[0].replace(word, paint(word, "bold", style), 1)
    for level in LEVELS:
        points = [point for point in standing.points if point.level == level]
        done = sum(point.holds for point in points)
        lines += ["", f"{paint(level, 'bold')} {paint(f'{done} of {len(points)}', 'dim')}"]
        for point in points:
            lines += _point(point, paint, width, is_next=point is standing.next)
    lines += ["", *_next(standing, paint, width)]
    return no_commands("\n".join(lines))


def _point(point: Point, paint: Paint, width: int, *, is_next: bool) -> list[str]:
    mark = paint("\u2713", "green") if point.holds else paint("\u2717", "red") if is_next else paint("\u00b7", "dim")
    lines = [f"  {mark} {paint(point.title, 'bold') if is_next else point.title}"]
    for text in point.evidence:
        lines += [paint(line, "dim") for line in wrap(one_line(text, _MOST), width, first="      ")]
    return lines


def _next(standing: Standing, paint: Paint, width: int) -> list[str]:
    point = standing.next
    if point is None or point.step is None:
        return wrap("nothing is left to do here: look again when something changes", width)
    lines = wrap(f"next: {one_line(point.step.text, _MOST)}", width, rest="      ")
    lines[0] = lines[0].replace("next:", paint("next:", "bold"), 1)
    return lines + _lines(point.step, paint)


def _lines(step: Step, paint: Paint) -> list[str]:
    """What can be pasted stands alone on its lines, and is never wrapped."""
    lines = []
    if step.path:
        lines += ["", f"      {paint(inert(step.path), 'dim')}"]
    elif step.lines:
        lines.append("")
    lines += [f"        {inert(line)}" for line in step.lines]
    if step.command:
        lines += ["", f"    {paint(inert(step.command), 'cyan')}"]
    return lines
