"""`guardrails test`: packs measured on their suites, compared with a base where one is named; as values, JSON and text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llmops_git.commands.guard_packs import Bench, packs_in, suite_of
from llmops_git.commands.guard_session import opened_session
from llmops_git.commands.guard_trials import Trial, packs_of_base, trial_of
from llmops_git.commands.guarding import measured_entries
from llmops_git.errors import InvalidInput, LlmopsError
from llmops_git.evals.gate import worst
from llmops_git.evals.guard_gate import ALL_ATTACKS, FALSE_ALARMS, Measured, Rate, rate_of
from llmops_git.evals.values import Spending
from llmops_git.guardrails.measure import RuleCount, family_counts, rule_counts, total, unknown_rules

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Settings
    from llmops_git.configs.pack_file import PackFile
    from llmops_git.configs.policy import Policy
    from llmops_git.errors import Problem
    from llmops_git.evals.values import Verdict
    from llmops_git.guardrails.suites import Suite
    from llmops_git.reports.values import ConfigReport

SCHEMA = "llmops-git/guardrails-test/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackTest:
    """One pack on its own suites. `rates` are by attack family, then all attacks and false alarms; `entry` is what the gate
    says, against the base where there is one."""

    pack: PackFile
    suite: Suite
    measured: Measured
    rates: tuple[Rate, ...]
    rules: tuple[RuleCount, ...]
    entry: ConfigReport
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """All packs that were measured. `untested` have no suite."""

    base: str
    packs: tuple[PackTest, ...]
    untested: tuple[str, ...]
    spending: Spending

    @property
    def verdict(self) -> Verdict:
        return worst(test.entry.verdict for test in self.packs)

    @property
    def gate_passes(self) -> bool:
        return all(test.entry.gate_passes for test in self.packs)


def measure_packs(
    project: Project, names: Sequence[str], *, base: str, head: str | None, policy: Policy, settings: Settings
) -> Tested:
    """Measure packs of `head` (None: the work tree) on their suites; with a `base` commit against its packs, on both sides'
    suites. Raises InvalidInput for files that are wrong, LlmopsError where no pack has a suite."""
    tree = project.tree(head)
    before = project.tree(base) if base else None
    packs = packs_in(tree, policy, names)
    old, notes = packs_of_base(before, policy)
    suites: dict[str, Suite | None] = {}
    problems: list[Problem] = []
    for name, pack in packs.items():
        try:
            suites[name] = suite_of(tree, pack.measure.suites)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    found = {name: suite for name, suite in suites.items() if suite is not None}
    if not packs:
        raise LlmopsError(
            "there are no guardrail packs", hint="write guardrails/<name>.yaml; docs/guardrails.md begins with one"
        )
    if not found:
        some = next(iter(packs))
        raise LlmopsError("no guardrail pack has a suite to be measured on", hint=f"write guardrails/suites/{some}.jsonl")
    trials = [trial_of(name, old.get(name), packs[name], before, suite) for name, suite in found.items()]
    asked = [pack for trial in trials for pack in (*(trial.base or ()), *trial.head)]
    with opened_session(asked, policy, settings) as session:
        bench = Bench(session, policy.allowed_checks)
        entries = measured_entries(trials, bench, policy, base_name=base)
        tests = tuple(
            _test(packs[name], suite, trial, entry, bench, policy, notes)
            for (name, suite), trial, entry in zip(found.items(), trials, entries, strict=True)
        )
        spending = session.spending() if session is not None else Spending(cost_usd=0.0)
    return Tested(base=base, packs=tests, untested=tuple(name for name in packs if name not in found), spending=spending)


def _test(
    pack: PackFile, suite: Suite, trial: Trial, entry: ConfigReport, bench: Bench, policy: Policy, notes: tuple[str, ...]
) -> PackTest:
    measured = bench.measured(trial.name, trial.head, suite)  # measured already
    rules = bench.rules(trial.head)
    said = [*notes, *entry.notes]
    if suite.repeated:
        said.append(f"{suite.repeated} texts are in two suites, and count once")
    missing = list(unknown_rules(rules, suite.texts))
    if missing:
        said.append(f"texts ask for rules that the pack does not have: {', '.join(missing[:10])}")
    return PackTest(
        pack=pack,
        suite=suite,
        measured=measured,
        rates=tuple(_rates(pack, measured, policy.gate.alpha)),
        rules=rule_counts(rules, measured.results),
        entry=entry,
        notes=tuple(said),
    )


def _rates(pack: PackFile, measured: Measured, alpha: float) -> Iterator[Rate]:
    counts = family_counts(measured.results)
    attacks, benign = ([one for one in counts if one.attack is attack] for attack in (True, False))
    yield from (rate_of(count, pack.measure, alpha=alpha) for count in attacks)

    whole = total(ALL_ATTACKS, attacks)
    if whole is not None and len(attacks) > 1:  # held to nothing: floors are by family
        yield rate_of(whole, replace(pack.measure, recall={}), alpha=alpha)
    alarms = total(FALSE_ALARMS, benign)
    if alarms is not None:
        yield rate_of(alarms, pack.measure, alpha=alpha)


def tested_document(tested: Tested) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/guardrails-test.schema.json."""
    return {
        "schema": SCHEMA,
        "verdict": tested.verdict,
        "gate_passes": tested.gate_passes,
        "base": tested.base,
        "packs": [_pack_document(test) for test in tested.packs],
        "untested": list(tested.untested),
        "spending": {
            "sent": tested.spending.sent,
            "cached": tested.spending.cached,
            "cost_usd": tested.spending.cost_usd,
        },
    }


def _pack_document(test: PackTest) -> dict[str, Any]:
    from llmops_git.reports.json_report import entry_document

    return {
        "pack": test.pack.name,
        "version": test.pack.digest,
        "suites": list(test.suite.paths),
        "suite_digest": test.suite.digest,
        "notes": list(test.notes),
        "rates": [_rate_document(rate) for rate in test.rates],
        "rules": [_rule_document(rule) for rule in test.rules],
        "texts": [
            {
                "id": result.text.id,
                "attack": result.text.attack,
                "family": result.text.family,
                "state": result.state,
                "hits": list(result.hits),
                "undecided": [{"rule": rule, "reason": reason} for rule, reason in result.undecided],
            }
            for result in test.measured.results
        ],
        "entry": entry_document(test.entry),
    }


def _rate_document(rate: Rate) -> dict[str, Any]:
    count = rate.count
    return {
        "name": count.name,
        "attack": count.attack,
        "texts": count.texts,
        "hits": count.hits,
        "undecided": count.undecided,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
        "bound": rate.bound,
        "state": rate.state,
    }


def _rule_document(rule: RuleCount) -> dict[str, Any]:
    def counted(count: Any) -> dict[str, int]:
        return {"texts": count.texts, "hits": count.hits, "undecided": count.undecided}

    return {"rule": rule.rule, "action": rule.action, "attacks": counted(rule.attacks), "benign": counted(rule.benign)}
