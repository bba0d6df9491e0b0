"""Verifies where releases are: what environments run, that no branch was rewritten, that the remote has the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from llmops_git.configs.digest import digest_of
from llmops_git.errors import NotMeasured
from llmops_git.releases.bundle import parse_bundle
from llmops_git.releases.environments import environment_ref
from llmops_git.releases.history import history_is_cut, read_history
from llmops_git.releases.levels import Level, level
from llmops_git.releases.records import bundle_name
from llmops_git.releases.seen import (
    load_seen,
    load_seen_tags,
    moved_since_seen,
    rewritten_since_seen,
    tags_of,
    tips_of,
)
from llmops_git.releases.tags import parse_tag
from llmops_git.releases.values import EnvironmentState, Registry, Release, Running
from llmops_git.repo.fetch import moved_tags, rewritten_branches
from llmops_git.repo.objects import GitObject, read_objects
from llmops_git.repo.refs import list_remote_state

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

_MOST_NAMES = 3


def check_deployments(git: Git, registry: Registry, configs: Sequence[str] | None) -> Level:
    """Everything that ever ran names a release tag that is still the same object; what runs now has its own bundle, whose
    digest is computed again. `configs` None means all."""
    wrong: list[str] = []
    unknown: list[str] = []
    checked = 0
    for state in registry.environments.values():
        wrong += state.problems
        steps = [step.running for step in read_history(git, state.tip) if configs is None or step.running.config in configs]
        checked += len(steps)
        wrong += dict.fromkeys(problem for step in steps if (problem := _moved(registry, state.name, step)))
        wrong += _bad_bundles(git, state, [run for name, run in state.running.items() if configs is None or name in configs])
        if history_is_cut(git, state.tip):
            unknown.append(f"{state.name}: this shallow clone does not have the whole history")
    return level("deployments", checked, wrong, unknown)


def _moved(registry: Registry, environment: str, step: Running) -> str:
    release = registry.find(step.release)
    if release is None:
        return f"{environment} ran {step.release}, which is not here"
    if (release.tag_object, release.commit, release.digest) != (step.tag_object, step.commit, step.digest):
        return f"{step.release} was moved: {environment} ran {step.tag_object}, and it is {release.tag_object} now"
    return ""


def _bad_bundles(git: Git, state: EnvironmentState, running: Sequence[Running]) -> list[str]:
    blobs = read_objects(git, [state.blobs.get(bundle_name(run.config), run.bundle) for run in running])
    return [problem for run, blob in zip(running, blobs, strict=True) if (problem := _bad_bundle(state.name, run, blob))]


def _bad_bundle(environment: str, run: Running, blob: GitObject | None) -> str:
    """What is wrong with the bundle that an environment's branch has for one config now."""
    name = f"{environment}: {bundle_name(run.config)}"
    if blob is None:
        return f"{name} is missing"
    bundle = parse_bundle(blob.data)
    if bundle is None:
        return f"{name} is not a bundle"
    claims = {
        "config": run.config,
        "release": run.release,
        "tag_object": run.tag_object,
        "commit": run.commit,
        "digest": run.digest,
    }
    if blob.oid != run.bundle or any(bundle.get(key) != value for key, value in claims.items()):
        return f"{name} is not the bundle that was deployed with {run.release}"
    if digest_of(bundle["resolved"]) != run.digest:
        return f"{name} was changed: its digest is not {run.digest}"
    return ""


def check_history(git: Git, remote: str | None, registry: Registry) -> Level:
    """No environment, and not the evidence, was rewritten since this clone last looked, and no tag is another object."""
    seen, tags = load_seen(git, remote), load_seen_tags(git, remote)
    wrong = [*rewritten_since_seen(git, seen, tips_of(registry)), *moved_since_seen(tags, tags_of(registry))]
    return level("history", len(seen) + len(tags), wrong)


def check_remote(git: Git, remote: str, registry: Registry, releases: Sequence[Release]) -> Level:
    """The remote has the same tags, and branches that contain what is known here. Moves no ref."""
    try:
        theirs = list_remote_state(git, remote)
    except NotMeasured as error:
        return level("remote", 0, [], [error.message])
    ours = {release.tag.ref: release.tag_object for release in releases}
    wrong = moved_tags(theirs, ours)
    wrong += [f"the remote does not have {ref.removeprefix('refs/tags/')}" for ref in ours if ref not in theirs]
    wrong += rewritten_branches(git, theirs, remote)
    wrong += _gone(theirs, registry)
    return level("remote", len(ours) + len(registry.environments), wrong, _unknown(theirs, registry))


def _unknown(theirs: Mapping[str, str], registry: Registry) -> list[str]:
    """What only the remote has: a clone cannot vouch for releases that it does not know."""
    known = {release.tag.ref for releases in registry.releases.values() for release in releases}
    new = sorted(ref for ref in theirs if ref not in known and parse_tag(ref))
    if not new:
        return []
    names = ", ".join(ref.removeprefix("refs/tags/") for ref in new[:_MOST_NAMES])
    more = f" and {len(new) - _MOST_NAMES} more" if len(new) > _MOST_NAMES else ""
    return [f"the remote has releases that this clone does not know: {names}{more} (use --fetch)"]


def _gone(theirs: Mapping[str, str], registry: Registry) -> list[str]:
    gone = [name for name in registry.environments if environment_ref(name) not in theirs]
    return [f"the remote does not have branch `llmops/env/{name}`" for name in gone]
