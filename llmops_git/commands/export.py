"""`llmops-git export`: write a release's bundle, ready to render without the repository."""

from __future__ import annotations

import os
from pathlib import Path

import click

from llmops_git.commands.signing import trust_of
from llmops_git.commands.state import State, environment_of, fetch_option, read_state
from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.releases.deployed import read_deployed, require_trusted


@click.command("export")
@click.argument("config")
@click.option("--environment", metavar="ENV", help="The bundle that runs in ENV.")
@click.option("--version", metavar="VERSION", help="The release with this number.")
@click.option("--latest", is_flag=True, help="The release with the highest number (the default).")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to FILE (default: standard output)."
)
@fetch_option
def command(config: str, environment: str | None, version: str | None, latest: bool, output: Path | None, fetch: bool) -> int:
    """Write the bundle of one release of CONFIG: the resolved config as JSON, with its release, commit and digest.

    A bundle from an environment is byte for byte what was deployed; any other is made from the release's commit.
    """
    if sum((environment is not None, version is not None, latest)) > 1:
        raise click.UsageError("choose one of --environment, --version and --latest")
    state = read_state(fetch=fetch)
    release = _chosen(state, config, environment, version)
    require_trusted(state.project.git, state.remote, state.registry, release, ask=fetch, trust=trust_of(state, ask=fetch))
    if environment:
        data = read_deployed(state.project.git, state.registry, config, environment)
    else:
        data = _released(state, config, release)
    if output is None:
        click.echo(data, nl=False)
        return EXIT_OK
    write_atomically(output, data)
    click.echo(f"wrote {output}", err=True)
    return EXIT_OK


def _chosen(state: State, config: str, environment: str | None, version: str | None) -> str:
    """The tag name of the release asked for. Raises LlmopsError when there is none, Tampered when it was moved."""
    from llmops_git.commands.resolve import resolve
    from llmops_git.releases.rules import find_release

    if environment:
        environment_of(state.policy, environment)
        return resolve(state.registry, config, environment=environment, version=None).release
    release = find_release(state.registry, config, version) if version else state.registry.newest(config)
    if release is None:
        raise LlmopsError(f"`{config}` has no release", hint=f"llmops-git release {config}")
    return release.name


def _released(state: State, config: str, name: str) -> bytes:
    from llmops_git.releases.bundle import bundle_document, format_bundle
    from llmops_git.releases.rules import find_release

    release = find_release(state.registry, config, name)
    return format_bundle(bundle_document(release, state.load(release)))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part. Raises LlmopsError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LlmopsError(f"{path} cannot be written: {error.strerror or error}") from None
