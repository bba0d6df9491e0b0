"""`llmops-git mine`: turn live failures into cases of the eval set that need a label, and propose them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from llmops_git.commands.eval import a_number
from llmops_git.commands.project import format_option
from llmops_git.commands.state import dry_run_option
from llmops_git.commands.stored import since_option, store_option
from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.monitoring.mining import DEFAULT

if TYPE_CHECKING:
    from llmops_git.commands.cleaning import Clean
    from llmops_git.commands.mining import Dig
    from llmops_git.commands.mining_rows import Mined
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config
    from llmops_git.monitoring.mining import Wish


@click.command("mine")
@click.argument("configs", nargs=-1)
@click.option("--from", "wanted", default=DEFAULT, show_default=True, metavar="KINDS",
              help="What counts as a failure, separated by commas.")  # fmt: skip
@since_option("7d")
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True, metavar="N", help="At most N new cases.")
@store_option
@click.option("--environment", metavar="ENV", help="Whose release is asked again (default: production, else the last one).")
@click.option("--repeats", type=click.IntRange(0, 20), default=3, show_default=True, metavar="N",
              help="How often each request is asked again; 0: not at all.")  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0), callback=a_number, metavar="USD", help="Spend at most this much on that.")
@click.option("--must-pass", is_flag=True, help="Cases that have to pass: until they do, no change gets through the gate.")
@click.option("--push", is_flag=True, help="Push a branch with the cases instead of editing the work tree.")
@click.option("--pull-request", "pull_request", is_flag=True, help="Push a branch and open a pull request.")
@click.option("--branch", default="", metavar="NAME", help="The branch to push (default: llmops/mine/DATE).")
@click.option("--label", is_flag=True, help="Ask for the labels of the cases here that need one, instead of making any.")
@dry_run_option
@format_option()
def command(
    configs: tuple[str, ...], wanted: str, since: timedelta, limit: int, store: str | None, environment: str | None,
    repeats: int, max_usd: float | None, must_pass: bool, push: bool, pull_request: bool, branch: str, label: bool,
    dry_run: bool, form: str,
) -> int:  # fmt: skip
    """Make cases of the worst live failures of all configs, or of the CONFIGS named. They need a label from a person.

    Exit code: 0 done, also where nothing was found; 2 files or usage are wrong, 3 the store or the remote cannot be read.
    """
    from llmops_git.commands.candidates import with_limits
    from llmops_git.commands.mining_shown import Done, show_mined
    from llmops_git.commands.project import open_project
    from llmops_git.commands.proposing import ground_of
    from llmops_git.monitoring.mining import read_wishes

    if branch and not (push or pull_request):
        raise click.UsageError("--branch is for --push and --pull-request")
    if label:
        from llmops_git.commands.mining_label import label_cases

        if push or pull_request or dry_run or form == "json":
            raise click.UsageError("--label asks here, and edits the work tree: it goes with CONFIGS only")
        return label_cases(open_project(), configs)
    now = datetime.now(UTC)
    asked = _Asked(
        configs=configs, wishes=read_wishes(wanted), since=now - since, limit=limit, store=store, environment=environment,
        repeats=0 if dry_run else repeats, must_pass=must_pass,
    )  # fmt: skip
    project = open_project()
    ground = ground_of(project) if push or pull_request else None
    if ground is not None and pull_request and not dry_run:
        from llmops_git.commands.forge_here import forge_here

        forge_here(project.git, ground.remote, "mine")  # a missing token is said before anybody is asked and paid
    tree = project.tree(ground.base if ground else None)
    policy = with_limits(project.policy(tree), max_usd=max_usd, max_requests=None)
    made = _mine(project, tree, policy, asked, remote=ground.remote if ground else _remote(project, policy))
    done = Done(dig=made.dig, edits=made.edits, dry_run=dry_run, unseen=made.unseen)
    if ground is not None and made.edits:
        from llmops_git.commands.mining_proposed import propose

        done = propose(project, ground, done, branch=branch, now=now, pull_request=pull_request)
    elif made.edits and not dry_run:
        _write(project, made.edits)
    show_mined(done, form)
    return EXIT_OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked for."""

    configs: tuple[str, ...]
    wishes: tuple[Wish, ...]
    since: datetime
    limit: int
    store: str | None
    environment: str | None
    repeats: int
    must_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What came of it: the cases, the files that change, and what redaction did not look for."""

    dig: Dig
    edits: dict[str, bytes]
    unseen: tuple[str, ...]


def _mine(project: Project, tree: Tree, policy: Policy, asked: _Asked, *, remote: str | None) -> _Made:
    """Read, choose, ask again; nothing is written. Raises LlmopsError where the store is not there."""
    import os

    from llmops_git.commands.cleaning import cleaner
    from llmops_git.commands.mining import dig, reviewed_traces
    from llmops_git.commands.mining_proposed import edits_of, waiting_cases
    from llmops_git.commands.stored import stored_traces

    configs = _configs(project, tree, asked.configs)
    clean, unseen = cleaner(policy, os.environ)
    known = {
        name: [*evaluation.cases, *evaluation.unlabelled]
        for name, config in configs.items()
        if (evaluation := config.evaluation) is not None
    }
    for name, case in waiting_cases(project, remote, configs):
        known[name].append(case)
    with stored_traces(project, asked.store).connection() as connection:
        made = dig(
            connection, configs, wishes=asked.wishes, since=asked.since, limit=asked.limit, known=known, clean=clean,
            allowed_scorers=policy.allowed_scorers,
            labels=reviewed_traces(tree, project.root),
        )  # fmt: skip
    made = replace(made, mined=[replace(one, must_pass=asked.must_pass) for one in made.mined])
    if asked.repeats and made.mined:
        made = replace(made, mined=_again(project, policy, asked, made, configs, clean))
    return _Made(dig=made, edits=edits_of(project, tree, made.mined), unseen=unseen)


def _configs(project: Project, tree: Tree, names: tuple[str, ...]) -> dict[str, Config]:
    """The configs named, or all, that have an eval set, by name. Raises LlmopsError where there are none."""
    loaded = [project.load(tree, name) for name in names or project.configs(tree)]
    found = {config.name: config for config in loaded if config.evaluation is not None}
    bare = [config.name for config in loaded if config.evaluation is None]
    if (names and bare) or not found:
        who = f"`{bare[0]}` has" if bare else "there is no config that has"
        raise LlmopsError(f"{who} no `evaluation:` section, and so no eval set that cases could go to", hint="llmops-git check")
    return found


def _again(project: Project, policy: Policy, asked: _Asked, made: Dig, configs: dict[str, Config], clean: Clean) -> list[Mined]:
    """The cases with what asking them again came to."""
    from llmops_git.commands.candidates import production_environment
    from llmops_git.commands.evaluate import replies_folder
    from llmops_git.commands.mining_again import Servers, asked_again
    from llmops_git.commands.showing import progress, show_plan
    from llmops_git.commands.trial import Settings

    servers = Servers(project, policy, production_environment(policy, asked.environment), configs.__getitem__)
    evaluations = {name: config.evaluation for name, config in configs.items() if config.evaluation is not None}
    with progress() as on_progress:
        settings = Settings(replies=replies_folder(project), on_plan=show_plan, on_progress=on_progress)
        return list(
            asked_again(
                made.mined, servers, evaluations=evaluations.__getitem__, policy=policy, settings=settings,
                repeats=asked.repeats, clean=clean,
            )
        )  # fmt: skip


def _remote(project: Project, policy: Policy) -> str | None:
    """The remote whose proposals are looked at; None where it cannot be told: a local run should not fail for that."""
    from llmops_git.repo.refs import remote_in_use

    try:
        return remote_in_use(project.git, policy.remote)
    except LlmopsError:
        return None


def _write(project: Project, edits: dict[str, bytes]) -> None:
    """Write the files into the work tree. Raises LlmopsError."""
    folder = project.git.location.work_tree
    if folder is None:
        raise LlmopsError("a bare repository has no files to edit", hint="--push, or --pull-request")
    for path, data in edits.items():
        try:
            (folder / path).write_bytes(data)
        except OSError as error:
            raise LlmopsError(f"{path} could not be written: {error.strerror}") from None
