"""What may be deployed where: promotion order, holds, and the release that a rollback goes back to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmops_git.configs.policy import Environment
from llmops_git.errors import GateRefused, LlmopsError
from llmops_git.releases.tags import parse_tag
from llmops_git.releases.values import Registry, Release, Running
from llmops_git.releases.versions import Version, parse_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """There is nothing to do, and why. `held`: a rollback keeps automatic promotion off."""

    reason: str
    held: bool = False


def choose_release(registry: Registry, config: str, environment: Environment, version: str) -> Release:
    """The release that a promotion is about: the version asked for; else what runs in the environment before this one;
    else the newest. Raises LlmopsError when there is none, GateRefused when nothing runs in the environment before."""
    if version:
        return find_release(registry, config, version)
    newest = registry.newest(config)
    if newest is None:
        raise LlmopsError(f"`{config}` has no release", hint=f"llmops-git release {config}")
    if environment.after:
        before = registry.running(environment.after, config)
        if before is None:
            raise GateRefused(
                f"`{config}` does not run in {environment.after}, which comes before {environment.name}",
                hint=f"llmops-git promote {config} --to {environment.after}",
            )
        return find_release(registry, config, before.release)
    return newest


def find_release(registry: Registry, config: str, version: str) -> Release:
    """A release of a config by its number (`1.4.0`, `v1.4.0`) or tag name. Raises LlmopsError with the newest ones."""
    known = registry.releases.get(config, ())
    wanted = parse_tag(version)
    number: Version | None = wanted.version if wanted and wanted.config == config else parse_version(version.removeprefix("v"))
    for release in known:
        if release.tag.version == number:
            return release
    newest = ", ".join(f"v{release.tag.version}" for release in known[-3:]) or "none"
    raise LlmopsError(f"`{config}` has no release {version} (newest: {newest})", hint="llmops-git log " + config)


def check_promotion(registry: Registry, environment: Environment, release: Release) -> Nothing | None:
    """Whether a promotion has anything to do. Raises GateRefused when the environment before does not run the release.

    Promoting what already runs has an effect only after a rollback: it lifts the hold.
    """
    config = release.tag.config
    if environment.after:
        before = registry.running(environment.after, config)
        if before is None or before.tag_object != release.tag_object:
            runs = before.release if before else "nothing"
            raise GateRefused(
                f"{release.name} does not run in {environment.after}, which comes before {environment.name} (it runs {runs})",
                hint=f"llmops-git promote {config} {release.tag.version} --to {environment.after}",
            )
    now = registry.running(environment.name, config)
    if now is not None and now.tag_object == release.tag_object and not now.held:
        return Nothing(reason=f"{release.name} already runs in {environment.name}")
    return None


def automatic_release(registry: Registry, environment: Environment, config: str) -> Release | Nothing:
    """What automatic promotion would make run now. It never goes back to a lower number, and never past a hold."""
    now = registry.running(environment.name, config)
    if now is not None and now.held:
        reason = f"{config}: automatic promotion to {environment.name} is held since the rollback to {now.release}"
        return Nothing(reason=reason, held=True)
    if environment.after and registry.running(environment.after, config) is None:
        return Nothing(reason=f"{config} does not run in {environment.after} yet")
    release = choose_release(registry, config, environment, "")
    running = parse_tag(now.release) if now else None
    if running is not None and release.tag.version <= running.version:
        return Nothing(reason=f"{config}: {environment.name} is up to date with {now.release if now else ''}")
    return release


def rollback_target(history: Iterable[Running]) -> Running | None:
    """What to go back to: the release that ran before the one that runs now. None when nothing did.

    `history` are the deployments of one config in one environment, oldest first. Releases that were rolled back are
    skipped: after 1.0, 1.1, 1.2, back to 1.1, the next step back is 1.0.
    """
    stack: list[Running] = []
    for step in history:
        places = [place for place, earlier in enumerate(stack) if earlier.tag_object == step.tag_object]
        if step.action == "rollback" and places:
            del stack[places[-1] :]
        elif stack and stack[-1].tag_object == step.tag_object:
            stack.pop()
        stack.append(step)
    return stack[-2] if len(stack) > 1 else None


def in_order(environments: Mapping[str, Environment]) -> Sequence[Environment]:
    """Environments so that each comes after the one it names in `after`; otherwise in the policy's order.

    Raises LlmopsError when they wait for each other.
    """
    done: dict[str, Environment] = {}
    left = dict(environments)
    while left:
        ready = [
            name for name, environment in left.items() if environment.after in done or environment.after not in environments
        ]
        if not ready:
            raise LlmopsError(
                f"the environments {', '.join(sorted(left))} wait for each other", hint="check `after:` in llmops.yaml"
            )
        done[ready[0]] = left.pop(ready[0])
    return list(done.values())
