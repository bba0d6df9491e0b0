"""`llmops-git status`: what is released, and what runs where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.commands.state import day, fetch_option, read_state
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.releases.values import Registry, Release, Running

SCHEMA = "llmops-git/status/1"


@click.command("status")
@click.argument("configs", nargs=-1)
@fetch_option
@format_option()
def command(configs: tuple[str, ...], fetch: bool, form: str) -> int:
    """Show the newest release of every config (or of the CONFIGS named) and what each environment runs."""
    state = read_state(fetch=fetch)
    document = status_document(state.registry, state.policy, configs)
    if form == "json":
        emit_json(document)
    else:
        for line in status_lines(document):
            click.echo(line)
    return EXIT_OK


def status_document(registry: Registry, policy: Policy, configs: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/status.schema.json."""
    environments = [*policy.environments, *(name for name in sorted(registry.environments) if name not in policy.environments)]
    running = {config for state in registry.environments.values() for config in state.running}
    names = [name for name in sorted(running | set(registry.releases)) if not configs or name in configs]
    problems = [problem for state in registry.environments.values() for problem in state.problems]
    return {
        "schema": SCHEMA,
        "environments": [_environment(registry, policy, name) for name in environments],
        "configs": [_config(registry, environments, name) for name in names],
        "evidence": registry.evidence or None,
        "problems": [*problems, *(f"tag {name} is not an annotated tag" for name in registry.strays)],
    }


def _environment(registry: Registry, policy: Policy, name: str) -> dict[str, Any]:
    state = registry.environments.get(name)
    settings = policy.environments.get(name)
    return {
        "environment": name,
        "commit": state.tip if state else None,
        "after": (settings.after or None) if settings else None,
        "promote": settings.promote if settings else "manual",
    }


def _config(registry: Registry, environments: list[str], name: str) -> dict[str, Any]:
    newest = registry.newest(name)
    return {
        "config": name,
        "releases": len(registry.releases.get(name, ())),
        "newest": _release(newest) if newest else None,
        "running": {
            environment: _running(running) for environment in environments if (running := registry.running(environment, name))
        },
    }


def _release(release: Release) -> dict[str, Any]:
    trailers = release.trailers
    return {
        "release": release.name,
        "tag_object": release.tag_object,
        "commit": release.commit,
        "digest": release.digest,
        "model": trailers.get("Model", ""),
        "bump": trailers.get("Bump", ""),
        "verdict": trailers.get("Verdict", ""),
        "time": release.time,
    }


def _running(running: Running) -> dict[str, Any]:
    return {
        "release": running.release,
        "tag_object": running.tag_object,
        "commit": running.commit,
        "digest": running.digest,
        "held": running.held,
    }


def status_lines(document: dict[str, Any]) -> list[str]:
    """The same as a table: one row for each config, one column for each environment."""
    from llmops_git.reports.clean import clean
    from llmops_git.reports.style import columns

    environments = [item["environment"] for item in document["environments"]]
    rows = [("config", "newest", "released", "verdict", *environments)]
    for config in document["configs"]:
        newest = config["newest"]
        about = (_version(newest["release"]), day(newest["time"]), newest["verdict"]) if newest else ("-", "-", "-")
        rows.append((config["config"], *about, *(_cell(config["running"].get(name)) for name in environments)))
    cells = [[clean(cell) for cell in row] for row in rows]
    lines = columns(cells, ["<"] * len(rows[0])) if document["configs"] else ["nothing is released yet"]
    return [line.rstrip() for line in lines] + [clean(f"problem: {problem}") for problem in document["problems"]]


def _cell(running: dict[str, Any] | None) -> str:
    if running is None:
        return "-"
    return _version(running["release"]) + (" (held)" if running["held"] else "")


def _version(tag: str) -> str:
    return tag.rpartition("/")[2]
