"""`llmops-git eval`: evaluate what changed, on both sides and against production, and gate the change."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.errors import EXIT_NOT_MEASURED, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Candidate, Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.evals.shard_file import Measured
    from llmops_git.evals.shards import Shard


def a_number(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Refuses `nan`, which is no limit: nothing is more than it."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not a limit")
    return value


@click.command("eval")
@click.argument("configs", nargs=-1)
@click.option("--base", metavar="REV", help="Compare with REV (default: the merge base with the default branch).")
@click.option("--head", metavar="REV", help="Evaluate REV (default: the work tree).")
@click.option(
    "--environment", metavar="ENV", help="The environment that counts as production (default: production, else the last one)."
)
@click.option("--policy", "policy_side", type=click.Choice(["base", "head"]), default="base", show_default=True,
              help="Whose llmops.yaml holds: a change may not lower its own bar.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(1, 100), metavar="N", help="Samples per case, instead of what the config says.")
@click.option("--max-usd", type=click.FloatRange(0), callback=a_number, metavar="USD", help="Spend at most this much.")
@click.option("--max-requests", type=click.IntRange(0), metavar="N", help="Send at most this many requests.")
@click.option("--fresh", is_flag=True, help="Reuse no reply that an earlier run paid for.")
@click.option(
    "--replay",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Answer from recorded replies; a miss is an error.",
)
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), help="Record replies into this folder.")
@click.option("--shard", "shard_text", metavar="I/N",
              help="Ask only the cases of the I-th of N shards, for `merge`; needs --output.")  # fmt: skip
@click.option("--executor", type=click.Choice(["threads", "ray"]), default="threads", show_default=True,
              help="ray: spread the cases over the Ray cluster that RAY_ADDRESS names.")  # fmt: skip
@click.option("--aa", "against_itself", is_flag=True, help="Measure the noise of eval sets: each config against itself.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be asked and what it would cost, and stop.")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="The run folder (default: .llmops/runs/<time>)."
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def command(
    configs: tuple[str, ...],
    base: str | None,
    head: str | None,
    environment: str | None,
    policy_side: str,
    repeats: int | None,
    max_usd: float | None,
    max_requests: int | None,
    fresh: bool,
    replay: Path | None,
    record: Path | None,
    shard_text: str | None,
    executor: str,
    against_itself: bool,
    plan_only: bool,
    output: Path | None,
    form: str,
) -> int:
    """Evaluate changed configs (or the CONFIGS named) against their base and against production.

    Exit code: 0 the gate lets the change through, 1 it does not, 2 files or usage are wrong, 3 not measured. A shard has no
    verdict: 0, or 3 where nothing of it could be measured.
    """
    from llmops_git.commands.candidates import candidates_of, with_limits
    from llmops_git.commands.evaluate import (
        evaluate_candidates,
        known_from_releases,
        plan_candidates,
        replies_folder,
    )
    from llmops_git.commands.guard_trials import guarded_by
    from llmops_git.commands.guarding import with_guardrails
    from llmops_git.commands.project import open_project
    from llmops_git.commands.runs import check_output, keep_run
    from llmops_git.commands.showing import gate_exit_code, progress, show_plan, show_report
    from llmops_git.commands.trial import Settings
    from llmops_git.evals.shards import read_shard
    from llmops_git.repo.changes import compute_changes

    shard = read_shard(shard_text) if shard_text is not None else None
    if shard is not None and output is None and not plan_only:
        raise click.UsageError("--shard needs --output FOLDER, which `llmops-git merge` reads")
    if executor == "ray" and (shard is not None or replay is not None or record is not None):
        raise click.UsageError("--executor ray makes its own shards, and knows no --shard, --replay and --record")
    if against_itself and (base or environment or shard or executor == "ray" or form == "markdown"):
        raise click.UsageError("--aa has one side: no --base, --environment, --shard, --executor ray, --format markdown")
    project = open_project()
    if against_itself:
        from llmops_git.commands.against_itself import show_against_itself

        policy = with_limits(project.policy(project.tree(head)), max_usd=max_usd, max_requests=max_requests)
        settings = Settings(replies=None if fresh else replies_folder(project), repeats=repeats, replay=replay, record=record)
        return show_against_itself(project, configs, head, policy, settings, plan_only=plan_only, output=output, form=form)
    base_oid = project.git.resolve(base) if base else _default_base(project, head)
    project.root = root_of(project, base_oid)
    changes = compute_changes(project.git, base_oid, head, root=project.root)
    policy = project.policy(project.tree(base_oid if policy_side == "base" and base_oid else head))
    policy = with_limits(policy, max_usd=max_usd, max_requests=max_requests)
    candidates = candidates_of(project, changes, names=configs, policy=policy, environment=environment)
    settings = Settings(
        replies=None if fresh else replies_folder(project),
        repeats=repeats,
        replay=replay,
        record=record,
        released=None if fresh or replay or record else known_from_releases(project, policy),
        on_plan=show_plan,
    )
    if plan_only:
        if shard is not None:
            from llmops_git.commands.sharding import plan_shard

            show_plan(plan_shard(candidates, shard=shard, policy=policy, settings=settings))
        else:
            show_plan(plan_candidates(candidates, policy=policy, settings=settings))
        return EXIT_OK
    if output is not None:
        check_output(output)
    if shard is not None and output is not None:
        from llmops_git.commands.sharding import measured

        of = measured(changes, policy, side=policy_side, configs=configs, environment=environment, settings=settings)
        return _shard(
            project, candidates, shard=shard, of=of, policy=policy, settings=settings, total=changes.total_configs,
            output=output, form=form,
        )  # fmt: skip
    guarded = guarded_by(project, changes, policy, names=configs)
    if executor == "ray":
        from llmops_git.commands.merge import evaluate_on_ray
        from llmops_git.commands.sharding import measured

        of = measured(changes, policy, side=policy_side, configs=configs, environment=environment, settings=settings)
        evaluated = evaluate_on_ray(candidates, of=of, policy=policy, settings=settings, changes=changes)
        evaluated = with_guardrails(evaluated, guarded, policy=policy, settings=settings)
        folder = keep_run(project, evaluated, output)
        show_report(evaluated.report, form)
        click.echo(f"run folder: {folder}", err=True)
        return gate_exit_code(evaluated.report)
    with progress() as on_progress:
        evaluated = evaluate_candidates(
            candidates,
            policy=policy,
            settings=replace(settings, on_progress=on_progress),
            base=changes.base_oid,
            head=changes.head_name,
            total=changes.total_configs,
            removed=[change for change in changes.changes if change.status == "removed" and not configs],
        )
    evaluated = with_guardrails(evaluated, guarded, policy=policy, settings=settings)
    folder = keep_run(project, evaluated, output)
    show_report(evaluated.report, form)
    click.echo(f"run folder: {folder}", err=True)
    return gate_exit_code(evaluated.report)


def _shard(
    project: Project,
    candidates: Sequence[Candidate],
    *,
    shard: Shard,
    of: Measured,
    policy: Policy,
    settings: Settings,
    total: int,
    output: Path,
    form: str,
) -> int:
    """Measure one shard and keep it for `merge`."""
    from llmops_git.commands.runs import keep_run
    from llmops_git.commands.sharding import evaluate_shard, is_measured
    from llmops_git.commands.showing import progress, show_report

    with progress() as on_progress:
        settings = replace(settings, on_progress=on_progress)
        evaluated, record = evaluate_shard(candidates, shard=shard, of=of, policy=policy, settings=settings, total=total)
    folder = keep_run(project, evaluated, output, record=record)
    show_report(evaluated.report, form)
    click.echo(f"run folder: {folder}", err=True)
    return EXIT_OK if is_measured(evaluated) else EXIT_NOT_MEASURED


def _default_base(project: Project, head: str | None) -> str:
    from llmops_git.repo.bases import trusted_base
    from llmops_git.repo.project_policy import selecting_policy

    return trusted_base(project.git, head, selecting_policy(project.tree(head), project.root))


def root_of(project: Project, base_oid: str) -> str:
    """The folder whose policy holds: the base's nearest one, so that a change cannot take it away or put one before it."""
    from llmops_git.repo.bases import nearest_policy

    found = nearest_policy(project.tree(base_oid), project.git.location.prefix) if base_oid else None
    return project.root if found is None else found
