"""The gate: comparisons in, verdicts out. Pure; the only place that says what blocks a change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.policy import GateSettings
from llmops_git.evals.stats import bh, holm
from llmops_git.evals.values import Against, Comparison, ScorerComparison, Verdict

FEWEST_CASES = 5  # five losses of five is the least that an exact test calls a regression
FEWEST_CASES_UNCHANGED = 20  # below, "unchanged" holds too often when it is not true
LEANING_P = 0.20

# from best to worst; unchanged and improved both let a change through and differ only in the headline
SEVERITY: Mapping[Verdict, int] = {"improved": 0, "unchanged": 0, "inconclusive": 1, "invalid": 2, "regressed": 3}
PRIMARY: tuple[Against, ...] = ("merge base", "previous release", "production", "nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate says. `comparisons` are those given, in order, with adjusted p values and final verdicts;
    `verdicts` and `passes` are by config; `reasons` say in words what blocks or warns."""

    comparisons: tuple[Comparison, ...]
    verdicts: Mapping[str, Verdict]
    passes: Mapping[str, bool]
    verdict: Verdict
    gate_passes: bool
    reasons: tuple[str, ...]


def decide(comparisons: Sequence[Comparison], *, settings: GateSettings, critical: Collection[str] = ()) -> Decision:
    """Gate a whole change: every comparison of every changed config.

    A config's primary baseline is the first of `PRIMARY` that it was compared with; comparisons with it decide (under
    both instruments, where a change edits its own), those with other baselines are shown.

    Many tests: the family is every gating scorer of every changed config under every instrument, against one baseline
    (each baseline asks its own question, and only the primary one decides). `regressed` must hold after Holm over the
    family, at the level of its comparison; `improved` is a headline and must hold after Benjamini-Hochberg; `unchanged`
    needs no correction, since all of them have to hold. Hard failures (must-pass cases, floors, budgets) are rules.

    A config is as good as the worst of its gating comparisons, the change as its worst config. What blocks:
    `regressed`, `invalid`, `inconclusive` by `settings.on_inconclusive`, and one that leans worse also where the config
    is in `critical` or `settings.on_leaning_worse` says so.
    """
    adjusted = list(comparisons)
    for against in PRIMARY:
        _adjust(adjusted, against)
    final = tuple(settle(one, settings=settings, critical=one.config in critical) for one in adjusted)
    verdicts: dict[str, Verdict] = {}
    passes: dict[str, bool] = {}
    reasons: list[str] = []
    for config in dict.fromkeys(one.config for one in final):
        gating = gating_comparisons([one for one in final if one.config == config])
        verdicts[config] = worst(one.verdict for one in gating)
        passes[config] = all(one.gate_passes for one in gating)
        reasons += dict.fromkeys(f"{config}: {reason}" for one in gating for reason in one.reasons)
    return Decision(
        comparisons=final,
        verdicts=verdicts,
        passes=passes,
        verdict=worst(verdicts.values()),
        gate_passes=all(passes.values()),
        reasons=tuple(reasons),
    )


