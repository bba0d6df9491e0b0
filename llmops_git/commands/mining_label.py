"""Asks a person for the labels of cases that need one, one after the other, and writes each at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.reports.escape import inert, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Case, Config

SKIP, NOTHING, DELETE, QUIT = "", "-", "x", "q"
KEYS = "what would have been right? (Enter: skip, -: nothing to compare with, x: delete the row, q: quit)"
_SHOWN = 2_000  # characters of one text
_ASKED = "expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A case that needs a label: whose it is, and the file that it stands in."""

    config: str
    case: Case
    path: str
    example: Any  # what another case expects, for the form of it; None where none says


def label_cases(project: Project, names: tuple[str, ...]) -> int:
    """Ask for every label. Raises LlmopsError in a bare repository."""
    folder = project.git.location.work_tree
    if folder is None:
        raise LlmopsError("a bare repository has no files to edit", hint="run this in a clone")
    waiting = _waiting(project, names)
    if not waiting:
        click.echo("no case needs a label", err=True)
    done = 0
    for number, one in enumerate(waiting, start=1):
        click.echo("\n".join(_shown(one, number, len(waiting))))
        said = _ask()
        if said == QUIT:
            break
        if said != SKIP:
            done += _write(folder / one.path, one, said)
    if waiting:
        click.echo(f"{done} of {len(waiting)} cases done, then llmops-git check", err=True)
    return EXIT_OK


def _waiting(project: Project, names: tuple[str, ...]) -> list[Waiting]:
    """The cases of the work tree that need a label; each once, though two configs have it."""
    tree = project.tree(None)
    found: dict[tuple[str, str], Waiting] = {}
    for name in names or project.configs(tree):
        config = project.load(tree, name)
        if config.evaluation is None or not config.evaluation.unlabelled:
            continue
        example = next((case.expected for case in config.evaluation.cases if case.expected is not None), None)
        for path, case in _places(project, config):
            found.setdefault((path, case.id), Waiting(config=config.name, case=case, path=path, example=example))
    return list(found.values())


def _places(project: Project, config: Config) -> list[tuple[str, Case]]:
    """The unlabelled cases with their files. A table or YAML is edited by hand: its rows are more than a line."""
    from llmops_git.configs.cases import read_cases
    from llmops_git.configs.live_rows import dataset_files

    found = []
    for path, data in project.tree(None).read(dataset_files(config)).items():
        cases = [case for case in read_cases(path, data).cases if case.needs_label]
        if cases and not path.lower().endswith(".jsonl"):
            click.echo(f"{inert(path)}: {len(cases)} more, to be labelled by hand", err=True)
            continue
        found += [(path, case) for case in cases]
    return found


def _shown(one: Waiting, number: int, of: int) -> list[str]:
    source = one.case.source or {}
    lines = [f"\n{number} of {of}: {one_line(one.case.id)} of {one_line(one.config)}"]
    lines += [f"  {one_line(name)}: {_block(_text(value))}" for name, value in one.case.inputs.items()]
    lines += [f"  answered: {_block(one.case.observed)}"] if one.case.observed else []
    for key in ("why", "comments"):
        said = source.get(key)
        lines += [f"  {key}: {one_line(str(item), 300)}" for item in said] if isinstance(said, list) else []
    lines += [f"  (others expect, for example: {one_line(_text(one.example))})"] if one.example is not None else []
    return lines


def _block(text: str) -> str:
    return inert(text[:_SHOWN]).replace("\n", "\n    ")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _ask() -> str:
    """What the person says; the end of the input ends it all."""
    try:
        return str(click.prompt(f"  {KEYS}\n ", default=SKIP, show_default=False, prompt_suffix=" ")).strip()
    except click.Abort:
        return QUIT


def _write(path: Path, one: Waiting, said: str) -> int:
    """Write one label into the file as it is now. How many rows that changed."""
    from llmops_git.configs.live_rows import with_label

    label = None if said == DELETE else {} if said == NOTHING else {_ASKED: _value(said, one.example)}
    try:
        before = path.read_bytes()
        after = with_label(before, one.case.id, label)
        path.write_bytes(after)
    except OSError as error:
        raise LlmopsError(f"{one.path} cannot be written: {error.strerror}") from None
    return int(after != before)


def _value(said: str, example: Any) -> Any:
    """JSON where it is written as JSON, or where others expect something else than text; text otherwise."""
    if said[:1] in '{["' or not isinstance(example, str | None):
        try:
            return json.loads(said)
        except ValueError:
            return said
    return said
