"""`llmops-git verify`: recompute every digest and check tags, history and deployments."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import Project, emit_json, format_option
from llmops_git.commands.state import State, read_state
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.configs.values import Config
    from llmops_git.releases.levels import Level
    from llmops_git.releases.values import Release

SCHEMA = "llmops-git/verify/1"


@click.command("verify")
@click.argument("what", metavar="[CONFIG|TAG]", required=False)
@click.option("--remote/--no-remote", "ask_remote", default=True, help="Compare with the remote (the default).")
@click.option("--fetch", is_flag=True, help="Fetch first, without force (default: what this clone knows).")
@format_option()
def command(what: str | None, ask_remote: bool, fetch: bool, form: str) -> int:
    """Check releases (of one CONFIG, one TAG, or all) and what runs, and say which levels held.

    Exit code: 0 every level that was checked held, 1 one failed, 3 one could not be completed.
    """
    state = fetched(read_state(fetch=False)) if fetch else read_state(fetch=False)
    releases, configs = chosen(state, what)
    levels = verify_levels(state, releases, configs, ask_remote=ask_remote)
    if form == "json":
        emit_json(verify_document(what, levels))
    else:
        for line in verify_lines(levels):
            click.echo(line)
    return exit_code(levels)


def fetched(state: State, project: Project | None = None) -> State:
    """The state after a fetch; what the remote moved or rewrote is left for the levels to say."""
    from llmops_git.repo.fetch import Tampered, fetch_state

    if state.remote is None:
        return state
    with contextlib.suppress(Tampered):
        fetch_state(state.project.git, state.remote)
    return read_state(fetch=False, project=project)


def chosen(state: State, what: str | None) -> tuple[list[Release], list[str] | None]:
    """The releases to check, and the configs they belong to (None: all). Raises LlmopsError when there are none."""
    from llmops_git.releases.tags import parse_tag

    registry = state.registry
    if what is None:
        return [release for releases in registry.releases.values() for release in releases], None
    tag = parse_tag(what)
    if tag is not None:
        release = registry.find(str(tag))
        if release is None:
            raise LlmopsError(f"there is no tag {tag}", hint=f"llmops-git log {tag.config}")
        return [release], [tag.config]
    if what not in registry.releases:
        raise LlmopsError(f"`{what}` has no release", hint="llmops-git status")
    return list(registry.releases[what]), [what]


def verify_levels(state: State, releases: Sequence[Release], configs: list[str] | None, *, ask_remote: bool) -> list[Level]:
    """Every level, from the cheapest to the one that asks others. Remembers the tips of the branches when they held."""
    from llmops_git.commands.signing import trust_of
    from llmops_git.releases.levels import Level
    from llmops_git.releases.seen import save_seen, tags_of, tips_of
    from llmops_git.releases.verify import check_chain, check_digests, check_tags
    from llmops_git.releases.verify_evidence import check_evidence
    from llmops_git.releases.verify_places import check_deployments, check_history, check_remote
    from llmops_git.releases.verify_signatures import check_signatures
    from llmops_git.repo.objects import read_objects

    git, registry = state.project.git, state.registry
    chains = {name: registry.releases[name] for name in configs or registry.releases if name in registry.releases}
    strays = [name for name in registry.strays if configs is None or name.split("/")[1] in configs]
    history = check_history(git, state.remote, registry)
    if history.state == "held":
        save_seen(git, state.remote, tips_of(registry), tags_of(registry))
    remote = Level(name="remote", state="not checked")
    if ask_remote and state.remote is not None:
        remote = check_remote(git, state.remote, registry, releases)
    return [
        check_tags(releases, strays),
        check_chain(chains, shallow=git.location.shallow),
        check_digests(releases, lambda release: _load_afresh(state, release)),
        check_evidence(releases, lambda names: read_objects(git, names), registry.evidence),
        check_deployments(git, registry, configs),
        history,
        remote,
        check_signatures(git, lambda: trust_of(state, ask=ask_remote), registry, releases),
    ]


def _load_afresh(state: State, release: Release) -> Config:
    """The config of a release, through a project of its own: thousands of trees need not be kept."""
    from llmops_git.commands.neighbours import released_config

    return released_config(Project(state.project.git, state.project.root), release)


def exit_code(levels: Sequence[Level]) -> int:
    states = {level.state for level in levels}
    return EXIT_GATE if "failed" in states else EXIT_NOT_MEASURED if "incomplete" in states else EXIT_OK


def verify_document(what: str | None, levels: Sequence[Level]) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/verify.schema.json."""
    code = exit_code(levels)
    return {
        "schema": SCHEMA,
        "what": what,
        "result": {EXIT_OK: "verified", EXIT_GATE: "failed", EXIT_NOT_MEASURED: "incomplete"}[code],
        "levels": [
            {"level": level.name, "state": level.state, "checked": level.checked, "findings": list(level.findings)}
            for level in levels
        ],
    }


_MEANING = {
    "tags": "release tags are annotated, named as they say, and written by llmops-git",
    "chain": "releases follow each other without a gap",
    "digests": "digests are those of the tagged files",
    "evidence": "releases have passing evidence for exactly their digests",
    "deployments": "deployments name unmoved tags and unchanged bundles",
    "history": "branches still contain, and tags still are, what this clone saw earlier",
    "remote": "tags and branches are the same on the remote",
    "signatures": "tags, deployments and evidence are signed by those whom the default branch names",
}


def verify_lines(levels: Sequence[Level]) -> list[str]:
    """One line for each level, and below it what is wrong."""
    from llmops_git.reports.clean import clean
    from llmops_git.reports.style import columns

    heads = columns(
        [(level.name, level.state, f"{level.checked} {_MEANING[level.name]}" if level.checked else _MEANING[level.name])
         for level in levels], ("<", "<", "<")
    )  # fmt: skip
    lines = []
    for level, head in zip(levels, heads, strict=True):
        lines.append(head.rstrip())
        lines.extend(f"  {clean(finding)}".replace("\n", " ") for finding in level.findings)
    return lines