def gating_comparisons(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Those of one config's comparisons that decide: with its primary baseline, under every instrument."""
    primary = min((PRIMARY.index(one.against) for one in comparisons), default=0)
    return [one for one in comparisons if one.against == PRIMARY[primary]]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; of those that let a change through `improved` is the headline. None: unchanged."""
    found = sorted(verdicts, key=lambda verdict: (-SEVERITY[verdict], verdict))
    return found[0] if found else "unchanged"


def settle(comparison: Comparison, *, settings: GateSettings, critical: bool = False) -> Comparison:
    """The comparison with its verdict, reasons and gate by the rules, from its scorers and hard failures as they are."""
    gating = [scorer for scorer in comparison.scorers if scorer.gating]
    leaning = any(leans_worse(scorer) for scorer in gating)
    verdict = _verdict(comparison, gating)
    return replace(
        comparison,
        verdict=verdict,
        leaning_worse=leaning,
        reasons=_reasons(comparison, gating),
        gate_passes=_passes(verdict, leaning=leaning, critical=critical, settings=settings),
    )


def leans_worse(scorer: ScorerComparison) -> bool:
    """Inconclusive, but more likely worse than not, and by more than the margin."""
    if scorer.verdict != "inconclusive" or scorer.p_worse is None or scorer.delta is None:
        return False
    oriented = scorer.delta if scorer.direction == "higher" else -scorer.delta
    return scorer.p_worse < LEANING_P and oriented <= -scorer.margin


def _verdict(comparison: Comparison, gating: Sequence[ScorerComparison]) -> Verdict:
    if comparison.hard_failures:
        return "regressed"
    found: list[Verdict] = [scorer.verdict for scorer in gating]
    if comparison.unmeasured:
        found.append("invalid")
    if not found and comparison.against != "nothing":
        found.append("inconclusive")  # nothing gates: nothing shows that the change is safe
    return worst(found)


def _passes(verdict: Verdict, *, leaning: bool, critical: bool, settings: GateSettings) -> bool:
    if verdict in {"regressed", "invalid"}:
        return False
    if verdict == "inconclusive":
        blocked_leaning = leaning and (critical or settings.on_leaning_worse == "block")
        return settings.on_inconclusive != "block" and not blocked_leaning
    return True


def _reasons(comparison: Comparison, gating: Sequence[ScorerComparison]) -> tuple[str, ...]:
    reasons = [*comparison.hard_failures, *comparison.unmeasured]
    if not gating and not reasons and comparison.against != "nothing":
        reasons.append("no scorer gates")
    reasons += [f"{scorer.scorer}: {_in_words(scorer)}" for scorer in gating if SEVERITY[scorer.verdict]]
    return tuple(reasons)


def _in_words(scorer: ScorerComparison) -> str:
    if scorer.verdict == "invalid":
        return f"not measured ({'; '.join(scorer.notes)})"
    words = f"{scorer.verdict}, leaning worse" if leans_worse(scorer) else scorer.verdict
    if scorer.delta is None or scorer.low is None or scorer.high is None:
        return f"{words} ({'; '.join(scorer.notes)})"
    interval = f"{100 * scorer.low:+.1f} to {100 * scorer.high:+.1f}"
    return f"{words}, {100 * scorer.delta:+.1f} points over {scorer.cases} cases (better is plus: {interval})"


def _adjust(comparisons: list[Comparison], against: Against) -> None:
    """Adjust one baseline's family in place."""
    places = [
        (index, place)
        for index, comparison in enumerate(comparisons)
        if comparison.against == against
        for place, scorer in enumerate(comparison.scorers)
        if scorer.gating and scorer.p_worse is not None
    ]
    p_worse = [comparisons[index].scorers[place].p_worse or 0.0 for index, place in places]
    for (index, place), harm, gain in zip(places, holm(p_worse), bh([1 - p for p in p_worse]), strict=True):
        scorers = list(comparisons[index].scorers)
        scorers[place] = _held_to(scorers[place], harm=harm, gain=gain, tests=len(places))
        comparisons[index] = replace(comparisons[index], scorers=tuple(scorers))


def _held_to(scorer: ScorerComparison, *, harm: float, gain: float, tests: int) -> ScorerComparison:
    """One member of a family of `tests`, with its adjusted p values and a verdict that they bear."""
    verdict = borne_among_many(scorer.verdict, harm=harm, gain=gain, alpha=scorer.alpha, cases=scorer.cases)
    notes = scorer.notes
    if verdict != scorer.verdict and scorer.verdict == "regressed":
        notes = (*notes, f"a regression on its own, not among {tests} tests (p {harm:.3f} after Holm)")
    elif verdict != scorer.verdict:
        notes = (*notes, f"an improvement on its own, not among {tests} tests (p {gain:.3f} after Benjamini-Hochberg)")
    return replace(scorer, verdict=verdict, p_adjusted=harm, notes=notes)


def borne_among_many(verdict: Verdict, *, harm: float, gain: float, alpha: float, cases: int) -> Verdict:
    """What is left of a verdict whose adjusted p values are `harm` (of a regression) and `gain` (of an improvement)."""
    if verdict == "regressed" and harm >= alpha:
        return "inconclusive"
    if verdict == "improved" and gain >= alpha:
        return "unchanged" if cases >= FEWEST_CASES_UNCHANGED else "inconclusive"
    return verdict
