"""Which comparisons of a config are shown, and what each is called."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.values import Comparison
from llmops_git.reports.names import short_name
from llmops_git.reports.phrases import Name, Phrase
from llmops_git.reports.values import ConfigReport

# what is said of the base's own instrument, and of the head's where there are both
_EVAL_SET = (", on the eval set as it was", ", on this change's own eval set")
_SUITES = (", on the suites as they were", ", on this change's own suites")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One table: a comparison, what it is called (`the merge base 1a2b3c4d5`), and whether it decides."""

    comparison: Comparison
    called: Phrase
    gating: bool
    also: Phrase = ()  # the other bases that are the same config

    @property
    def caption(self) -> Phrase:
        """The line above the table."""
        if self.comparison.against == "nothing":
            return ("No baseline",)
        return ("Against ", *self.called, *self.also, "" if self.gating else " (shown, does not decide)")

    @property
    def side(self) -> str:
        """The heading of the base's column."""
        return "production" if self.comparison.against == "production" else "base"


def shown_comparisons(config: ConfigReport) -> tuple[Shown, ...]:
    """The tables of a config: production is folded into the merge base's where both are the same config and evidence."""
    deciding = gating_comparisons(config.comparisons)
    shown: list[Shown] = []
    for comparison in config.comparisons:
        twin = next((index for index, other in enumerate(shown) if _same_evidence(other.comparison, comparison)), None)
        if twin is None:
            called = base_phrase(config, comparison)
            shown.append(Shown(comparison=comparison, called=called, gating=comparison in deciding))
        else:
            also: Phrase = (
                ", which is what production runs (" if comparison.against == "production" else ", the same as (",
                Name(short_name(comparison.base_name)),
                ")",
            )
            shown[twin] = replace(shown[twin], also=(*shown[twin].also, *also))
    return tuple(shown)


def base_phrase(config: ConfigReport, comparison: Comparison) -> Phrase:
    """`the merge base 1a2b3c4d5`, `production support-router/v1.2.0`; under which eval set, where there are two."""
    if comparison.against == "nothing":
        return ("nothing",)
    article = "the " if comparison.against in {"merge base", "previous release"} else ""
    name: Phrase = (" ", Name(short_name(comparison.base_name))) if comparison.base_name else ()
    both = len({other.instrument for other in config.comparisons}) > 1
    was, own = _SUITES if config.kind == "pack" else _EVAL_SET
    if comparison.instrument == "base":
        return (f"{article}{comparison.against}", *name, was)
    return (f"{article}{comparison.against}", *name, own if both else "")


def _same_evidence(one: Comparison, other: Comparison) -> bool:
    if (one.instrument, one.eval_digest) != (other.instrument, other.eval_digest) or "nothing" in {one.against, other.against}:
        return False
    return one.base_digest == other.base_digest and _numbers(one) == _numbers(other)


def _numbers(comparison: Comparison) -> tuple[object, ...]:
    scorers = [(scorer.scorer, scorer.base, scorer.head, scorer.low, scorer.high) for scorer in comparison.scorers]
    return (tuple(scorers), comparison.ratios)
