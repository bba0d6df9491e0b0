"""`llmops-git upgrade`: pin configs to another model, evaluate that, and propose it with the evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from llmops_git.commands.eval import a_number
from llmops_git.commands.project import format_option
from llmops_git.commands.state import dry_run_option
from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated
    from llmops_git.commands.upgrade_shown import Done
    from llmops_git.commands.upgrading import Upgrade
    from llmops_git.configs.upgrade import Wanted


@click.command("upgrade")
@click.argument("configs", nargs=-1)
@click.option("--model", required=True, metavar="ID", help="The new model: a dated snapshot.")
@click.option("--provider", default="", metavar="NAME", help="Its provider (default: each config's own).")
@click.option("--from", "old", default="", metavar="ID", help="Upgrade all configs (or those named) that are pinned to ID.")
@click.option(
    "--base", metavar="REV", help="Compare with REV (default: HEAD; for a branch, the newest commit of the default one)."
)
@click.option("--branch", default="", metavar="NAME", help="The branch to push (default: llmops/upgrade/CONFIG/MODEL).")
@click.option("--push", is_flag=True, help="Push a branch with the upgrade instead of editing the work tree.")
@click.option("--pull-request", "pull_request", is_flag=True, help="Push a branch and open a pull request with the evidence.")
@click.option("--anyway", is_flag=True, help="Push and open it even where the gate says no.")
@click.option("--no-eval", is_flag=True, help="Do not evaluate: leave that to the pull request's own checks.")
@click.option("--max-usd", type=click.FloatRange(0), callback=a_number, metavar="USD", help="Spend at most this much.")
@dry_run_option
@format_option()
def command(
    configs: tuple[str, ...], model: str, provider: str, old: str, base: str | None, branch: str,
    push: bool, pull_request: bool, anyway: bool, no_eval: bool, max_usd: float | None, dry_run: bool, form: str,
) -> int:  # fmt: skip
    """Pin CONFIGS (names, or paths of judges) to another model: the id changes, and no other byte of the file.

    Exit code: 0 done and the gate lets it through, 1 it does not, 2 files or usage are wrong, 3 not measured.
    """
    from llmops_git.commands.project import open_project
    from llmops_git.commands.upgrade_shown import exit_code_of, show_upgrade
    from llmops_git.configs.upgrade import Wanted

    if not configs and not old:
        raise click.UsageError("which config? llmops-git upgrade CONFIG --model ID, or --from OLD --model ID")
    if (branch or anyway) and not (push or pull_request):
        raise click.UsageError("--branch and --anyway are for --push and --pull-request")
    project = open_project()
    wanted = Wanted(model=model, provider=provider, configs=configs, old=old)
    measuring = _Measuring(project, evaluates=not (no_eval or dry_run), max_usd=max_usd)
    if push or pull_request:
        how = _How(branch=branch, pull_request=pull_request, anyway=anyway, dry_run=dry_run)
        done = _on_branch(project, wanted, measuring, base or "", how)
    else:
        done = _in_work_tree(project, wanted, measuring, base or "HEAD", dry_run=dry_run)
    show_upgrade(done, form)
    return exit_code_of(done)


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """What to do with a branch."""

    branch: str
    pull_request: bool
    anyway: bool
    dry_run: bool


class _Measuring:
    """Evaluates an upgrade from the command line, if it is to be evaluated at all."""

    def __init__(self, project: Project, *, evaluates: bool, max_usd: float | None) -> None:
        self._project = project
        self._evaluates = evaluates
        self._max_usd = max_usd

    def __call__(self, upgrade: Upgrade, base: str, head: str | None) -> Evaluated | None:
        from llmops_git.commands.candidates import with_limits
        from llmops_git.commands.runs import keep_run
        from llmops_git.commands.showing import progress
        from llmops_git.commands.upgrading import evaluate_upgrade, settings_of

        if not self._evaluates:
            return None
        project = self._project
        policy = with_limits(project.policy(project.tree(base)), max_usd=self._max_usd, max_requests=None)
        with progress() as on_progress:
            settings = replace(settings_of(project, policy), on_progress=on_progress)
            evaluated = evaluate_upgrade(project, upgrade, base=base, head=head, policy=policy, settings=settings)
        click.echo(f"run folder: {keep_run(project, evaluated, None)}", err=True)
        return evaluated


def _in_work_tree(project: Project, wanted: Wanted, measuring: _Measuring, base: str, *, dry_run: bool) -> Done:
    """Edit the files of the work tree, and evaluate them."""
    from llmops_git.commands.upgrade_shown import Done
    from llmops_git.commands.upgrading import plan_upgrade, write_edits

    folder = project.git.location.work_tree
    if folder is None:
        raise LlmopsError("a bare repository has no files to edit", hint="--push, or --pull-request")
    commit = project.git.resolve(base)
    upgrade = plan_upgrade(project, project.tree(None), wanted, folder=folder)
    if not dry_run:
        write_edits(folder, upgrade)
    return Done(upgrade=upgrade, base=commit, evaluated=measuring(upgrade, commit, None), dry_run=dry_run)


def _on_branch(project: Project, wanted: Wanted, measuring: _Measuring, base: str, how: _How) -> Done:
    """Push a branch with the upgrade and, if asked for, open its pull request."""
    from datetime import UTC, datetime

    from llmops_git.commands.forge_here import forge_here
    from llmops_git.commands.proposing import ground_of, open_pull_request, propose_upgrade, publish, reasons_of
    from llmops_git.commands.upgrade_shown import Done

    now = datetime.now(UTC)
    ground = ground_of(project, base)
    forge = forge_here(project.git, ground.remote, "upgrade").forge if how.pull_request and not how.dry_run else None
    proposed = propose_upgrade(project, ground, wanted, branch=how.branch, now=now)
    evaluated = measuring(proposed.upgrade, ground.base, proposed.proposal.commit)
    done = Done(
        upgrade=proposed.upgrade,
        base=ground.base,
        evaluated=evaluated,
        dry_run=how.dry_run,
        anyway=how.anyway,
        branch=proposed.proposal.branch,
        commit=proposed.proposal.commit,
    )
    if how.dry_run or not (done.gate_passes or how.anyway):
        return done
    publish(project, ground, proposed)
    done = replace(done, pushed=True)
    if forge is None:
        return done
    reasons = reasons_of(project.policy(project.tree(ground.base)), proposed.upgrade.edits, now.date())
    return replace(done, pull_request=open_pull_request(forge, ground, proposed, evaluated, reasons=reasons).url)
