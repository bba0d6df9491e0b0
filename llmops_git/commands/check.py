"""`llmops-git check`: validate configs, eval sets and policy; show every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.check_monitors import is_monitor, monitor_problems
from llmops_git.commands.project import describe_tree, emit_json, format_option, open_project, terminal
from llmops_git.errors import EXIT_OK, EXIT_USAGE, InvalidInput, LlmopsError, Problem, Severity

if TYPE_CHECKING:
    from datetime import date

    from llmops_git.commands.project import Project
    from llmops_git.configs.closure import Closures
    from llmops_git.configs.load import Loader
    from llmops_git.configs.policy import Policy, ProviderSettings
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Config


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--index", "staged", is_flag=True, help="Check what is staged.")
@click.option("--ref", metavar="REV", help="Check a commit (default: the work tree).")
@click.option("--strict", is_flag=True, help="Refuse cases that need a label on every branch, not only on the default one.")
@format_option()
def command(paths: tuple[str, ...], staged: bool, ref: str | None, strict: bool, form: str) -> int:
    """Validate all configs, or those that are at, below or reach the PATHS named.

    Exit code: 0 no errors (warnings are shown), 2 errors.
    """
    if staged and ref:
        raise click.UsageError("--index and --ref exclude each other")
    from datetime import UTC, datetime

    project = open_project()
    tree = project.index() if staged else project.tree(ref)
    problems, count = find_problems(project, tree, [project.path(path) for path in paths], today=datetime.now(UTC).date())
    problems = _with_severity(project, problems, ref, strict=strict)
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "json":
        emit_json(document(tree, problems, count, errors))
    else:
        from llmops_git.reports.problems import render_problems

        text = render_problems(problems, tree.read, color=terminal()["color"])
        if text:
            click.echo(text)
        click.echo(_summary(tree, count, errors, len(problems) - errors), err=True)
    return EXIT_USAGE if errors else EXIT_OK


def _with_severity(project: Project, problems: Sequence[Problem], ref: str | None, *, strict: bool) -> list[Problem]:
    """The problems, in which a case that needs a label is an error where it may not be: on the default branch."""
    from llmops_git.commands.unlabelled import FIELD, on_default_branch

    waiting = [problem for problem in problems if problem.pointer == FIELD and problem.severity == "warning"]
    if not waiting or not (strict or on_default_branch(project, ref)):
        return list(problems)
    return [replace(problem, severity="error") if problem in waiting else problem for problem in problems]


def find_problems(
    project: Project, tree: Tree, paths: Sequence[str], *, today: date | None = None
) -> tuple[list[Problem], int]:
    """Everything that is wrong with the configs chosen by `paths` (all, when there are none), and how many they are.

    Models that stop answering soon are warned of when it is said which day is `today`. Cases that need a label are warnings.
    """
    from llmops_git.commands.check_guardrails import guardrail_problems, unused_packs
    from llmops_git.configs.closure import Closures
    from llmops_git.configs.load import Loader
    from llmops_git.configs.paths import config_files, named_files

    try:
        policy = project.policy(tree)
    except InvalidInput as error:
        return list(error.problems), 0
    files = config_files(tree.walk(), policy)
    problems = [*named_files(files)[1], *monitor_problems(tree, policy, files, paths)]
    others = [path for path in paths if not is_monitor(path, policy)]
    if not files and not paths:
        hint = "llmops-git init"
        problems.append(
            Problem(path="llmops.yaml", message=f"no file fits {', '.join(policy.configs)}", hint=hint, severity="warning")
        )
    closures = Closures(tree, policy.root)
    closures.prepare(files)
    unused = unused_packs(tree, policy, closures, files, others)
    chosen = _chosen(tree, closures, files, [path for path in others if path not in unused]) if paths else files
    loader = Loader(tree, policy, closures)
    for path in chosen:
        problems += _config_problems(tree, path, policy, loader, today)
    problems += guardrail_problems(tree, policy, closures, paths, chosen)
    return list(dict.fromkeys(problems)), len(chosen)


def _chosen(tree: Tree, closures: Closures, files: Sequence[str], paths: Sequence[str]) -> list[str]:
    """The configs that are, are below, or read one of the paths; a path that no config reads must be a config (a judge)."""
    chosen: dict[str, None] = {}
    reached = {path: {item.path for item in closures.of(path).dependencies} for path in files}
    for wanted in paths:
        below = f"{wanted}/" if wanted else ""
        found = [path for path in files if not below or any(file == wanted or file.startswith(below) for file in reached[path])]
        if not found:
            if tree.entry(wanted) is None and not tree.walk(wanted):
                raise LlmopsError(f"{wanted} is not in {describe_tree(tree)}")
            if not wanted.endswith((".yaml", ".yml")):
                raise LlmopsError(f"no config reads {wanted}", hint="name a config, or a file that one reads")
            found = [wanted]
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _config_problems(tree: Tree, path: str, policy: Policy, loader: Loader, today: date | None) -> Iterable[Problem]:
    from llmops_git.commands.unlabelled import unlabelled_problems

    try:
        config = loader.load(path)
    except InvalidInput as error:
        return error.problems
    retired = retirement_problems(tree, config, policy, today) if today else ()
    models, scorers = _model_problems(tree, config, policy), _scorer_problems(tree, config, policy)
    return [*config.warnings, *models, *retired, *scorers, *unlabelled_problems(tree, config, "warning")]


def _model_problems(tree: Tree, config: Config, policy: Policy) -> Iterable[Problem]:
    """A model that the provider in this process does not know."""
    message, hint = unknown_model(policy.providers[config.provider], config.model)
    if message:
        yield _problem(tree, config.path, ("model", "id"), message, hint)


def unknown_model(provider: ProviderSettings, model: str) -> tuple[str, str]:
    """Why the provider cannot have a model, and what to do about it; two empty texts where that cannot be told from here."""
    from llmops_git.providers.weights import KNOWN_MODELS

    if provider.api != "embedded" or provider.model_path or model in KNOWN_MODELS:
        return "", ""
    message = f"provider `{provider.name}` has no model `{model}` (known: {', '.join(KNOWN_MODELS)})"
    return message, f"name a GGUF file in llmops.yaml: {provider.name}: {{api: embedded, model_path: models/{model}.gguf}}"


def retirement_problems(tree: Tree, config: Config, policy: Policy, today: date) -> Iterable[Problem]:
    """Warnings of pins, the config's own and those of its judges, that are retired or will be within 90 days."""
    from llmops_git.configs.pins import floating_reason
    from llmops_git.configs.retirements import announcement, retirement_of

    judges = [judge for scorer in config.evaluation.scorers for judge in scorer.asked] if config.evaluation else []
    for pinned in (config, *judges):
        retirement = retirement_of(policy, pinned.provider, pinned.model)
        message = announcement(pinned.model, retirement, today) if retirement else ""
        if not retirement or not message:
            continue
        name = pinned.name if pinned.kind == "config" else pinned.path
        successor = retirement.successor or "MODEL"
        hint = f"llmops-git upgrade {name} --model {successor}"
        if retirement.successor and floating_reason(pinned.provider, policy.providers[pinned.provider].api, successor):
            hint = f"llmops-git upgrade {name} --model MODEL, with a snapshot of `{successor}`, which its vendor recommends"
        yield _problem(tree, pinned.path, ("model", "id"), message, hint, severity="warning")


