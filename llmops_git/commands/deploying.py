"""Deploys for `promote`, `rollback` and `release --promote`: decide on the newest state, append, say what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from llmops_git.commands.state import State, actor_of
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.configs.policy import Environment
    from llmops_git.releases.deploy import Deployed, Step
    from llmops_git.releases.rules import Nothing
    from llmops_git.releases.values import Registry, Release


def deploy_step(
    state: State, environment: str, decide: Callable[[Registry], Step | Nothing], *, dry_run: bool
) -> Deployed | Nothing:
    """Deploy what `decide` says, after checking that the release is on the remote as it is here, and signed where the default
    branch's policy requires it."""
    from llmops_git.commands.signing import signing_of
    from llmops_git.releases.deploy import deploy

    return deploy(
        state.project.git,
        state.remote,
        environment,
        checked(state, decide),
        load=state.load,
        actor=state.actor or actor_of(state.project),
        dry_run=dry_run,
        signing=signing_of(state),
    )


def checked(state: State, decide: Callable[[Registry], Step | Nothing]) -> Callable[[Registry], Step | Nothing]:
    """The same decision, where the release is on the remote as it is here, and signed where that is required."""

    def decide_and_check(registry: Registry) -> Step | Nothing:
        from llmops_git.commands.signing import trust_of
        from llmops_git.releases.deploy import Step
        from llmops_git.releases.pins import require_own_name
        from llmops_git.releases.signed import require_signed

        step = decide(registry)
        if isinstance(step, Step):
            require_own_name(step.release)
            require_published(state, step.release)
            require_signed(state.project.git, trust_of(state), registry, step.release)
        return step

    return decide_and_check


def require_published(state: State, release: Release) -> None:
    """An environment must not name a tag that others cannot fetch. Raises LlmopsError, or Tampered when it was moved."""
    from llmops_git.repo.fetch import moved_tags, tampered
    from llmops_git.repo.refs import list_remote

    if state.remote is None:
        return
    theirs = list_remote(state.project.git, state.remote, release.tag.ref)
    alarms = moved_tags(theirs, {release.tag.ref: release.tag_object})
    if alarms:
        raise tampered(alarms)
    if release.tag.ref not in theirs:
        raise LlmopsError(
            f"{release.name} is not on the remote `{state.remote}`", hint=f"git push {state.remote} {release.tag.ref}"
        )


def show_deployed(done: Deployed | Nothing, *, dry_run: bool, error: bool = False) -> None:
    """One line: what runs now, what ran before, the commit."""
    from llmops_git.releases.rules import Nothing

    if isinstance(done, Nothing):
        click.echo(f"nothing to do: {clean(done.reason)}", err=error)
        return
    release = done.step.release
    before = f" (before: {done.previous.rpartition('/')[2]})" if done.previous else ""
    verb = {"promote": "promoted", "rollback": "rolled back"}[done.step.action]
    if dry_run:
        verb = {"promote": "would promote", "rollback": "would roll back"}[done.step.action]
    place = "to" if done.step.action == "promote" else "in"
    version = f"to v{release.tag.version}" if done.step.action == "rollback" else f"v{release.tag.version}"
    commit = f" commit {done.commit[:12]}" if done.commit else ""
    click.echo(f"{verb} {release.tag.config} {version} {place} {done.environment}{before}{commit}", err=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What automatic promotion did. `held` says what it left alone after a rollback; `failure` is the first thing that went
    wrong, after which everything else that could be done was done."""

    deployed: tuple[Deployed, ...] = ()
    held: tuple[str, ...] = ()
    failure: LlmopsError | None = None


def promote_automatically(state: State, configs: Sequence[str], *, dry_run: bool, quiet: bool = False) -> Promoted:
    """Bring every environment with `promote: automatic` up to date, in promotion order; say what is done and what is held.

    `quiet` keeps standard output for other data: then everything is said on standard error.
    """
    from llmops_git.commands.neighbours import names_of_neighbours
    from llmops_git.releases.deploy import Deployed
    from llmops_git.releases.registry import read_registry
    from llmops_git.releases.rules import Nothing, automatic_release, in_order

    deployed: list[Deployed] = []
    held: list[str] = []
    failures: list[LlmopsError] = []
    strange = {} if configs else names_of_neighbours(state.project, state.project.tree("HEAD"))
    for environment in in_order(state.policy.environments):
        if environment.promote != "automatic":
            continue
        registry = read_registry(state.project.git, remote=state.remote)
        for config in configs or [name for name in registry.releases if name not in strange]:
            first = automatic_release(registry, environment, config)
            if isinstance(first, Nothing):
                if first.held:
                    held.append(first.reason)
                    click.echo(clean(first.reason), err=True)
                continue
            try:
                done = deploy_step(state, environment.name, automatically(environment, config), dry_run=dry_run)
            except LlmopsError as error:
                failures.append(error)
                if stops_all(error):
                    return Promoted(deployed=tuple(deployed), held=tuple(held), failure=failures[0])
                continue
            show_deployed(done, dry_run=dry_run, error=quiet)
            if isinstance(done, Deployed):
                deployed.append(done)
    return Promoted(deployed=tuple(deployed), held=tuple(held), failure=next(iter(failures), None))


def automatically(environment: Environment, config: str) -> Callable[[Registry], Step | Nothing]:
    """The rule of automatic promotion, for `deploy_step`."""

    def decide(now: Registry) -> Step | Nothing:
        from llmops_git.releases.deploy import Step
        from llmops_git.releases.rules import Nothing, automatic_release

        release = automatic_release(now, environment, config)
        return release if isinstance(release, Nothing) else Step(release=release, action="promote")

    return decide


def stops_all(error: LlmopsError) -> bool:
    """Whether what went wrong with one config would go wrong with all of them, or must be looked at before anything is done."""
    from llmops_git.repo.fetch import Tampered

    return isinstance(error, NotMeasured | Tampered)
