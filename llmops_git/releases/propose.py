"""Proposes a deployment: its commit on a branch of its own, to be merged into the environment's branch by a pull request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.releases.deploy import Deployed, Step, make_deployment
from llmops_git.releases.environments import environment_ref
from llmops_git.releases.messages import format_message
from llmops_git.releases.race import LostRace, publish_or_lose, until_published
from llmops_git.releases.registry import read_registry
from llmops_git.releases.rules import Nothing
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.fetch import fetch_state
from llmops_git.repo.objects import read_objects
from llmops_git.repo.publish import Update
from llmops_git.repo.replace import branch_tip, replace_branch
from llmops_git.repo.sign import UNSIGNED, Signing
from llmops_git.repo.write import Writer

if TYPE_CHECKING:
    from llmops_git.configs.values import Config
    from llmops_git.repo.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A deployment that waits to be merged. `deployed.commit` is the proposed commit, `base` the environment's tip below it
    ("" in a dry run, where the environment has no branch yet)."""

    deployed: Deployed
    branch: str
    base: str


def proposal_branch(environment: str, step: Step) -> str:
    """The branch of a proposed deployment. It is beside the environments, so their rules do not hold for it."""
    return f"llmops/{step.action}/{environment}/{step.release.tag.config}-{step.release.tag.version}"


def propose(
    git: Git,
    remote: str | None,
    environment: str,
    decide: Callable[[Registry], Step | Nothing],
    *,
    load: Callable[[Release], Config],
    actor: str,
    dry_run: bool = False,
    signing: Signing = UNSIGNED,
) -> Proposed | Nothing:
    """Push the deployment that `decide` says to a branch of its own; the environment stays as it is.

    Proposing the same again on top of the same deployment is the same commit. Raises what `deploy` raises, and LlmopsError
    without a remote.
    """
    if remote is None:
        raise LlmopsError("a pull request needs a remote", hint="git remote add origin URL")
    writer = Writer(git, signing)

    def attempt(number: int) -> Proposed | Nothing:
        if number:
            fetch_state(git, remote)
        registry = read_registry(git, remote=remote)
        step = decide(registry)
        if isinstance(step, Nothing):
            return step
        state = registry.environments.get(environment)
        tip = state.tip if state else ""
        if not tip and not dry_run:
            tip = _found(git, remote, writer, environment, actor=actor)
        now = registry.running(environment, step.release.tag.config)
        done = Deployed(environment=environment, step=step, previous=now.release if now else "", commit="")
        made = make_deployment(writer, registry, done, tip=tip or None, load=load, actor=actor).new
        branch = proposal_branch(environment, step)
        commit = made if dry_run else _push(git, remote, branch, made)
        return Proposed(deployed=replace(done, commit=commit), branch=branch, base=tip)

    return until_published(attempt)


def _found(git: Git, remote: str, writer: Writer, environment: str, *, actor: str) -> str:
    """An environment without deployments: a pull request needs a branch to go into."""
    trailers = [("Action", "create"), ("Environment", environment), ("Actor", actor)]
    commit = writer.commit(writer.tree(None, {}), None, format_message(f"create {environment}", "", trailers))
    publish_or_lose(git, remote, [Update(environment_ref(environment), commit, None)])
    return commit


def _push(git: Git, remote: str, branch: str, made: str) -> str:
    """The commit that the branch is at then: the one made, or one that is there already and says the same."""
    old = branch_tip(git, remote, branch)
    if old and _essence(git, old) == _essence(git, made):
        return old
    if not replace_branch(git, remote, branch, made, old=old):
        raise LostRace
    return made


def _essence(git: Git, commit: str) -> tuple[list[str], str] | None:
    """Tree, parents and message of a commit, without who made it when, and without a signature."""
    (found,) = read_objects(git, [commit])
    if found is None:
        return None
    head, _, message = found.data.decode(errors="replace").partition("\n\n")
    return [line for line in head.split("\n") if line.startswith(("tree ", "parent "))], message
