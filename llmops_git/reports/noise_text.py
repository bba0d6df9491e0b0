"""The noise of an eval set for a terminal: what its gate would say of changes that change nothing, and what to mend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmops_git.evals.noise import Noise
from llmops_git.evals.noise_facts import ScorerNoise
from llmops_git.evals.noise_warnings import Warned
from llmops_git.evals.values import Verdict
from llmops_git.reports import numbers
from llmops_git.reports.clean import clean
from llmops_git.reports.style import Paint, columns

_FLAKY = 8  # cases named
_SAID: tuple[Verdict, ...] = ("regressed", "inconclusive", "unchanged", "improved")


def render_noise(found: Sequence[tuple[Noise, Sequence[Warned]]], *, color: bool) -> str:
    """One paragraph for each config."""
    paint = Paint(color)
    return "\n\n".join("\n".join(_config(noise, warned, paint)) for noise, warned in found)


def _config(noise: Noise, warned: Sequence[Warned], paint: Paint) -> Iterator[str]:
    broken = any(one.level == "broken" for one in warned)
    mark = paint("\u2717", "red") if broken else paint("\u2713", "green")
    words = "the gate's error rates do not hold" if broken else "the gate's error rates hold"
    sides = f"{numbers.count(noise.cases, 'case')}, {numbers.count(noise.samples, 'sample')} a side"
    yield f"{mark} {paint(clean(noise.config), 'bold')} against itself: {words} ({sides})"
    if noise.deals:
        said = ", ".join(f"{name} {_percent(noise.verdicts.get(name, 0.0))}" for name in _SAID)
        looks = ", ".join(map(str, noise.looks)) + (" samples" if noise.looks[-1] > 1 else " sample")
        yield f"  of {noise.deals:,} comparisons in which nothing changed: {said}"
        yield f"  promised: regressed at most {_percent(noise.alpha)}; looked at after {looks}"
    rows = [("", "mean", "two samples differ", "flaky cases", "sees a drop of"), *map(_row, noise.scorers)]
    yield from (f"  {line}" for line in columns(rows, ("<", ">", ">", ">", ">")))
    for scorer in noise.scorers:
        if scorer.flaky:
            more = f" and {len(scorer.flaky) - _FLAKY:,} more" if len(scorer.flaky) > _FLAKY else ""
            yield f"  {clean(scorer.scorer)} is flaky in: {clean(', '.join(scorer.flaky[:_FLAKY]))}{more}"
    for one in warned:
        yield f"  {paint('!', 'red' if one.level == 'broken' else 'yellow')} {clean(one.text)}"
        yield f"    hint: {clean(one.hint)}"


def _row(scorer: ScorerNoise) -> tuple[str, str, str, str, str]:
    return (
        clean(scorer.scorer) + ("" if scorer.gating else " (does not gate)"),
        numbers.NONE if scorer.mean is None else numbers.plain(scorer.mean, 3),
        _percent(scorer.discordance),
        f"{len(scorer.flaky)} of {scorer.cases}",
        numbers.NONE if scorer.detectable is None else numbers.size(scorer.detectable, "rate"),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
