"""`llmops-git merge`: put the shards of a run together, and gate the change on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from llmops_git.commands.assemble import Label
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Candidate, Evaluated, Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.evals.shard_file import Measured, ShardRecord
    from llmops_git.repo.changes import ChangeSet


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER…",
                type=click.Path(path_type=Path, exists=True, file_okay=False))  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="The run folder (default: .llmops/runs/<time>)."
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def command(folders: tuple[Path, ...], output: Path | None, form: str) -> int:
    """Make one run of all shards that `eval --shard` left in FOLDER…, compare and gate it.

    A folder may also hold the folders of shards. No case is asked again: what is compared comes from the repository, what was
    measured from the shards. Guardrail packs are measured here, and only rules that ask a judge send anything.

    Exit code: as `eval`.
    """
    from llmops_git.commands.project import open_project
    from llmops_git.commands.runs import check_output, keep_run
    from llmops_git.commands.showing import gate_exit_code, show_report
    from llmops_git.evals.merge import complete
    from llmops_git.evals.shard_file import read_shard_folder

    found = shard_folders(folders)
    records = complete([read_shard_folder(folder) for folder in found])
    if output is not None:
        refuse_input(output, found)
        check_output(output)
    project = open_project()
    evaluated = _merged(project, records, found)
    folder = keep_run(project, evaluated, output)
    show_report(evaluated.report, form)
    click.echo(f"run folder: {folder}", err=True)
    return gate_exit_code(evaluated.report)


def shard_folders(folders: Sequence[Path]) -> list[Path]:
    """The folders with a `run.json`: those named, or those in them. Raises LlmopsError for one that has none."""
    from llmops_git.errors import LlmopsError
    from llmops_git.evals.folder import RUNS_FILE

    found = []
    for folder in folders:
        inside = [folder] if (folder / RUNS_FILE).is_file() else sorted(path.parent for path in folder.glob(f"*/{RUNS_FILE}"))
        if not inside:
            raise LlmopsError(f"{folder} holds no shard", hint="llmops-git eval --shard I/N --output FOLDER")
        found += inside
    return found


def refuse_input(output: Path, folders: Sequence[Path]) -> None:
    """Raises LlmopsError where the result would be written over a shard."""
    from llmops_git.errors import LlmopsError

    if output.resolve() in {folder.resolve() for folder in folders}:
        raise LlmopsError(f"{output} is one of the shards", hint="--output FOLDER that is none of them")


def _merged(project: Project, records: Sequence[ShardRecord], folders: Sequence[Path]) -> Evaluated:
    """The evaluation, of what the shards say that they measured; that they did is checked on the digests of the files."""
    from llmops_git.commands.candidates import candidates_of
    from llmops_git.commands.eval import root_of
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.commands.guard_trials import guarded_by
    from llmops_git.commands.guarding import with_guardrails
    from llmops_git.commands.merging import merge_shards
    from llmops_git.commands.sharding import measured
    from llmops_git.commands.trial import Settings
    from llmops_git.evals.folder import read_spans
    from llmops_git.evals.merge import check_same
    from llmops_git.repo.changes import compute_changes

    of = records[0].of
    head = None if of.head == "worktree" else of.head
    base = project.git.resolve(of.base) if of.base else ""
    project.root = root_of(project, base)
    changes = compute_changes(project.git, base, head, root=project.root)
    policy = project.policy(project.tree(base if of.policy_side == "base" and base else head))
    settings = Settings(replies=None, repeats=of.repeats or None)
    check_same(
        of, measured(changes, policy, side=of.policy_side, configs=of.configs, environment=of.environment, settings=settings)
    )
    guarded = guarded_by(project, changes, policy, names=of.configs)
    merged = merge_shards(
        records,
        candidates_of(project, changes, names=of.configs, policy=policy, environment=of.environment or None),
        spans=chain.from_iterable(read_spans(folder) for folder in folders),
        policy=policy,
        label=_label(changes, of.configs),
        started=datetime.now(UTC),
    )
    return with_guardrails(merged, guarded, policy=policy, settings=Settings(replies=replies_folder(project)))


def evaluate_on_ray(
    candidates: Sequence[Candidate], *, of: Measured, policy: Policy, settings: Settings, changes: ChangeSet
) -> Evaluated:
    """The evaluation, measured by the workers of a Ray cluster and decided here."""
    from llmops_git.commands.merging import merge_shards
    from llmops_git.commands.ray_executor import ray_shards
    from llmops_git.evals.merge import complete

    started = datetime.now(UTC)
    records, spans = ray_shards(candidates, of=of, policy=policy, settings=settings, total=changes.total_configs)
    label = _label(changes, of.configs)
    return merge_shards(complete(records), candidates, spans=spans, policy=policy, label=label, started=started)


def _label(changes: ChangeSet, names: Sequence[str]) -> Label:
    from llmops_git.commands.assemble import Label

    removed = [change for change in changes.changes if change.status == "removed" and not names]
    return Label(base=changes.base_oid, head=changes.head_name, total=changes.total_configs, removed=removed)
