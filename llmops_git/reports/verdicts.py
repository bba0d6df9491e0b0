"""What the report says first: the verdict in words, the reason in one sentence, and what to do next."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass

from llmops_git.evals.gate import gating_comparisons, leans_worse
from llmops_git.evals.shards import Shard
from llmops_git.evals.values import Comparison, ScorerComparison, Verdict
from llmops_git.reports import numbers
from llmops_git.reports.bases import base_phrase
from llmops_git.reports.phrases import Name, Outside, Phrase, unique
from llmops_git.reports.rows import LEVELS, VERDICT_WORDS, Level, oriented, scorer_interval, unit_of
from llmops_git.reports.values import ConfigReport, Report

WORST_FIRST: tuple[Verdict, ...] = ("regressed", "invalid", "inconclusive", "unchanged", "improved")

_PASSING: dict[Verdict, tuple[Level, str]] = {
    "improved": ("good", "Improved: ship it"),
    "unchanged": ("good", "Unchanged: safe to merge"),
    "inconclusive": ("unsure", "Inconclusive: this eval cannot tell, and does not block"),
    "regressed": ("bad", "Regressed, but the gate lets it through"),
    "invalid": ("unmeasured", "Not measured: no verdict"),
}
_HELD: dict[Verdict, tuple[Level, str]] = {
    "improved": ("bad", "The gate says no: do not merge"),
    "unchanged": ("bad", "The gate says no: do not merge"),
    "inconclusive": ("unsure", "Inconclusive, and this gate asks for proof: do not merge yet"),
    "regressed": ("bad", "Regressed: do not merge"),
    "invalid": ("unmeasured", "Not measured: no verdict, do not merge yet"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The first thing a reader sees."""

    level: Level
    title: str
    why: Phrase


def headline(report: Report) -> Headline:
    """The verdict of the whole report."""
    if report.shard is not None:
        return _headline_of_shard(report, report.shard)
    if not report.entries:
        if report.problems:
            return Headline(level="unmeasured", title="Not measured: no verdict", why=(_what_is_wrong(report),))
        total = numbers.count(report.configs_total, "config")
        why = f"{total} looked at: what reaches a model, and how it is scored, is the same as before."
        return Headline(level="good", title="No config changed", why=(why,))
    level, title = _title(report)
    return Headline(level=level, title=title, why=_why(report))


def _headline_of_shard(report: Report, shard: Shard) -> Headline:
    title = f"Shard {shard.number} of {shard.of}: no verdict before all are merged"
    return Headline(level="unmeasured", title=title, why=(f"{numbers.count(report.spending.planned, 'sample')} asked here.",))


def _what_is_wrong(report: Report) -> str:
    return "Some files are wrong." if any(problem.path for problem in report.problems) else "It could not be evaluated."


def worst_first(configs: tuple[ConfigReport, ...]) -> list[ConfigReport]:
    """Held configs first, then by verdict, then as they came."""
    return sorted(configs, key=lambda config: (config.gate_passes, WORST_FIRST.index(config.verdict)))


def config_verdict(config: ConfigReport) -> tuple[Level, str]:
    """The verdict of one config in words."""
    if is_removed(config):
        return "info", "removed"
    if not config.evaluated:
        return "info", "not evaluated"
    words = "new, no rule broken" if config.verdict == "unchanged" and is_new(config) else VERDICT_WORDS[config.verdict]
    if config_leans(config):
        words += ", leaning worse"
    level = LEVELS[config.verdict]
    if config.gate_passes:
        return ("good" if level == "same" else level), words
    hard = hard_failures(config)
    if hard and not regressed_scorers(config):
        return "bad", f"{numbers.count(len(hard), 'hard rule')} broken"
    if config.verdict in {"regressed", "invalid"}:
        return level, words
    return "bad", f"{words}, blocked"


def is_new(config: ConfigReport) -> bool:
    """Whether there was nothing to compare the config with."""
    return bool(config.comparisons) and all(comparison.against == "nothing" for comparison in config.comparisons)


