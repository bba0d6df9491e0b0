"""`llmops-git rollback`: go back to the release that ran before, and hold automatic promotion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from llmops_git.commands.signing import sign_option
from llmops_git.commands.state import dry_run_option
from llmops_git.errors import EXIT_OK, GateRefused, LlmopsError, NotMeasured
from llmops_git.releases.tags import parse_tag

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.releases.deploy import Step
    from llmops_git.releases.rules import Nothing
    from llmops_git.releases.values import Registry, Release, Running


@click.command("rollback")
@click.argument("config")
@click.option("--in", "environment", metavar="ENV", required=True, help="The environment to roll back in.")
@click.option("--to", "version", metavar="VERSION", help="Go back to this release (default: the one that ran before).")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept in the environment's history.")
@click.option("--pull-request", is_flag=True, help="Open a pull request into the environment's branch instead.")
@sign_option
@dry_run_option
def command(
    config: str, environment: str, version: str | None, reason: str, pull_request: bool, sign: bool | None, dry_run: bool
) -> int:
    """Make the release that ran before run again in an environment.

    Releases that were rolled back are skipped. Automatic promotion of CONFIG to this environment stays off until
    someone promotes by hand.
    """
    from llmops_git.commands.promotion import carry_out
    from llmops_git.commands.state import environment_of, read_state

    state = read_state(fetch=True, sign=sign)
    environment_of(state.policy, environment)
    decide = going_back(state, environment, config, version or "", reason)
    carry_out(state, environment, decide, pull_request=pull_request, dry_run=dry_run)
    return EXIT_OK


def going_back(state: State, environment: str, config: str, version: str, reason: str) -> Callable[[Registry], Step | Nothing]:
    """The decision to go back, from what runs when it is asked for the first time (`version` "": to what ran before)."""
    first: list[tuple[Running | None, Step | Nothing]] = []

    def decide(registry: Registry) -> Step | Nothing:
        now = registry.running(environment, config)
        if first:
            return _still_meant(now, *first[0])
        first.append((now, _decide(state, registry, environment, config, version, reason)))
        return first[0][1]

    return decide


def _still_meant(now: Running | None, before: Running | None, planned: Step | Nothing) -> Step | Nothing:
    """After a lost race: the rollback is from what ran when it was asked for, so that two people who roll back the same
    release at the same time go back once and not twice. Raises GateRefused when something else runs by now."""
    from llmops_git.releases.rules import Nothing

    if isinstance(planned, Nothing) or now == before:
        return planned
    runs = now.release if now else "nothing"
    if now is not None and now.tag_object == planned.release.tag_object:
        return Nothing(reason=f"{runs} runs already: somebody else went back to it")
    was = before.release if before else "nothing"
    raise GateRefused(f"nothing was rolled back: {was} ran when you asked, {runs} runs now", hint="llmops-git status --fetch")


def _decide(state: State, registry: Registry, environment: str, config: str, version: str, reason: str) -> Step | Nothing:
    """What to go back to. Its bundle is the one that ran then, byte for byte."""
    from llmops_git.releases.deploy import Step
    from llmops_git.releases.history import read_history
    from llmops_git.releases.rules import Nothing, find_release, rollback_target

    now = registry.running(environment, config)
    if now is None:
        raise LlmopsError(f"`{config}` does not run in {environment}", hint="llmops-git status")
    history = [
        step.running for step in read_history(state.project.git, registry.environments[environment].tip)
        if step.running.config == config
    ]  # fmt: skip
    if version:
        release = find_release(registry, config, version)
        if release.tag_object == now.tag_object:
            return Nothing(reason=f"{release.name} already runs in {environment}")
    else:
        release = _release_of(registry, _target(state, registry, environment, config, rollback_target(history)))
    earlier = [step.bundle for step in history if step.tag_object == release.tag_object]
    return Step(release=release, action="rollback", bundle=earlier[-1] if earlier else "", reason=reason)


def _target(state: State, registry: Registry, environment: str, config: str, target: Running | None) -> Running:
    from llmops_git.releases.history import history_is_cut

    if target is not None:
        return target
    other = _another(registry, environment, config)
    hint = f"llmops-git rollback {config} --in {environment} --to {other}" if other else f"llmops-git log {config}"
    if history_is_cut(state.project.git, registry.environments[environment].tip):
        raise NotMeasured(f"this shallow clone does not have the whole history of {environment}", hint=hint)
    raise LlmopsError(f"nothing else of `{config}` ran in {environment} before", hint=hint)


def _another(registry: Registry, environment: str, config: str) -> str:
    """A version to go back to by name: the one before what runs now, else the newest other one, else ""."""
    now = registry.running(environment, config)
    others = [release for release in registry.releases.get(config, ()) if now is None or release.name != now.release]
    running = parse_tag(now.release) if now else None
    before = [release for release in others if running is not None and release.tag.version < running.version]
    return str((before or others)[-1].tag.version) if others else ""


def _release_of(registry: Registry, target: Running) -> Release:
    """The release that ran then; its tag must still be the one that was deployed. Raises Tampered, NotMeasured."""
    from llmops_git.repo.fetch import tampered

    release = registry.find(target.release)
    if release is None:
        raise NotMeasured(f"the tag {target.release} that ran before is not in this clone", hint="llmops-git verify --remote")
    if release.tag_object != target.tag_object:
        raise tampered([f"tag `{target.release}` was moved: {target.tag_object} was deployed, {release.tag_object} is here"])
    return release
