"""The files that one file names: a config, judge or guardrail pack in its fields, a template in its includes.

`scan` depends on the content alone, so what it finds can be kept by blob id; `references` turns that into paths. A byte
prefilter (`repo.prefilter`) relies on two rules kept here: a template is not a data file, and a judge is a YAML file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llmops_git.configs.glob import is_glob
from llmops_git.configs.paths import CONFIG_ENDINGS, is_name, join
from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.values import Json, Role
from llmops_git.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from llmops_git.configs.yaml import YamlFile

DATA_ENDINGS = (".jsonl", ".csv", ".tsv", ".parquet")
GUARDRAILS = "guardrails"

Syntax = Literal["config", "template", ""]
Pointer = tuple[str | int, ...]

_GLOBBING: frozenset[Role] = frozenset({"corpus", "dataset"})
_SYNTAX: dict[Role, Syntax] = {
    "config": "config",
    "judge": "config",
    "guardrail": "config",
    "message": "template",
    "include": "template",
}


class Mention(NamedTuple):
    """A file as its text names it: the text, what it is for, and the field (of a config) or line (of a template)."""

    text: str
    role: Role
    pointer: Pointer = ()
    line: int = 0
    optional: bool = False


class Scan(NamedTuple):
    """All that one file names. `problems` have no path yet: equal contents are scanned once, wherever they are."""

    mentions: tuple[Mention, ...] = ()
    problems: tuple[Problem, ...] = ()


class Reference(NamedTuple):
    """A file, or with `glob` a pattern of files, that another file names. `path` is relative to the repository."""

    path: str
    role: Role
    glob: bool
    mention: Mention


class References(NamedTuple):
    """What one file names. `refused` are mentions that cannot be a path, with the reason, until they become problems."""

    items: tuple[Reference, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: tuple[tuple[Mention, str], ...] = ()


def references(path: str, data: bytes, role: Role, root: str = "") -> References:
    """What the file at `path`, read in `role`, names; `root` is the policy's folder, below which guardrails are looked up.

    Never raises for what a file contains: a file that cannot be read names nothing, and `problems` say why.
    """
    found = resolve(path, scan(data, syntax_of(role), path), root)
    problems = tuple(problem_with(path, data, mention, message) for mention, message in found.refused)
    return References(found.items, found.problems + problems)


def syntax_of(role: Role) -> Syntax:
    """How a file in this role is read for references; "" when it names no files."""
    return _SYNTAX.get(role, "")


def scan(data: bytes, syntax: Syntax, path: str = "") -> Scan:
    """What a content names; `path` is only used in problems."""
    if not syntax:
        return Scan()
    from llmops_git.configs.text import decode  # where every scan is remembered, none of this is needed
    from llmops_git.configs.yaml import parse

    try:
        if syntax == "template":
            return _scan_template(decode(data, path), path)
        return _scan_config(parse(data, path))
    except InvalidInput as error:
        return Scan(problems=error.problems)


def resolve(path: str, found: Scan, root: str = "") -> References:
    """The mentions of a file at `path` as repository-relative paths."""
    items = []
    refused = []
    for mention in found.mentions:
        try:
            target = _target(path, mention, root)
        except ValueError as error:
            refused.append((mention, str(error)))
        else:
            items.append(Reference(target, mention.role, mention.role in _GLOBBING and is_glob(target), mention))
    problems = tuple(replace(problem, path=path) for problem in found.problems)
    return References(tuple(items), problems, tuple(refused))


def problem_with(path: str, data: bytes, mention: Mention, message: str, hint: str = "") -> Problem:
    """A problem with what the file at `path` (its content is `data`) mentions, at the place where it does."""
    line, column = mention.line, 0
    if mention.pointer:
        line, column = _place(path, data, mention.pointer)
    where = pointer_text(mention.pointer) if mention.pointer else ""
    return Problem(path=path, message=f"`{mention.text}`: {message}", line=line, column=column, pointer=where, hint=hint)


def _place(path: str, data: bytes, pointer: Pointer) -> tuple[int, int]:
    from llmops_git.configs.yaml import parse

    try:
        return parse(data, path).place(pointer)
    except InvalidInput:  # a file of the work tree that was edited since it was scanned
        return 0, 0


def _target(path: str, mention: Mention, root: str) -> str:
    if mention.role == "guardrail":
        return "/".join(part for part in (root, GUARDRAILS, f"{mention.text}.yaml") if part)
    if any("\ud800" <= letter <= "\udfff" for letter in mention.text):  # a template can write them with escapes
        raise ValueError("half of a surrogate pair is not text")
    target = join(path, mention.text)
    if not target:
        raise ValueError("this is a folder, not a file")
    if mention.role == "judge" and not target.endswith(CONFIG_ENDINGS):
        raise ValueError("a judge is a .yaml file")
    if syntax_of(mention.role) == "template" and target.lower().endswith(DATA_ENDINGS):
        raise ValueError("this is a data file, not a template")
    return target


def _scan_template(text: str, path: str) -> Scan:
    from llmops_git.configs.includes import find_includes

    found, dynamic = find_includes(text)
    return Scan(
        tuple(Mention(item.name, "include", (), item.line, item.optional) for item in found),
        tuple(Problem(path=path, message=item.message, line=item.line, hint=item.hint) for item in dynamic),
    )


def _scan_config(file: YamlFile) -> Scan:
    from llmops_git.configs.includes import find_includes

    if not isinstance(file.value, dict):
        return Scan()
    mentions = list(_fields(file.value))
    problems = []
    for pointer, text in _inline_templates(file.value):
        found, dynamic = find_includes(text)
        mentions += [Mention(item.name, "include", pointer, 0, item.optional) for item in found]
        for item in dynamic:
            line, column = file.place(pointer)
            where = pointer_text(pointer)
            problems.append(
                Problem(path=file.path, message=item.message, line=line, column=column, pointer=where, hint=item.hint)
            )
    return Scan(tuple(mentions), tuple(problems))


def _fields(config: dict[str, Any]) -> Iterator[Mention]:
    """Every field of configs and guardrail packs that names files; values of another type are the schema's to refuse."""
    for index, message in enumerate(_list(config.get("messages"))):
        yield from _texts(_get(message, "file"), "message", ("messages", index, "file"))
    yield from _texts(_get(config.get("output"), "schema"), "output_schema", ("output", "schema"))
    yield from _texts(_get(config.get("retrieval"), "corpus"), "corpus", ("retrieval", "corpus"))
    yield from _texts(_list(config.get("tools")), "tool", ("tools",))
    for side in ("input", "output"):
        for mention in _texts(_list(_get(config.get("guardrails"), side)), "guardrail", ("guardrails", side)):
            if is_name(mention.text):
                yield mention
    evaluation = config.get("evaluation")
    yield from _texts(_get(evaluation, "dataset"), "dataset", ("evaluation", "dataset"))
    scorers = _get(evaluation, "scorers")
    for name, scorer in scorers.items() if isinstance(scorers, dict) else ():
        pointer = ("evaluation", "scorers", name)
        yield from _texts(_get(scorer, "schema"), "scorer_schema", (*pointer, "schema"))
        yield from _texts(_get(scorer, "judge"), "judge", (*pointer, "judge"))
        yield from _texts(_list(_get(scorer, "judges")), "judge", (*pointer, "judges"))
    yield from _rules(config)


def _rules(pack: dict[str, Any]) -> Iterator[Mention]:
    """What the rules of a guardrail pack name; a config has no `rules`."""
    rules = pack.get("rules")
    for name, rule in rules.items() if isinstance(rules, dict) else ():
        yield from _texts(_get(rule, "judge"), "judge", ("rules", name, "judge"))
        yield from _texts(_get(rule, "schema"), "guardrail_schema", ("rules", name, "schema"))


def _inline_templates(config: dict[str, Any]) -> Iterator[tuple[Pointer, str]]:
    for index, message in enumerate(_list(config.get("messages"))):
        if isinstance(content := _get(message, "content"), str):
            yield ("messages", index, "content"), content
    if isinstance(rubric := config.get("rubric"), str):
        yield ("rubric",), rubric
    if isinstance(query := _get(config.get("retrieval"), "query"), str):
        yield ("retrieval", "query"), query


def _texts(value: Json, role: Role, pointer: Pointer) -> Iterator[Mention]:
    """The text of a field, or each text of its list."""
    if isinstance(value, str):
        yield Mention(value, role, pointer)
    for index, item in enumerate(_list(value)):
        if isinstance(item, str):
            yield Mention(item, role, (*pointer, index))


def _get(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, dict) else None


def _list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []
