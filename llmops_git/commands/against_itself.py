"""What `eval --aa` does: each config measured against itself, and what that says of its eval set and its gate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from llmops_git import __version__
from llmops_git.commands.asking import measured
from llmops_git.commands.opened import replies_cache
from llmops_git.commands.secrets import secrets_of, without_secrets
from llmops_git.commands.tool_stubs import stubbed
from llmops_git.commands.trial import Evaluated, Settings
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, LlmopsError
from llmops_git.evals.noise import Noise, noise_of
from llmops_git.evals.noise_warnings import Warned, holds, warnings_of
from llmops_git.evals.plan import Plan, make_plan
from llmops_git.evals.run import Job
from llmops_git.providers.prices import price_table
from llmops_git.reports.values import Report

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config
    from llmops_git.evals.values import Run
    from llmops_git.traces.span import Span

SCHEMA = "llmops-git/aa/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstItself:
    """What came out: the runs, the noise of each with what it warns of, and the document that says all of it."""

    runs: tuple[Run, ...]
    spans: Iterable[Span]
    found: tuple[tuple[Noise, tuple[Warned, ...]], ...]
    document: dict[str, Any]

    @property
    def holds(self) -> bool:
        return all(holds(warned) for _, warned in self.found)

    @property
    def measured(self) -> bool:
        """Whether any sample was."""
        return any(not sample.error for run in self.runs for sample in run.samples)


def show_against_itself(
    project: Project,
    names: Sequence[str],
    head: str | None,
    policy: Policy,
    settings: Settings,
    *,
    plan_only: bool,
    output: Path | None,
    form: str,
) -> int:
    """Measure, keep and show. Exit code: 1 where the gate's error rates would not hold, 3 where nothing could be measured."""
    from llmops_git.commands.project import emit_json, terminal
    from llmops_git.commands.runs import check_output, keep_noise
    from llmops_git.commands.showing import progress, show_plan
    from llmops_git.reports.noise_text import render_noise

    jobs = jobs_against_itself(chosen(project, project.tree(head), names), settings.repeats)
    if plan_only:
        show_plan(plan_against_itself(jobs, policy, settings))
        return EXIT_OK
    if output is not None:
        check_output(output)
    with progress() as on_progress:
        settings = replace(settings, on_progress=on_progress, on_plan=show_plan)
        found = evaluate_against_itself(jobs, policy=policy, settings=settings, head=head or "worktree")
    folder = keep_noise(project, found, output)
    if form == "json":
        emit_json(found.document)
    else:
        click.echo(render_noise(found.found, color=terminal()["color"]))
    click.echo(f"run folder: {folder}", err=True)
    if not found.measured:
        return EXIT_NOT_MEASURED
    return EXIT_OK if found.holds else EXIT_GATE


def chosen(project: Project, tree: Tree, names: Sequence[str]) -> list[Config]:
    """The configs named, or all that have an evaluation; each pair of digests once. Raises LlmopsError where there is none."""
    configs = [project.load(tree, name) for name in (names or sorted(project.configs(tree)))]
    lacking = [config.name for config in configs if config.evaluation is None]
    kept = {(config.digest, config.eval_digest): config for config in configs if config.evaluation is not None}
    if names and lacking:
        raise LlmopsError(f"`{lacking[0]}` has no `evaluation:` section", hint="name an eval set and scorers in it")
    if not kept:
        raise LlmopsError("no config has an `evaluation:` section", hint="llmops-git init")
    return list(kept.values())


def jobs_against_itself(configs: Sequence[Config], repeats: int | None) -> list[Job]:
    """Twice as many samples of each case as one side of a comparison has to begin with, or as `repeats` says."""
    return [
        Job(config=config, evaluation=config.evaluation, repeats=2 * (repeats or config.evaluation.repeats.start))
        for config in configs
        if config.evaluation is not None
    ]


def plan_against_itself(jobs: Sequence[Job], policy: Policy, settings: Settings) -> Plan:
    """What it would ask for, without asking."""
    with replies_cache(settings) as cache:
        return make_plan(jobs, cache=cache, prices=price_table(policy), stubbed=stubbed(policy, settings))


def evaluate_against_itself(jobs: Sequence[Job], *, policy: Policy, settings: Settings, head: str) -> AgainstItself:
    """Measure the jobs and say what the samples tell of the noise."""
    outcome = measured(jobs, policy, settings)
    blank = Report(base="", head=head, configs_total=len(jobs), configs=(), verdict="unchanged", gate_passes=True)
    safe = without_secrets(Evaluated(report=blank, runs=outcome.runs, spans=outcome.spans), secrets_of(policy, os.environ))
    noises = [noise_of(run, job.evaluation, policy.gate) for job, run in zip(jobs, safe.runs, strict=True)]
    found = tuple((noise, warnings_of(noise, policy.gate)) for noise in noises)
    document = {
        "schema": SCHEMA,
        "tool": f"llmops-git {__version__}",
        "head": head,
        "holds": all(holds(warned) for _, warned in found),
        "configs": [_config_document(job, *one) for job, one in zip(jobs, found, strict=True)],
        "spending": asdict(outcome.spending),
        "notes": list(outcome.problems),
    }
    return AgainstItself(runs=safe.runs, spans=safe.spans, found=found, document=document)


def _config_document(job: Job, noise: Noise, warned: Sequence[Warned]) -> dict[str, Any]:
    return {
        "config": noise.config,
        "config_digest": job.config.digest,
        "eval_digest": job.evaluation.digest,
        "cases": noise.cases,
        "samples": noise.samples,
        "looks": list(noise.looks),
        "alpha": noise.alpha,
        "deals": noise.deals,
        "verdicts": dict(noise.verdicts),
        "error": noise.error,
        "scorers": [asdict(scorer) | {"flaky": list(scorer.flaky)} for scorer in noise.scorers],
        "must_pass": {"chance": noise.must_pass, "failing": list(noise.must_fail)},
        "same_inputs": noise.same_inputs,
        "identical": noise.identical,
        "warnings": [asdict(one) for one in warned],
    }
