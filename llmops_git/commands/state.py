"""What the commands about releases start from: the project, its policy at HEAD, the remote, and the registry."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import Project, open_project
from llmops_git.errors import LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.configs.policy import Environment, Policy
    from llmops_git.configs.values import Config
    from llmops_git.releases.values import Registry, Release

# who runs this, as the usual places say it; a person's own git identity otherwise
_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BITBUCKET_STEP_TRIGGERER_UUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A project with everything git knows about its releases. `remote` is None in a repository without remotes; `actor` is
    who acts, as the event of a CI job says, or "" where the environment or git says it; `sign` is what `--sign` says, None
    where git's own settings and the policy decide."""

    project: Project
    policy: Policy
    remote: str | None
    registry: Registry
    actor: str = ""
    sign: bool | None = None

    def load(self, release: Release) -> Config:
        """The config of a release, from its own commit. Raises InvalidInput when it cannot be loaded any more."""
        from llmops_git.commands.neighbours import released_config

        return released_config(self.project, release)

    def load_or_none(self, release: Release) -> Config | None:
        """The config of a release; None when its files are not valid any more. Raises NotMeasured when git fails."""
        try:
            return self.load(release)
        except NotMeasured:
            raise
        except LlmopsError:
            return None


def read_state(*, fetch: bool, project: Project | None = None, sign: bool | None = None) -> State:
    """The state as this clone knows it, or after fetching; of the project given, or of the one around the working directory.

    Raises NotMeasured when the remote does not answer, Tampered when it moved a tag or rewrote an environment.
    """
    from llmops_git.releases.registry import read_registry
    from llmops_git.releases.seen import require_unmoved, require_unrewritten
    from llmops_git.repo.fetch import fetch_state
    from llmops_git.repo.refs import remote_in_use

    project = project or open_project()
    policy = project.policy(project.tree("HEAD"))
    remote = remote_in_use(project.git, policy.remote)
    if fetch and remote is not None:
        fetch_state(project.git, remote)
    registry = read_registry(project.git, remote=remote)
    if fetch:
        require_unrewritten(project.git, remote, registry)
        require_unmoved(registry)
    return State(project=project, policy=policy, remote=remote, registry=registry, sign=sign)


def environment_of(policy: Policy, name: str) -> Environment:
    """An environment of the policy; any well-formed name where the policy declares none. Raises LlmopsError."""
    from llmops_git.configs.policy import Environment
    from llmops_git.releases.environments import environment_ref

    environment_ref(name)
    if name in policy.environments:
        return policy.environments[name]
    if policy.environments:
        known = ", ".join(policy.environments)
        raise LlmopsError(f"there is no environment `{name}` in llmops.yaml", hint=f"the environments are: {known}")
    return Environment(name=name)


def actor_of(project: Project) -> str:
    """Who deploys: the person that the CI service names, else git's own identity."""
    for variable in _ACTORS:
        if os.environ.get(variable):
            return os.environ[variable]
    return identity_of(project)


def identity_of(project: Project) -> str:
    """`Name <email>` of whoever runs this. Raises LlmopsError when git does not know."""
    from llmops_git.repo.write import Writer

    return Writer(project.git).identity().rpartition(">")[0] + ">"


def fetch_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--fetch` option of a reading command."""
    return click.option("--fetch", is_flag=True, help="Ask the remote first (default: what this clone knows).")(command)


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--dry-run` option of a writing command."""
    return click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")(command)


def short(oid: str) -> str:
    """An object id as people read it."""
    return oid[:12]


def day(seconds: int) -> str:
    """A time as `2026-01-31 09:30`, in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
