"""`llmops-git show`: a config resolved, with its digests and the files it reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option, open_project, safe_json
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.configs.values import Config, Dependency, Evaluation


@click.command("show")
@click.argument("name", metavar="NAME")
@click.option("--ref", metavar="REV", help="As of a commit (default: the work tree).")
@format_option()
def command(name: str, ref: str | None, form: str) -> None:
    """Show the config NAME (or a path): resolved value, digests and every file it reads, with its role."""
    project = open_project()
    config = project.load(project.tree(ref), name)
    if form == "json":
        emit_json(document(config))
    else:
        click.echo(render(config))


def document(config: Config) -> dict[str, Any]:
    """The JSON form (schemas/show.schema.json)."""
    return {
        "name": config.name,
        "path": config.path,
        "kind": config.kind,
        "description": config.description,
        "owner": config.owner,
        "critical": config.critical,
        "digest": config.digest,
        "closure_digest": config.closure_digest,
        "eval_digest": config.eval_digest or None,
        "resolved": config.resolved,
        "scale": config.scale,
        "evaluation": _evaluation(config.evaluation) if config.evaluation else None,
        "closure": [
            {"path": item.path, "role": item.role, "mode": item.mode, "oid": item.oid, "via": item.via}
            for item in config.closure
        ],
        "warnings": [str(problem) for problem in config.warnings],
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    resolved = evaluation.resolved
    kept = {key: resolved[key] for key in ("scorers", "gate", "budgets", "repeats", "cluster_by")}
    must_pass = sum(case.must_pass for case in evaluation.cases)
    return {"cases": len(evaluation.cases), "needs_label": len(evaluation.unlabelled), "must_pass": must_pass, **kept}


def render(config: Config) -> str:
    """The text form."""
    model = config.resolved["model"]
    parameters = f"  {json.dumps(model['parameters'], ensure_ascii=False)}" if model["parameters"] else ""
    facts = [
        ("path", config.path),
        ("kind", "" if config.kind == "config" else config.kind),
        ("owner", config.owner),
        ("model", f"{config.provider} / {config.model}{parameters}"),
        ("digest", config.digest),
        ("closure", config.closure_digest),
        ("evaluation", config.eval_digest),
        ("", _measured(config.evaluation) if config.evaluation else ""),
    ]
    lines = [config.name, *([f"  {config.description.strip()}"] if config.description else [])]
    lines += [f"  {name:<11} {value}" for name, value in facts if value]
    lines += ["", "files", *_files(config.closure)]
    lines += ["", "resolved", safe_json(config.resolved)]
    lines += [f"warning: {problem}" for problem in config.warnings]
    return clean("\n".join(lines))


def _measured(evaluation: Evaluation) -> str:
    scorers = ", ".join(
        name if name == item.use else f"{name} ({item.use})" for item in evaluation.scorers for name in [item.name]
    )
    waiting = f" ({len(evaluation.unlabelled)} more need a label)" if evaluation.unlabelled else ""
    return f"{len(evaluation.cases)} cases{waiting}; scorers: {scorers}"


def _files(closure: tuple[Dependency, ...]) -> list[str]:
    width = max((len(item.role) for item in closure), default=0)
    wide = max((len(item.path) for item in closure), default=0)
    return [
        f"  {item.role:<{width}}  {item.path:<{wide}}  {f'from {item.via}' if item.via else ''}".rstrip() for item in closure
    ]
