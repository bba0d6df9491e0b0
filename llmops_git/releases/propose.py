"""Proposes a deployment: its commit on a branch of its own, to be merged into the environment's branch by a pull request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.releases.deploy import Deployed, Step, make_deployment
from llmops_git.releases.environments import environment_ref
from llmops_git.releases.messages import format_message
from llmops_git.releases.race import publish_or_lose, until_published
from llmops_git.releases.records import bundle_name, record_name
from llmops_git.releases.registry import read_registry
from llmops_git.releases.rules import Nothing
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.fetch import branch_tip, fetch_state, is_ancestor
from llmops_git.repo.objects import GitObject, read_objects
from llmops_git.repo.publish import Update
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

    Proposing the same again is the same commit, as long as what it would replace is still what runs. Otherwise the branch moves
    forward, to a commit that comes after both. Raises what `deploy` raises, and LlmopsError
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
        branch = proposal_branch(environment, step)
        old = branch_tip(git, remote, branch)
        made = make_deployment(writer, registry, done, tip=tip or None, load=load, actor=actor).new
        if not dry_run:
            made = _push(
                git, remote, writer, _Made(commit=made, tip=tip, branch=branch, old=old, config=step.release.tag.config)
            )
        return Proposed(deployed=replace(done, commit=made), branch=branch, base=tip)

    return until_published(attempt)


def _found(git: Git, remote: str, writer: Writer, environment: str, *, actor: str) -> str:
    """An environment without deployments: a pull request needs a branch to go into."""
    trailers = [("Action", "create"), ("Environment", environment), ("Actor", actor)]
    commit = writer.commit(writer.tree(None, {}), None, format_message(f"create {environment}", "", trailers))
    publish_or_lose(git, remote, [Update(environment_ref(environment), commit, None)])
    return commit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A deployment's commit on top of `tip`, and where the branch that is to propose it is now ("": nowhere)."""

    commit: str
    tip: str
    branch: str
    old: str
    config: str


def _push(git: Git, remote: str, writer: Writer, made: _Made) -> str:
    """The commit that the branch is at then: the one made, one after it and the old proposal, or the old one as it is."""
    if made.old and _still_good(git, writer, made):
        return made.old
    commit = made.commit
    if made.old and not is_ancestor(git, made.old, commit):
        (found,) = read_objects(git, [commit])
        tree, _, message = _parts(found)
        # first the environment: history is read along first parents, also where somebody merges by fast-forward
        commit = writer.commit(tree, made.tip, message, also=made.old)
    publish_or_lose(git, remote, [Update(f"refs/heads/{made.branch}", commit, made.old or None)])
    return commit


def _still_good(git: Git, writer: Writer, made: _Made) -> bool:
    """Whether the old proposal is this deployment and nothing else, made for the same reason, and what it replaces still runs:
    then it merges, whatever was deployed of other configs meanwhile."""
    new, old = read_objects(git, [made.commit, made.old])
    _, _, message = _parts(new)
    tree, parent, old_message = _parts(old)
    if old_message != message or not parent or not (parent == made.tip or is_ancestor(git, parent, made.tip)):
        return False
    files = (bundle_name(made.config), record_name(made.config))
    names = [f"{commit}:{name}" for commit in (made.commit, made.old, parent, made.tip) for name in files]
    ids = [found.oid if found else "" for found in read_objects(git, names)]
    here, there, below, running = (ids[place : place + 2] for place in (0, 2, 4, 6))
    return here == there and below == running and writer.tree(parent, dict(zip(files, there, strict=True))) == tree


def _parts(commit: GitObject | None) -> tuple[str, str, str]:
    """Tree, first parent ("" for none) and message of a commit."""
    head, _, message = (commit.data if commit else b"").decode(errors="replace").partition("\n\n")
    fields = [line.split(" ", 1) for line in head.split("\n") if line.startswith(("tree ", "parent "))]
    tree = next((value for name, value in fields if name == "tree"), "")
    return tree, next((value for name, value in fields if name == "parent"), ""), message
