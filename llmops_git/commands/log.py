"""`llmops-git log`: the history of a config or an environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.commands.state import State, day, environment_of, fetch_option, read_state, short
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.releases.values import Deployment, Release

SCHEMA = "llmops-git/log/1"


@click.command("log")
@click.argument("config", required=False)
@click.option("--environment", metavar="ENV", help="Only what was deployed to ENV.")
@click.option("-n", "limit", type=click.IntRange(1), metavar="N", help="At most N entries of each list.")
@fetch_option
@format_option()
def command(config: str | None, environment: str | None, limit: int | None, fetch: bool, form: str) -> int:
    """Show releases and deployments, newest first: of CONFIG, of one environment, or all."""
    state = read_state(fetch=fetch)
    if environment is not None:
        environment_of(state.policy, environment)
    releases = _releases(state, config) if environment is None else []
    deployments = _deployments(state, config, environment)
    if config and not releases and not deployments and config not in state.registry.releases:
        raise LlmopsError(f"`{config}` has no release", hint=f"llmops-git release {config}")
    document = log_document(releases[:limit], {name: steps[:limit] for name, steps in deployments.items()})
    if form == "json":
        emit_json(document)
        return EXIT_OK
    for line in log_lines(document):
        click.echo(line)
    if config:
        _plot(document)
    return EXIT_OK


def _plot(document: dict[str, Any]) -> None:
    """How the scores of a config went, oldest release first."""
    from llmops_git.reports.clean import clean
    from llmops_git.reports.history_plot import score_plots

    lines = score_plots([(release["release"], release["trailers"]) for release in reversed(document["releases"])])
    for line in ["", *lines] if lines else []:
        click.echo(clean(line))


def _releases(state: State, config: str | None) -> list[Release]:
    """Newest first by number; by config where there are several."""
    releases = state.registry.releases
    names = [config] if config else list(releases)
    return [release for name in names for release in reversed(releases.get(name, ()))]


def _deployments(state: State, config: str | None, environment: str | None) -> dict[str, list[Deployment]]:
    """Newest first in the order of the branch, by environment."""
    from llmops_git.releases.history import read_history

    found = {}
    for name, branch in state.registry.environments.items():
        if environment in (None, name):
            steps = read_history(state.project.git, branch.tip)
            kept = [step for step in reversed(steps) if config in (None, step.running.config)]
            if kept:
                found[name] = kept
    return found


def log_document(releases: Sequence[Release], deployments: dict[str, list[Deployment]]) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/log.schema.json."""
    return {
        "schema": SCHEMA,
        "releases": [_release(release) for release in releases],
        "deployments": [_deployment(name, step) for name, steps in deployments.items() for step in steps],
    }


def _release(release: Release) -> dict[str, Any]:
    message = release.message
    return {
        "release": release.name,
        "tag_object": release.tag_object,
        "commit": release.commit,
        "time": release.time,
        "summary": message.summary,
        "trailers": dict(message.trailers),
    }


def _deployment(environment: str, step: Deployment) -> dict[str, Any]:
    return {
        "environment": environment,
        "config": step.running.config,
        "action": step.running.action,
        "release": step.running.release,
        "previous": step.previous or None,
        "tag_object": step.running.tag_object,
        "commit": step.commit,
        "time": step.time,
        "actor": step.actor,
        "reason": step.reason,
    }


def log_lines(document: dict[str, Any]) -> list[str]:
    """The same for people: releases with their summaries, then each deployment on a line."""
    from llmops_git.reports.clean import clean

    lines: list[str] = []
    for release in document["releases"]:
        trailers = release["trailers"]
        about = [day(release["time"]), trailers.get("Bump", ""), trailers.get("Verdict", ""), short(release["commit"])]
        lines.append(f"{release['release']}  {'  '.join(part for part in about if part)}")
        lines.extend(f"    {line}".rstrip() for line in release["summary"].split("\n") if line)
    for step in document["deployments"]:
        version = step["release"].rpartition("/")[2]
        before = f" from {step['previous'].rpartition('/')[2]}" if step["previous"] else ""
        why = f": {step['reason']}" if step["reason"] else ""
        lines.append(
            f"{step['environment']}  {day(step['time'])}  {step['action']} {step['config']} {version}{before}"
            f"  by {step['actor']}  {short(step['commit'])}{why}".replace("\n", " ")
        )
    return [clean(line) for line in lines] or ["nothing is released yet"]
