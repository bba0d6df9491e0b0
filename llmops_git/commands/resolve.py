"""`llmops-git resolve`: what a deploy script needs to know about a release. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.releases.deployed import light_registry, require_trusted, running_release

if TYPE_CHECKING:
    from llmops_git.releases.values import Registry, Release, Running

SCHEMA = "llmops-git/resolve/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One release, and the environment it was found in ("" when it was asked for by version)."""

    config: str
    release: str
    tag_object: str
    commit: str
    digest: str
    model: str
    environment: str
    action: str


@click.command("resolve")
@click.argument("config")
@click.option("--environment", metavar="ENV", help="The release that runs in ENV.")
@click.option("--version", metavar="VERSION", help="The release with this number.")
@click.option("--latest", is_flag=True, help="The release with the highest number (the default).")
@click.option("--remote", metavar="NAME", help="The remote whose environments count (default: the only one that has some).")
@click.option("--fetch", is_flag=True, help="Ask the remote first (default: what this clone knows).")
@click.option("--format", "form", type=click.Choice(["text", "json", "env"]), default="text", show_default=True)
def command(
    config: str, environment: str | None, version: str | None, latest: bool, remote: str | None, fetch: bool, form: str
) -> int:
    """Print tag, tag object, commit and digest of one release of CONFIG."""
    if sum((environment is not None, version is not None, latest)) > 1:
        raise click.UsageError("choose one of --environment, --version and --latest")
    from llmops_git.repo.git import open_git

    git = open_git()
    name, registry = light_registry(git, config, remote=remote, fetch=fetch)
    resolved = resolve(registry, config, environment=environment, version=version)
    require_trusted(git, name, registry, resolved.release, ask=fetch)
    click.echo(_render(resolved, form))
    return EXIT_OK


def resolve(registry: Registry, config: str, *, environment: str | None, version: str | None) -> Resolved:
    """The release asked for. Raises LlmopsError when there is none, Tampered when the tag is not the one that was deployed."""
    if environment is not None:
        return _running(registry, config, environment)
    from llmops_git.releases.rules import find_release

    release = find_release(registry, config, version) if version else registry.newest(config)
    if release is None:
        raise LlmopsError(f"this clone knows no release of `{config}`", hint=f"llmops-git resolve {config} --fetch")
    return _resolved(release)


def _running(registry: Registry, config: str, environment: str) -> Resolved:
    running = running_release(registry, config, environment)
    release = registry.find(running.release)
    return _resolved(release, running, environment) if release else _unfetched(running, environment)


def _resolved(release: Release, running: Running | None = None, environment: str = "") -> Resolved:
    return Resolved(
        config=release.tag.config,
        release=release.name,
        tag_object=release.tag_object,
        commit=release.commit,
        digest=release.digest,
        model=release.trailers.get("Model", ""),
        environment=environment,
        action=running.action if running else "",
    )


def _unfetched(running: Running, environment: str) -> Resolved:
    """What runs, from the environment's own record: the tag itself is not in this clone."""
    return Resolved(
        config=running.config,
        release=running.release,
        tag_object=running.tag_object,
        commit=running.commit,
        digest=running.digest,
        model="",
        environment=environment,
        action=running.action,
    )


def resolve_document(resolved: Resolved) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/resolve.schema.json. What is not known is null."""
    values: dict[str, Any] = {"schema": SCHEMA}
    values.update({name: getattr(resolved, name) or None for name in Resolved.__dataclass_fields__})
    return {**values, "version": resolved.release.rpartition("/v")[2]}


def _render(resolved: Resolved, form: str) -> str:
    document = resolve_document(resolved)
    if form == "json":
        import json

        return json.dumps(document, indent=2)
    if form == "env":
        import shlex

        return "\n".join(
            f"LLMOPS_{name.upper()}={shlex.quote(value or '')}" for name, value in document.items() if name != "schema"
        )
    from llmops_git.reports.clean import clean

    shown = {name.replace("_", " "): value for name, value in document.items() if value and name != "schema"}
    return "\n".join(f"{name:<12}{clean(value)}" for name, value in shown.items())