def _scorer_problems(tree: Tree, config: Config, policy: Policy) -> Iterable[Problem]:
    """Scorers that cannot be built from their settings."""
    from llmops_git.scorers.table import try_scorers

    scorers = config.evaluation.scorers if config.evaluation else ()
    for name, error in try_scorers(scorers, policy.allowed_scorers)[1].items():
        yield _problem(tree, config.path, ("evaluation", "scorers", name), error.message, error.hint)


def _problem(
    tree: Tree, path: str, pointer: tuple[str, ...], message: str, hint: str, *, severity: Severity = "error"
) -> Problem:
    from llmops_git.configs.pointers import pointer_text
    from llmops_git.configs.yaml import parse

    line, column = parse(tree.read([path])[path], path).place(pointer)
    where = pointer_text(pointer)
    return Problem(path=path, message=message, line=line, column=column, pointer=where, hint=hint, severity=severity)


def document(tree: Tree, problems: Sequence[Problem], count: int, errors: int) -> dict[str, Any]:
    """The JSON form (schemas/check.schema.json)."""
    fields = ("severity", "path", "line", "column", "pointer", "message", "hint")
    return {
        "tree": tree.name,
        "configs": count,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [{field: getattr(problem, field) for field in fields} for problem in problems],
    }


def _summary(tree: Tree, count: int, errors: int, warnings: int) -> str:
    def counted(number: int, word: str) -> str:
        return f"{number} {word}{'' if number == 1 else 's'}"

    where = describe_tree(tree)
    return f"{counted(count, 'config')} in {where}: {counted(errors, 'error')}, {counted(warnings, 'warning')}"