def config_leans(config: ConfigReport) -> bool:
    """Whether the config is inconclusive with signs of harm."""
    return config.verdict == "inconclusive" and any(
        comparison.leaning_worse for comparison in gating_comparisons(config.comparisons)
    )


def hard_failures(config: ConfigReport) -> tuple[str, ...]:
    """Every broken hard rule once; a must-pass case that fails does so in each comparison."""
    return unique(failure for comparison in gating_comparisons(config.comparisons) for failure in comparison.hard_failures)


def said_first(config: ConfigReport) -> bool:
    """Whether the first sentence of a report on this config alone already holds its only broken rule."""
    return len(hard_failures(config)) == 1 and not regressed_scorers(config)


def regressed_scorers(config: ConfigReport) -> bool:
    """Whether a statistic shows harm, and not only a broken rule."""
    return any(
        scorer.gating and scorer.verdict == "regressed"
        for comparison in gating_comparisons(config.comparisons)
        for scorer in comparison.scorers
    )


def telling(config: ConfigReport) -> tuple[Comparison, ScorerComparison] | None:
    """The scorer that says most about the verdict: the worst, or the best of a config that improved."""
    found = [
        (comparison, scorer)
        for comparison in gating_comparisons(config.comparisons)
        for scorer in comparison.scorers
        if scorer.gating and scorer.delta is not None and comparison.against != "nothing"
    ]
    matching = [pair for pair in found if pair[1].verdict == config.verdict] or found
    if not matching:
        return None
    if config.verdict == "improved":
        return max(matching, key=lambda pair: oriented(pair[1]))
    return min(matching, key=lambda pair: (not leans_worse(pair[1]), oriented(pair[1])))


def is_removed(config: ConfigReport) -> bool:
    """Whether the change takes this config away: there is nothing to measure, and nothing to mend."""
    return config.change.status == "removed" and not config.evaluated


def is_planned(config: ConfigReport) -> bool:
    """Whether this config could have been evaluated and no model was asked: a key is missing, or only a plan was wanted."""
    return config.verdict == "invalid" and not config.evaluated


def next_step(report: Report) -> Phrase:
    """What to do now, with a command that can be pasted."""
    match report.verdict:
        case _ if report.shard is not None:
            return ("When all shards are there: ", Name("llmops-git merge FOLDER… --output FOLDER"))
        case _ if not report.entries:
            return ()
        case _ if all(is_removed(config) for config in report.entries):
            return ()
        case _ if any(is_planned(config) for config in report.entries):
            return ()  # its notes say what was missing
        case _ if not any(config.evaluated for config in report.entries):
            return _how_to_measure(report)
        case "invalid":
            return ("What was measured is kept and not paid for again: ", Name("llmops-git eval"))
        case "regressed":
            return _look_at_case(report)
        case _ if not report.gate_passes:
            return _look_at_case(report)
        case "inconclusive":
            if not report.configs:
                return ("To know more, add texts to the suites, then ", Name("llmops-git guardrails test"))
            return (
                "To know more, add cases or repeats (",
                Name("repeats: {start: 3, max: 5}"),
                "), then ",
                Name("llmops-git eval"),
            )
        case _:
            return ("After the merge, on the default branch: ", Name("llmops-git release")) if report.configs else ()


def _how_to_measure(report: Report) -> Phrase:
    if report.configs:
        return ("Give it an ", Name("evaluation:"), " section with an eval set and a scorer")
    pack = report.guardrails[0].change.config
    return ("Give it a suite: ", Name(f"{pack.replace('/', '/suites/', 1)}.jsonl"))


