"""Deploys: appends one commit to an environment's branch, planned again from the start whenever somebody else was first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmops_git.releases.bundle import bundle_document, format_bundle
from llmops_git.releases.environments import environment_ref
from llmops_git.releases.messages import format_message
from llmops_git.releases.race import publish_or_lose, until_published
from llmops_git.releases.records import bundle_name, format_record, record_name
from llmops_git.releases.registry import read_registry
from llmops_git.releases.rules import Nothing
from llmops_git.releases.values import Action, Registry, Release, Running
from llmops_git.repo.fetch import fetch_state
from llmops_git.repo.publish import Update
from llmops_git.repo.sign import UNSIGNED, Signing
from llmops_git.repo.write import Writer

if TYPE_CHECKING:
    from llmops_git.configs.values import Config
    from llmops_git.repo.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One deployment to be made. `bundle` is the blob of an earlier deployment of the same release, where there was one."""

    release: Release
    action: Action
    bundle: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What was done, or would be. `commit` is "" in a dry run."""

    environment: str
    step: Step
    previous: str  # tag name that ran before, or ""
    commit: str


def deploy(
    git: Git,
    remote: str | None,
    environment: str,
    decide: Callable[[Registry], Step | Nothing],
    *,
    load: Callable[[Release], Config],
    actor: str,
    dry_run: bool = False,
    signing: Signing = UNSIGNED,
) -> Deployed | Nothing:
    """Do what `decide` says about the state; when another deployment comes first, fetch and decide again about the new one.

    Raises what `decide` and `load` raise, Tampered when the remote moved or rewrote something, NotMeasured when it cannot
    be reached or does not take the push.
    """

    def attempt(number: int) -> Deployed | Nothing:
        if number and remote is not None:
            fetch_state(git, remote)
        registry = read_registry(git, remote=remote)
        step = decide(registry)
        if isinstance(step, Nothing):
            return step
        now = registry.running(environment, step.release.tag.config)
        done = Deployed(environment=environment, step=step, previous=now.release if now else "", commit="")
        if dry_run:
            return done
        return _append(git, remote, registry, done, load=load, actor=actor, signing=signing)

    return until_published(attempt)


def _append(
    git: Git,
    remote: str | None,
    registry: Registry,
    done: Deployed,
    *,
    load: Callable[[Release], Config],
    actor: str,
    signing: Signing,
) -> Deployed:
    writer = Writer(git, signing)
    state = registry.environments.get(done.environment)
    update = make_deployment(writer, registry, done, tip=state.tip if state else None, load=load, actor=actor)
    publish_or_lose(git, remote, [update])
    return replace(done, commit=update.new)


def make_deployment(
    writer: Writer,
    registry: Registry,
    done: Deployed,
    *,
    tip: str | None,
    load: Callable[[Release], Config],
    actor: str,
) -> Update:
    """The commit of one deployment on top of `tip`: bundle, record, and a message that says who, what and why."""
    step, release = done.step, done.step.release
    config = release.tag.config
    bundle = step.bundle or writer.blob(format_bundle(bundle_document(release, load(release))))
    running = Running(
        config=config,
        release=release.name,
        tag_object=release.tag_object,
        commit=release.commit,
        digest=release.digest,
        bundle=bundle,
        action=step.action,
    )
    record = writer.blob(format_record(running))
    tree = writer.tree(tip, {bundle_name(config): bundle, record_name(config): record})
    commit = writer.commit(tree, tip, deployment_message(registry, done, actor=actor))
    return Update(environment_ref(done.environment), commit, tip)


def deployment_message(registry: Registry, done: Deployed, *, actor: str) -> str:
    """The message of a deployment's commit."""
    release, action = done.step.release, done.step.action
    verb, place = ("promote", "to") if action == "promote" else ("roll back", "in")
    previous = registry.find(done.previous) if done.previous else None
    note = release.note
    trailers = [
        ("Action", action),
        ("Environment", done.environment),
        ("Config", release.tag.config),
        ("Release", str(release.ref)),
        ("From", str(previous.ref) if previous else done.previous or "none"),
        ("Actor", actor),
        ("Evidence", str(note.evidence) if note and note.evidence else "none"),
    ]
    subject = (
        f"{verb} {release.tag.config} {'to ' if action == 'rollback' else ''}v{release.tag.version} {place} {done.environment}"
    )
    return format_message(subject, done.step.reason, trailers)
