"""Promotions that wait for somebody: the deployment's commit on a branch, a status that vouches for it, a pull request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from llmops_git.commands.deploying import checked
from llmops_git.commands.state import State, actor_of
from llmops_git.forges.base import ForgeError
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.forges.base import Forge
    from llmops_git.releases.deploy import Step
    from llmops_git.releases.propose import Proposed
    from llmops_git.releases.rules import Nothing
    from llmops_git.releases.values import Registry
    from llmops_git.reports.promotion import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """Where pull requests are opened: the forge, its address for links ("" where it is not known), the page of this run."""

    forge: Forge
    server: str = ""
    run_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A pull request that is open now. `warning` says what could not be done besides."""

    proposed: Proposed
    title: str
    url: str
    warning: str = ""


def propose_step(
    state: State, environment: str, decide: Callable[[Registry], Step | Nothing], hall: Hall, *, dry_run: bool
) -> Opened | Nothing:
    """Open a pull request for what `decide` says, or bring the one that is open up to date. The environment stays as it is.

    In a dry run nothing is pushed, and the forge given is told all the same. Raises what `deploy_step` raises, and ForgeError.
    """
    from llmops_git.commands.signing import signing_of
    from llmops_git.releases.environments import BRANCH_PREFIX
    from llmops_git.releases.propose import propose
    from llmops_git.releases.rules import Nothing
    from llmops_git.reports.promotion import promotion_body, promotion_title

    actor = state.actor or actor_of(state.project)
    proposed = propose(
        state.project.git,
        state.remote,
        environment,
        checked(state, decide),
        load=state.load,
        actor=actor,
        dry_run=dry_run,
        signing=signing_of(state),
    )
    if isinstance(proposed, Nothing):
        return proposed
    waiting = _waiting(state, proposed, hall, actor)
    title = promotion_title(waiting)
    warning = _vouch(hall, proposed, title)
    found = hall.forge.open_pull_request(
        branch=proposed.branch, into=f"{BRANCH_PREFIX}{environment}", title=title, body=promotion_body(waiting)
    )
    return Opened(proposed=proposed, title=title, url=found.url, warning=warning)


def _vouch(hall: Hall, proposed: Proposed, title: str) -> str:
    """Set the status on exactly the commit that was made here; what kept us from it, or ""."""
    from llmops_git.reports.promotion import STATUS

    commit = proposed.deployed.commit
    try:
        hall.forge.set_status(commit, "success", context=STATUS, description=f"made by llmops-git: {title}", url=hall.run_url)
    except ForgeError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return f"the status {STATUS} could not be set on {commit[:12]}: {error.message}{hint}"
    return ""


def _waiting(state: State, proposed: Proposed, hall: Hall, actor: str) -> Waiting:
    from llmops_git.commands.evaluate import change_between
    from llmops_git.reports.promotion import Waiting

    done = proposed.deployed
    running = state.registry.find(done.previous) if done.previous else None
    before, after = (state.load_or_none(release) if release else None for release in (running, done.step.release))
    known = after is not None and (before is not None or not done.previous)
    change = change_between(before, after) if after is not None and known else None
    return Waiting(
        step=done.step,
        environment=done.environment,
        commit=done.commit,
        actor=actor,
        running=running,
        running_name=done.previous,
        change=change,
        server=hall.server,
        repository=hall.forge.repository,
    )


def carry_out(
    state: State, environment: str, decide: Callable[[Registry], Step | Nothing], *, pull_request: bool, dry_run: bool
) -> None:
    """Deploy what `decide` says, or open a pull request for it, and say what was done."""
    from llmops_git.commands.deploying import deploy_step, show_deployed

    if not pull_request:
        show_deployed(deploy_step(state, environment, decide, dry_run=dry_run), dry_run=dry_run)
        return
    if dry_run:
        # a forge that only writes files has nothing to tell a person; what would be promoted is the same either way
        done = deploy_step(state, environment, decide, dry_run=True)
        show_deployed(done, dry_run=True)
        return
    show_opened(propose_step(state, environment, decide, hall_here(state), dry_run=False), dry_run=False)


def hall_here(state: State) -> Hall:
    """The forge that the remote is on, with the token of this shell. Raises LlmopsError where there is none."""
    from llmops_git.commands.forge_here import forge_here

    here = forge_here(state.project.git, state.remote, "promote")
    return Hall(forge=here.forge, server=here.server)


def show_opened(done: Opened | Nothing, *, dry_run: bool) -> None:
    """One line: the pull request, and what it would change."""
    from llmops_git.releases.rules import Nothing

    if isinstance(done, Nothing):
        click.echo(f"nothing to do: {clean(done.reason)}")
        return
    verb = "would propose" if dry_run else "proposed"
    click.echo(f"{verb} to {clean(done.title)}: {clean(done.url)}")
    if done.warning:
        click.echo(f"warning: {clean(done.warning)}", err=True)
