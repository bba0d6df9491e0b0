"""How the evaluation was made and what it could not have seen, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llmops_git.evals.gate import FEWEST_CASES, gating_comparisons
from llmops_git.evals.values import Comparison, ScorerComparison, Spending
from llmops_git.reports import numbers
from llmops_git.reports.names import short_digest, short_name
from llmops_git.reports.phrases import Name, Outside, Phrase, join
from llmops_git.reports.rows import unit_of
from llmops_git.reports.values import ConfigReport, Report

ENOUGH_REPEATS = 3
SIDE = 0.05  # the usual one-sided alpha, said when the report does not


def blind_spot(config: ConfigReport) -> Phrase:
    """What this config's eval could not have seen: the smallest reliably visible harm per gating scorer."""
    if config.verdict == "invalid":
        return ()
    for comparison in gating_comparisons(config.comparisons):
        scorers = [scorer for scorer in comparison.scorers if scorer.gating]
        if comparison.against != "nothing" and scorers:
            what, repeats = ("suite", ENOUGH_REPEATS) if config.kind == "pack" else ("eval", _repeats(config, comparison))
            return _blind_spot(comparison, scorers, repeats, what)
    return ()


def remarks(comparison: Comparison) -> tuple[Phrase, ...]:
    """What to know beside the numbers of a comparison: why it was not measured, what its scorers note, what is missing."""
    whole: list[Phrase] = [(Outside(text),) for text in comparison.unmeasured]
    notes: list[Phrase] = [(Name(scorer.scorer), ": ", Outside(note)) for scorer in comparison.scorers for note in scorer.notes]
    rest = [phrase for phrase in (_coverage(comparison), impact(comparison)) if phrase]
    return (*whole, *notes, *rest)


def impact(comparison: Comparison) -> Phrase:
    """How many cases the change concerns, and what the others saved; nothing where it concerns all, or nobody knows."""
    if comparison.concerned is None or comparison.concerned >= comparison.cases:
        return ()
    said = f"{comparison.concerned:,} of {numbers.count(comparison.cases, 'case')} "
    said += "asks something else" if comparison.concerned == 1 else "ask something else"
    said += " than on the base; the rest got one reply for both sides"
    if not comparison.saved_requests:
        return (said,)
    money = "" if comparison.saved_usd is None else f" and {numbers.money(comparison.saved_usd)}"
    return (f"{said}, which saved {numbers.count(comparison.saved_requests, 'request')}{money}",)


def _coverage(comparison: Comparison) -> Phrase:
    if comparison.measured >= comparison.planned and not comparison.errors:
        return ()
    share = f"{comparison.measured:,} of {numbers.count(comparison.planned, 'pair')} measured"
    errors = [(f"{number:,} x ", Name(kind)) for kind, number in comparison.errors.items()]
    return (share, " (", *join(errors, ", "), ")") if errors else (share,)


def spending(value: Spending) -> str:
    """What the run asked for, in one line."""
    if not value.planned and not value.sent and not value.cached:
        return "no request was made"
    parts = [f"{numbers.count(value.sent, 'request')} sent, {value.cached:,} answered from the cache"]
    parts.append(f"{value.input_tokens:,} tokens in, {value.output_tokens:,} out")
    parts.append("cost unknown" if value.cost_usd is None else numbers.money(value.cost_usd))
    parts.append(numbers.seconds(value.seconds))
    return "; ".join(parts)


def method(report: Report) -> tuple[Phrase, ...]:
    """How it was measured: statistics, models, requests, commits, digests."""
    how = dict(report.how)
    lines: list[Phrase] = [(_statistics(how),)]
    for key, word in (("models", "model"), ("engines", "engine")):
        values = how.pop(key, None)
        if isinstance(values, list | tuple) and values:
            lines.append((f"{word}: ", *join(((Name(str(value)),) for value in values), ", ")))
    lines.append((spending(report.spending),))
    if report.entries:
        lines.append(("base ", Name(short_name(report.base) or "none"), ", head ", Name(short_name(report.head) or "none")))
    lines += _digests(report.entries)
    when = [(Outside(str(how.pop(key))),) for key in ("tool", "started_at") if how.get(key)]
    if when:
        lines.append(join(when, ", "))
    notes = how.pop("notes", None)
    if isinstance(notes, list | tuple):
        lines += [(Outside(str(note)),) for note in notes]
    return (*lines, *((Name(key), ": ", Name(str(value))) for key, value in how.items() if value))


def _statistics(how: dict[str, Any]) -> str:
    alpha, margin, repeats = (how.pop(key, None) for key in ("alpha", "margin", "repeats"))
    side = 1 - (alpha if isinstance(alpha, int | float) else SIDE)
    said = f"paired by case; each end of an interval holds with {100 * side:.4g} % confidence"
    if isinstance(margin, int | float):
        said += f"; unchanged means that a drop of more than {100 * margin:.4g} % of a scorer's range is ruled out"
        said += " (a config may set its own)"
    if isinstance(repeats, int) and repeats:
        said += f"; {numbers.count(repeats, 'run')} of each case"
    return f"{said}; cost (per 1,000 cases) and latency as the typical ratio of a case (geometric mean)"


def _digests(configs: Iterable[ConfigReport]) -> list[Phrase]:
    lines: list[Phrase] = []
    for config in configs:
        if config.comparisons:
            first = config.comparisons[0]
            sides = f"{short_digest(first.base_digest) or 'none'} \u2192 {short_digest(first.head_digest) or 'none'}"
            lines.append(
                (Name(config.change.config), ": digest ", Name(sides), ", eval ", Name(short_digest(first.eval_digest)))
            )
    return lines


def _repeats(config: ConfigReport, comparison: Comparison) -> int:
    wanted = (comparison.head_digest, comparison.eval_digest)
    return next((run.repeats for run in config.runs if (run.config_digest, run.eval_digest) == wanted), 1)


def _blind_spot(comparison: Comparison, scorers: Sequence[ScorerComparison], repeats: int, what: str) -> Phrase:
    cases = min(scorer.cases for scorer in scorers)
    counted = numbers.count(cases, "case")
    if cases < FEWEST_CASES:
        return (f"This {what} could not have seen anything: {counted} are too few for a verdict.",)
    seen = [_smallest(comparison, scorer) for scorer in scorers if scorer.mde is not None]
    if not seen:
        return ()
    said = f": {counted}" if what == "suite" else f": {counted} x {numbers.count(repeats, 'run')}"
    if repeats < ENOUGH_REPEATS and any((scorer.mde or 0) > scorer.margin for scorer in scorers):
        said += f" ({ENOUGH_REPEATS} runs of each typically cut that by a third)"
    return (f"This {what} could not reliably have seen ", *join(seen, " or "), f"{said}.")


def _smallest(comparison: Comparison, scorer: ScorerComparison) -> Phrase:
    harm = "drop" if scorer.direction == "higher" else "rise"
    return (f"a {harm} below {numbers.size(scorer.mde or 0, unit_of(comparison, scorer))} in ", Name(scorer.scorer))