def _look_at_case(report: Report) -> Phrase:
    for config in worst_first(report.entries):
        if config.kind == "pack":
            if config.gate_passes:
                continue
            pack = shlex.quote(config.change.config.rpartition("/")[2])
            return ("See what each rule finds: ", Name(f"llmops-git guardrails test {pack}"))
        for comparison in config.comparisons:
            for case in comparison.flipped:
                if not case.better and "\n" not in case.case:
                    command = f"llmops-git render {shlex.quote(config.change.config)} --case={shlex.quote(case.case)}"
                    return ("See what the model was asked: ", Name(command))
    return ("See what changed: ", Name("llmops-git diff"))


def _title(report: Report) -> tuple[Level, str]:
    if report.entries and all(is_removed(config) for config in report.entries):
        return "unsure", "Nothing to evaluate: what changed is removed"
    if not any(config.evaluated for config in report.entries):
        return ("unsure" if report.gate_passes else "bad"), "Not evaluated: nothing shows that this change is safe"
    leaning = report.verdict == "inconclusive" and any(config_leans(config) for config in report.entries)
    if report.verdict == "unchanged" and report.gate_passes and all(is_new(config) for config in report.entries):
        return "good", "New, and it breaks no rule: safe to merge"
    if report.gate_passes:
        return ("unsure", "Inconclusive, leaning worse: look before you merge") if leaning else _PASSING[report.verdict]
    hard = [failure for config in report.entries for failure in hard_failures(config)]
    if hard and not any(regressed_scorers(config) for config in report.entries):
        return "bad", f"{numbers.count(len(hard), 'hard rule')} broken: do not merge"
    return ("bad", "Inconclusive, leaning worse: do not merge yet") if leaning else _HELD[report.verdict]


def _why(report: Report) -> Phrase:
    if len(report.entries) == 1:
        return _why_config(report.entries[0])
    counts = Counter(config_verdict(config)[1] for config in worst_first(report.entries))
    said = ", ".join(f"{number:,} {words}" for words, number in counts.items())
    packs = numbers.count(len(report.guardrails), "guardrail pack")
    if not report.configs:
        return (f"{packs} changed: {said}.",)
    also = f" and {packs}" if report.guardrails else ""
    return (f"{len(report.configs):,} of {numbers.count(report.configs_total, 'config')}{also} changed: {said}.",)


def _unmeasured(config: ConfigReport) -> Phrase:
    """Why there is no number to lead with."""
    deciding = gating_comparisons(config.comparisons)
    if config.verdict != "invalid":
        return (": nothing to compare with, so only must-pass cases and floors apply",) if deciding else ()
    whole = [reason for comparison in deciding for reason in comparison.unmeasured]
    scorers = [
        scorer for comparison in deciding for scorer in comparison.scorers if scorer.verdict == "invalid" and scorer.notes
    ]
    if whole:
        return (": ", Outside(whole[0]))
    return (": ", Name(scorers[0].scorer), ": ", Outside(scorers[0].notes[0])) if scorers else ()


def _why_config(config: ConfigReport) -> Phrase:
    name = Name(config.change.config)
    if is_removed(config):
        return (name, " is removed.")
    if is_planned(config):
        return (name, " was not measured: no model was asked.")
    if not config.evaluated:
        return (name, f" has no {'suite' if config.kind == 'pack' else 'eval set'} to measure it by.")
    hard = hard_failures(config)
    if hard and not regressed_scorers(config):
        more = f"; and {len(hard) - 1:,} more" if len(hard) > 1 else ""
        return (name, ": ", Outside(hard[0]), more, ".")
    found = telling(config)
    if found is None or config.verdict == "invalid":
        return (name, *_unmeasured(config), ".")
    comparison, scorer = found
    unit = unit_of(comparison, scorer)
    values = f" {numbers.score(scorer.base, unit)} \u2192 {numbers.score(scorer.head, unit)}, "
    interval = "" if scorer.low is None else f" {scorer_interval(scorer, unit)}"
    change = f"{numbers.difference(scorer.delta, unit)}{interval} against "
    return (name, ": ", Name(scorer.scorer), values, change, *base_phrase(config, comparison), ".")
