"""`llmops-git render`: the messages of a config exactly as the model gets them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option, open_project
from llmops_git.errors import LlmopsError
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Case, Config, JsonObject

_TEXT_TYPES = ("string", None)


@click.command("render")
@click.argument("name", metavar="NAME")
@click.option("--case", "case_id", metavar="ID", help="Take the inputs (and recorded documents) of this case of the eval set.")
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set an input; VALUE is text, or JSON where the input is not text.",
)
@click.option("--ref", metavar="REV", help="As of a commit (default: the work tree).")
@format_option()
def command(name: str, case_id: str | None, assignments: tuple[str, ...], ref: str | None, form: str) -> None:
    """Show the messages of the config NAME exactly as the model gets them.

    With a retriever the documents are searched first. As text, control characters are shown as codes; JSON has them as is.
    """
    project = open_project()
    config = project.load(project.tree(ref), name)
    case = _case(config, case_id) if case_id is not None else None
    inputs = {**(case.inputs if case else {}), **_assigned(config, assignments)}
    _hold_to_contract(config, inputs)
    documents = _documents(project, config, inputs, case, ref)
    from llmops_git.configs.template import render_messages

    messages = render_messages(config.resolved, inputs, documents)
    if form == "json":
        emit_json(
            {
                "config": config.name,
                "digest": config.digest,
                "inputs": inputs,
                "documents": documents,
                "messages": list(messages),
            }
        )
    else:
        click.echo("\n".join(f"--- {message['role']}\n{clean(message['content'])}" for message in messages))


def _case(config: Config, case_id: str) -> Case:
    from llmops_git.configs.paths import suggestion

    cases = {case.id: case for case in (config.evaluation.cases if config.evaluation else ())}
    if case_id not in cases:
        first = ", ".join(list(cases)[:5]) or "none"
        raise LlmopsError(
            f"`{config.name}` has no case `{case_id}`", hint=suggestion(case_id, cases) or f"the first ones are: {first}"
        )
    return cases[case_id]


def _assigned(config: Config, assignments: tuple[str, ...]) -> dict[str, Any]:
    """The inputs of `--set`, read by what the contract says they are."""
    from llmops_git.configs.paths import suggestion

    properties = config.resolved["inputs"]["properties"]
    inputs: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise click.UsageError(f"--set {assignment}: write NAME=VALUE")
        if name not in properties:
            hint = suggestion(name, properties) or f"the inputs are: {', '.join(properties) or 'none'}"
            raise LlmopsError(f"`{name}` is not an input of `{config.name}`", hint=hint)
        inputs[name] = _value(text, properties[name])
    return inputs


def _value(text: str, schema: Any) -> Any:
    from llmops_git.configs.json_file import loads

    wanted = schema.get("type") if isinstance(schema, Mapping) else None
    if wanted in _TEXT_TYPES and not (wanted is None and text[:1] in ("{", "[")):
        return text
    try:
        return loads(text)
    except (json.JSONDecodeError, ValueError):
        return text


def _hold_to_contract(config: Config, inputs: Mapping[str, Any]) -> None:
    from llmops_git.configs.pointers import pointer_text
    from llmops_git.configs.user_schema import value_problems

    problems = value_problems(config.resolved["inputs"], inputs)
    if problems:
        said = "; ".join(f"{pointer_text(('inputs', *pointer))[2:]} {message}" for pointer, message in problems)
        raise LlmopsError(
            f"the inputs do not fit `{config.name}`: {said}", hint="--case ID, or --set NAME=VALUE for each input"
        )


def _documents(
    project: Project, config: Config, inputs: Mapping[str, Any], case: Case | None, ref: str | None
) -> list[JsonObject]:
    if "retrieval" not in config.resolved:
        return list(case.documents or ()) if case else []
    from llmops_git.commands.searching import found_now
    from llmops_git.configs.template import render_query

    query = render_query(config.resolved, inputs) if "query" in config.resolved["retrieval"] else ""
    return found_now(project, project.policy(project.tree(ref)), config, query, case)
