"""`llmops-git diff`: which configs changed, how, and why."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from llmops_git.errors import EXIT_GATE, EXIT_OK, EXIT_USAGE, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.repo.changes import ChangeSet
    from llmops_git.repo.index import Index

PRODUCTION = "production"


@click.command("diff")
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option("--production", is_flag=True, help="Compare with what runs in production.")
@click.option("--environment", metavar="NAME", help="Compare with what runs in this environment.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@click.option("--exit-code", is_flag=True, help="End with 1 when a config changed.")
def command(base: str | None, head: str | None, production: bool, environment: str | None, form: str, exit_code: bool) -> int:
    """Show which configs changed from BASE to HEAD: field by field, why, and the version it asks for.

    BASE is the merge base with the default branch unless named, HEAD the work tree. A file that was only reformatted or
    commented is no change; a shared include that changed is a change of every config that reaches it.
    """
    from llmops_git.commands.project import open_project
    from llmops_git.repo.index import open_index

    environment = environment or (PRODUCTION if production else None)
    if environment is not None and head is not None:
        raise click.UsageError(f"{environment} is one side: name only the other one")
    project = open_project()
    with _without_collection(), open_index(project.git, project.root) or nullcontext() as index:
        if environment is not None:
            changes = _against_running(project, environment, base, index)
        else:
            changes = _between(project, base, head, index)
    _show(changes, environment or changes.base_oid, form)
    if any(problem.severity == "error" for change in changes.changes for problem in change.problems):
        return EXIT_USAGE
    return EXIT_GATE if exit_code and changes.changes else EXIT_OK


@contextmanager
def _without_collection() -> Iterator[None]:
    """What a short command makes, it keeps to its end: looking for rubbish in it only costs time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _between(project: Project, base: str | None, head: str | None, index: Index | None) -> ChangeSet:
    from llmops_git.repo.changes import compute_changes

    return compute_changes(project.git, base, head, root=project.root, index=index, check=False, load=False)


def _against_running(project: Project, environment: str, head: str | None, index: Index | None) -> ChangeSet:
    from llmops_git.releases.environments import running_configs
    from llmops_git.repo.changes import running_changes
    from llmops_git.repo.project_policy import selecting_policy

    remote = selecting_policy(project.tree(None), project.root, index).remote
    running = running_configs(project.git, environment, remote=remote)
    if not running:
        raise LlmopsError(
            f"nothing runs in `{environment}`", hint="git fetch, or llmops-git promote CONFIG --to " + environment
        )
    commits = {name: item.commit for name, item in running.items()}
    return running_changes(project.git, commits, head, root=project.root, index=index, check=False, load=False)


def _show(changes: ChangeSet, base: str, form: str) -> None:
    from llmops_git.reports.changes import changes_document, render_changes

    if form == "json":
        from llmops_git.commands.project import emit_json

        emit_json(changes_document(changes.changes, base, changes.head_name, changes.total_configs))
        return
    from llmops_git.commands.project import terminal

    text = render_changes(changes.changes, base=base, head=changes.head_name, total=changes.total_configs, **terminal())
    click.echo(text)
