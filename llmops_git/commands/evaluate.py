"""Evaluates heads against their bases: which runs are needed, run them, compare, gate, and make the report value.

Shared by `eval` and `release`. Every (config, evaluation) pair is run once, however many comparisons use it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git import __version__
from llmops_git.configs.policy import ProviderSettings
from llmops_git.configs.values import Change, Config, Evaluation, Repeats
from llmops_git.errors import LlmopsError
from llmops_git.evals.budget import Ledger
from llmops_git.evals.cache import Cache
from llmops_git.evals.compare import compare
from llmops_git.evals.escalation import alpha_for, next_repeats
from llmops_git.evals.gate import Decision, decide, worst
from llmops_git.evals.plan import Plan, make_plan
from llmops_git.evals.run import Job, Outcome, evaluate
from llmops_git.evals.values import Against, Comparison, Instrument, Run
from llmops_git.providers.table import open_provider
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.traces.span import Span

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.providers.base import Provider

NO_EVALUATION = "has no `evaluation:` section: nothing shows that this change is safe"
EDITS_INSTRUMENT = "this change edits its own eval set, scorers or gate: it is scored on the base's as well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a head is compared with. `config` is None when there is nothing to compare with."""

    config: Config | None
    against: Against
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One head to be evaluated, with the bases it is held against (the first one is primary)."""

    change: Change
    head: Config
    bases: tuple[Base, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run: hooks of the command line. `replies` is the folder of the reply cache; None runs fresh."""

    replies: Path | None
    repeats: int | None = None
    replay: Path | None = None
    record: Path | None = None
    on_plan: Callable[[Plan], None] | None = None
    on_progress: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The report, and what a run folder keeps besides it."""

    report: Report
    runs: tuple[Run, ...] = ()
    spans: Iterable[Span] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairing:
    """One comparison to make: head and base under one evaluation."""

    candidate: Candidate
    base: Base
    instrument: Instrument
    evaluation: Evaluation


_Key = tuple[str, str]  # config digest, eval digest


def evaluate_candidates(
    candidates: Sequence[Candidate], *, policy: Policy, settings: Settings, base: str, head: str, total: int
) -> Evaluated:
    """Run, compare and gate all candidates. `base`, `head` and `total` only label the report."""
    pairings = [pairing for candidate in candidates for pairing in _pairings(candidate)]
    started = datetime.now(UTC)
    if not pairings:
        return Evaluated(report=_unmeasured_report(candidates, policy, base=base, head=head, total=total))
    outcome, decision = _run_until_decided(pairings, policy, settings)
    reports = tuple(_config_report(candidate, pairings, decision, outcome, policy) for candidate in candidates)
    report = Report(
        base=base,
        head=head,
        configs_total=total,
        configs=reports,
        verdict=worst(config.verdict for config in reports),
        gate_passes=all(config.gate_passes for config in reports),
        spending=outcome.spending,
        how=_how(policy, outcome, started),
    )
    return Evaluated(report=report, runs=outcome.runs, spans=outcome.spans)


def evaluate_configs(
    project: Project, pairs: Sequence[tuple[Config | None, Config, str]], *, against: Against, policy: Policy
) -> Report:
    """Evaluate heads against one base each: (base or None, head, base's name). Used where no diff is at hand."""
    candidates = [
        Candidate(
            change=change_between(base, head),
            head=head,
            bases=(Base(config=base, against=against if base else "nothing", name=name),),
        )
        for base, head, name in pairs
    ]
    settings = Settings(replies=replies_folder(project))
    return evaluate_candidates(candidates, policy=policy, settings=settings, base="", head="", total=len(pairs)).report


def change_between(base: Config | None, head: Config) -> Change:
    """The change from one loaded config to another."""
    from llmops_git.configs.diff import compare_configs  # noqa: PLC0415

    return compare_configs(base, head)


def replies_folder(project: Project) -> Path:
    """Where bought replies are kept: beside the clone's objects, shared by its worktrees, never committed."""
    return project.git.location.common_dir / "llmops-git" / "replies"


def _pairings(candidate: Candidate) -> Iterable[_Pairing]:
    own = candidate.head.evaluation
    if own is None:
        return
    for base in candidate.bases:
        yield _Pairing(candidate=candidate, base=base, instrument="head", evaluation=own)
    primary = candidate.bases[0]
    if edits_instrument(primary.config, candidate.head) and primary.config and primary.config.evaluation:
        yield _Pairing(candidate=candidate, base=primary, instrument="base", evaluation=primary.config.evaluation)


def edits_instrument(base: Config | None, head: Config) -> bool:
    """Whether the head is measured by other cases, scorers or gates than its base."""
    return bool(base and base.evaluation and base.eval_digest != head.eval_digest)


def _jobs(pairings: Sequence[_Pairing], repeats: Mapping[str, int]) -> dict[_Key, Job]:
    jobs: dict[_Key, Job] = {}
    for pairing in pairings:
        for config in (pairing.base.config, pairing.candidate.head):
            if config is not None:
                key = (config.digest, pairing.evaluation.digest)
                jobs.setdefault(
                    key, Job(config=config, evaluation=pairing.evaluation, repeats=repeats[pairing.evaluation.digest])
                )
    return jobs


def _run_until_decided(pairings: Sequence[_Pairing], policy: Policy, settings: Settings) -> tuple[Outcome, Decision]:
    """Run, and while something stays inconclusive and the policy allows it, add repeats for all cases of both sides."""
    repeats = {pairing.evaluation.digest: _looks(pairing.evaluation, settings).start for pairing in pairings}
    with replies_cache(settings) as cache, opened_providers(_jobs(pairings, repeats).values(), policy, settings) as providers:
        announced = False
        ledger = Ledger(policy.budget)  # one for all looks: escalating may not spend the budget twice
        while True:
            jobs = list(_jobs(pairings, repeats).values())
            if settings.on_plan and not announced:
                settings.on_plan(make_plan(jobs, cache=cache, prices=policy.prices, fingerprints=_fingerprints(providers)))
                announced = True
            outcome = evaluate(
                jobs,
                providers=providers,
                cache=cache,
                budget=ledger,
                prices=policy.prices,
                on_progress=settings.on_progress,
            )
            comparisons = _compare(pairings, outcome, policy, settings)
            wanted = {} if settings.repeats else _escalated(pairings, comparisons, repeats)
            if not wanted:
                return outcome, decide(comparisons, settings=policy.gate, critical=_critical(pairings))
            repeats = {**repeats, **wanted}


def _escalated(pairings: Sequence[_Pairing], comparisons: Sequence[Comparison], repeats: Mapping[str, int]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for evaluation in {pairing.evaluation.digest: pairing.evaluation for pairing in pairings}.values():
        own = [comparison for comparison in comparisons if comparison.eval_digest == evaluation.digest]
        after = next_repeats(own, repeats[evaluation.digest], evaluation.repeats)
        if after > repeats[evaluation.digest]:
            wanted[evaluation.digest] = after
    return wanted


def _looks(evaluation: Evaluation, settings: Settings) -> Repeats:
    """A number of repeats asked for by hand is one look; the config's own may be several."""
    return Repeats(start=settings.repeats, max=settings.repeats) if settings.repeats else evaluation.repeats


def _compare(pairings: Sequence[_Pairing], outcome: Outcome, policy: Policy, settings: Settings) -> list[Comparison]:
    runs = _by_key(outcome)
    return [
        compare(
            runs[(pairing.base.config.digest, pairing.evaluation.digest)] if pairing.base.config else None,
            runs[(pairing.candidate.head.digest, pairing.evaluation.digest)],
            evaluation=pairing.evaluation,
            settings=replace(policy.gate, alpha=alpha_for(_looks(pairing.evaluation, settings), policy.gate)),
            against=pairing.base.against,
            base_name=pairing.base.name,
            instrument=pairing.instrument,
        )
        for pairing in pairings
    ]


def _by_key(outcome: Outcome) -> dict[_Key, Run]:
    return {(run.config_digest, run.eval_digest): run for run in outcome.runs}


def _critical(pairings: Sequence[_Pairing]) -> frozenset[str]:
    return frozenset(pairing.candidate.head.name for pairing in pairings if pairing.candidate.head.critical)


def plan_candidates(candidates: Sequence[Candidate], *, policy: Policy, settings: Settings) -> Plan:
    """What evaluating these would ask for, without asking."""
    pairings = [pairing for candidate in candidates for pairing in _pairings(candidate)]
    repeats = {pairing.evaluation.digest: _looks(pairing.evaluation, settings).start for pairing in pairings}
    with replies_cache(settings) as cache:
        return make_plan(list(_jobs(pairings, repeats).values()), cache=cache, prices=policy.prices)


@contextmanager
def replies_cache(settings: Settings) -> Iterator[Cache]:
    """The cache of replies; for a fresh run an empty one that ends with it, so that repeats are still bought once."""
    if settings.replies is not None:
        yield Cache(settings.replies)
        return
    with tempfile.TemporaryDirectory(prefix="llmops-git-") as folder:
        yield Cache(Path(folder))


@contextmanager
def opened_providers(jobs: Iterable[Job], policy: Policy, settings: Settings) -> Iterator[dict[str, Provider]]:
    """The providers that the jobs and their judges use, opened by the policy that holds, closed at the end."""
    names = sorted({name for job in jobs for name in _provider_names(job)})
    with ExitStack() as stack:
        providers = {}
        for name in names:
            provider = open_provider(_provider_settings(name, policy, settings), environ=os.environ, record=settings.record)
            stack.callback(provider.close)
            providers[name] = provider
        yield providers


def _fingerprints(providers: Mapping[str, Provider]) -> dict[str, str]:
    return {name: provider.fingerprint() for name, provider in providers.items()}


def _provider_names(job: Job) -> Iterator[str]:
    yield job.config.provider
    for scorer in job.evaluation.scorers:
        if scorer.judge is not None:
            yield scorer.judge.provider


def _provider_settings(name: str, policy: Policy, settings: Settings) -> ProviderSettings:
    if settings.replay is not None:
        return ProviderSettings(name=name, api="replay", path=str(settings.replay))
    if name not in policy.providers:
        raise LlmopsError(
            f"provider `{name}` is not in the llmops.yaml that holds here (the base's)",
            hint="merge the provider first, or run with --policy head where you trust the change",
        )
    return policy.providers[name]


def _config_report(
    candidate: Candidate, pairings: Sequence[_Pairing], decision: Decision, outcome: Outcome, policy: Policy
) -> ConfigReport:
    name = candidate.head.name
    evaluation = candidate.head.evaluation
    if evaluation is None:
        return _unproven(candidate, policy)
    digests = {(config.digest, pairing.evaluation.digest)
               for pairing in pairings if pairing.candidate is candidate
               for config in (pairing.base.config, pairing.candidate.head) if config}  # fmt: skip
    notes = [*candidate.notes]
    if edits_instrument(candidate.bases[0].config, candidate.head):
        notes.append(EDITS_INSTRUMENT)
    return ConfigReport(
        change=candidate.change,
        comparisons=tuple(comparison for comparison in decision.comparisons if comparison.config == name),
        runs=tuple(run for run in outcome.runs if (run.config_digest, run.eval_digest) in digests),
        verdict=decision.verdicts[name],
        gate_passes=decision.passes[name],
        notes=tuple(notes),
    )


def _unproven(candidate: Candidate, policy: Policy) -> ConfigReport:
    """A changed config without an evaluation: nothing was measured, and the report says so."""
    return ConfigReport(
        change=candidate.change,
        comparisons=(),
        runs=(),
        verdict="inconclusive",
        gate_passes=policy.gate.on_inconclusive != "block",
        evaluated=False,
        notes=(*candidate.notes, f"`{candidate.head.name}` {NO_EVALUATION}"),
    )


def _unmeasured_report(candidates: Sequence[Candidate], policy: Policy, *, base: str, head: str, total: int) -> Report:
    """The report where there was nothing to run: no change, or only configs without an evaluation."""
    configs = tuple(_unproven(candidate, policy) for candidate in candidates)
    return Report(
        base=base,
        head=head,
        configs_total=total,
        configs=configs,
        verdict="inconclusive" if configs else "unchanged",
        gate_passes=all(config.gate_passes for config in configs),
    )


def _how(policy: Policy, outcome: Outcome, started: datetime) -> dict[str, Any]:
    """How it was measured, for the foot of every report."""
    return {
        "tool": f"llmops-git {__version__}",
        "started_at": started.isoformat(timespec="seconds"),
        "alpha": policy.gate.alpha,
        "margin": policy.gate.margin,
        "repeats": max((run.repeats for run in outcome.runs), default=0),
        "models": sorted({f"{run.provider}/{run.model}" for run in outcome.runs}),
        "engines": sorted({run.engine for run in outcome.runs if run.engine}),
        "notes": list(outcome.problems),
    }
