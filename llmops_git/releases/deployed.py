"""What runs in an environment, as its branch holds it: the release, whether it may be trusted, and the bundle's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.releases.trust import Trust
    from llmops_git.releases.values import Registry, Running
    from llmops_git.repo.git import Git


def deployed_bundle(git: Git, config: str, environment: str, *, fetch: bool = False) -> bytes:
    """The bundle of a config that runs in an environment, byte for byte as it was deployed.

    Raises LlmopsError where nothing runs, Tampered or GateRefused where the release is not the one that was deployed or lacks
    a signature that is required, NotMeasured when git or the remote does not answer.
    """
    remote, registry = light_registry(git, config, remote=None, fetch=fetch)
    running = running_release(registry, config, environment)
    require_trusted(git, remote, registry, running.release, ask=fetch)
    return read_deployed(git, registry, config, environment)


def read_deployed(git: Git, registry: Registry, config: str, environment: str) -> bytes:
    """The bytes of the bundle that runs. Raises NotMeasured where they are not in this clone."""
    from llmops_git.repo.objects import read_objects

    running = registry.running(environment, config)
    (blob,) = read_objects(git, [running.bundle if running else ""])
    if blob is None:
        raise NotMeasured(f"the bundle of `{config}` in {environment} is not in this clone", hint="git fetch")
    return blob.data


def light_registry(git: Git, config: str, *, remote: str | None, fetch: bool) -> tuple[str | None, Registry]:
    """The releases of one config and all environments, without reading the policy; and the remote that counts."""
    from llmops_git.releases.registry import read_registry
    from llmops_git.repo.refs import remote_in_use, remote_with_state

    name = remote if remote is not None else remote_with_state(git)
    if fetch:
        from llmops_git.repo.fetch import fetch_state

        name = remote_in_use(git, name or "origin")
        if name is not None:
            fetch_state(git, name)
    registry = read_registry(git, remote=name, config=config)
    if fetch:
        from llmops_git.releases.seen import require_unrewritten

        require_unrewritten(git, name, registry)
    return name, registry


def running_release(registry: Registry, config: str, environment: str) -> Running:
    """What runs of a config. Raises LlmopsError where nothing does, Tampered when its tag is not the one that was deployed."""
    from llmops_git.releases.environments import environment_ref

    environment_ref(environment)
    running = registry.running(environment, config)
    if running is None:
        message = f"`{config}` does not run in {environment}, as far as this clone knows"
        raise LlmopsError(message, hint=f"llmops-git resolve {config} --environment {environment} --fetch")
    release = registry.find(running.release)
    if release is not None and release.tag_object != running.tag_object:
        from llmops_git.repo.fetch import tampered

        deployed = f"{running.tag_object} was deployed to {environment}, {release.tag_object} is here"
        raise tampered([f"tag `{running.release}` was moved: {deployed}"])
    return running


def require_trusted(
    git: Git, remote: str | None, registry: Registry, release: str, *, ask: bool, trust: Trust | None = None
) -> None:
    """The tag is the object that this clone knew, and it is signed where the default branch's policy requires that.

    Raises Tampered or GateRefused, LlmopsError when signatures are required and the tag is not here.
    """
    from llmops_git.releases.pins import require_pinned
    from llmops_git.releases.signed import require_signed
    from llmops_git.releases.trust import read_trust

    found = registry.find(release)
    trust = trust or read_trust(git, remote, ask=ask)
    if found is not None:
        require_pinned(git, remote, registry, found)
        require_signed(git, trust, registry, found)
    elif trust.required:
        raise LlmopsError(f"the tag {release}, which must be signed, is not in this clone", hint="llmops-git verify --fetch")
