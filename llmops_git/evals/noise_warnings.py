"""Where the gate's error rates would not hold, and what an eval set cannot show: said of its noise, with what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.policy import GateSettings
from llmops_git.evals.gate import FEWEST_CASES_UNCHANGED
from llmops_git.evals.noise import Noise

Level = Literal["broken", "weak"]  # a promise of the gate does not hold; or it holds, and the set shows little
_OFTEN = 0.5
_COPIES = 0.1  # share of cases that ask what another asks, from which on cases are not independent
_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One thing to know before trusting a verdict."""

    level: Level
    text: str
    hint: str


def warnings_of(noise: Noise, settings: GateSettings) -> tuple[Warned, ...]:
    """What is wrong with the eval set, the broken promises first."""
    found = [*_false_alarms(noise), *_unmeasured(noise, settings), *_dependent(noise), *_weak(noise)]
    return tuple(sorted(found, key=lambda one: one.level))


def holds(warned: tuple[Warned, ...]) -> bool:
    """Whether the gate's error rates hold on this eval set, as far as can be seen."""
    return not any(one.level == "broken" for one in warned)


def _false_alarms(noise: Noise) -> Iterator[Warned]:
    share = noise.verdicts.get("regressed", 0.0)
    if share - 2 * noise.error > noise.alpha:
        yield Warned(
            level="broken",
            text=f"{_percent(share)} of comparisons in which nothing changed are called a regression, "
            f"and {_percent(noise.alpha)} are promised",
            hint="let fewer scorers gate, add cases, or say with cluster_by which cases belong together",
        )
    if noise.must_pass > noise.alpha:
        cases = ", ".join(noise.must_fail[:_NAMED]) + (", …" if len(noise.must_fail) > _NAMED else "")
        yield Warned(
            level="broken",
            text=f"must-pass cases fail by accident: {_percent(noise.must_pass)} of harmless changes are stopped by {cases}",
            hint="take must_pass from what production itself does not always pass",
        )


def _unmeasured(noise: Noise, settings: GateSettings) -> Iterator[Warned]:
    for scorer in noise.scorers:
        if scorer.gating and scorer.unmeasured > 1 - settings.coverage_min:
            yield Warned(
                level="broken",
                text=f"`{scorer.scorer}` has no value for {_percent(scorer.unmeasured)} of samples: comparisons are invalid",
                hint="llmops-git trace shows why; a judge that cannot be read needs a schema, or reply: text",
            )


def _dependent(noise: Noise) -> Iterator[Warned]:
    if noise.same_inputs > _COPIES * noise.cases:
        yield Warned(
            level="broken",
            text=f"{noise.same_inputs} of {noise.cases} cases ask what another one asks, and count as independent",
            hint="remove them, or give them one `cluster`",
        )


def _weak(noise: Noise) -> Iterator[Warned]:
    if noise.cases < FEWEST_CASES_UNCHANGED:
        yield Warned(
            level="weak",
            text=f"{noise.cases} cases: fewer than {FEWEST_CASES_UNCHANGED} never show that nothing changed",
            hint="add cases",
        )
    elif noise.verdicts.get("inconclusive", 0.0) > _OFTEN:
        yield Warned(
            level="weak",
            text=f"{_percent(noise.verdicts['inconclusive'])} of comparisons in which nothing changed stay inconclusive",
            hint="add cases, allow more repeats, or a wider margin",
        )
    if noise.identical and noise.looks[-1] > 1:
        yield Warned(
            level="weak",
            text="every case was answered alike each time: further repeats cost money and show nothing",
            hint="repeats: 1",
        )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
