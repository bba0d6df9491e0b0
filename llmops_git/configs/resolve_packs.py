"""Guardrail packs resolved: the rules in order, with the judges and schemas that they name in place, so that a bundle can
apply them without the repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.configs.paths import bad_name, config_name, is_name, suggestion
from llmops_git.configs.source import Source, read_data
from llmops_git.configs.values import Config, Json, JsonObject
from llmops_git.configs.yaml import parse
from llmops_git.errors import InvalidInput, Problem

LoadJudge = Callable[[str], Config | None]

MESSAGE = "I cannot help with that."
SECONDS = 1.0
SIDES = ["input", "output"]
_UNTIMED = frozenset({"json_schema", "length", "judge"})  # checks with bounds of their own
_FILES = frozenset({"judge", "label", "labels", "schema"})


def resolve_guardrails(source: Source, load_judge: LoadJudge, *, check: bool) -> Json:
    """The packs of a config by side, in order; None where there is none, as in a judge."""
    if source.value.get("kind") == "judge":
        return None
    by_name = {config_name(item.path): item.path for item in source.files("guardrail")}
    resolved: dict[str, list[JsonObject]] = {}
    section: Mapping[str, Any] = source.value["guardrails"]
    for side in ("input", "output"):
        paths = [by_name[name] for name in section.get(side, []) if name in by_name]  # the closure says what is missing
        packs = [pack for path in paths if (pack := resolve_pack(source, path, load_judge, check=check)) is not None]
        if packs:
            resolved[side] = packs
    return resolved or None


def resolve_pack(source: Source, path: str, load_judge: LoadJudge, *, check: bool) -> JsonObject | None:
    """The pack that a config names: {"name", "message", "rules": [{"name", "use", "action", …}]}. Problems are put into
    `source`, once each; None where there are some. Without `check`, values of wrong types raise what they may."""
    try:
        pack = open_pack(path, source, check=check)
    except InvalidInput as error:
        problems, resolved = list(error.problems), None
    else:
        resolved = None if pack.problems else resolve_opened(pack, load_judge, check=check)
        problems = pack.problems
    source.problems.extend(problem for problem in problems if problem not in source.problems)
    return None if problems else resolved


def resolve_opened(pack: Source, load_judge: LoadJudge, *, check: bool) -> JsonObject:
    """The resolved value of a pack that keeps to its schema."""
    return {
        "name": config_name(pack.path),
        "message": pack.value.get("message", MESSAGE),
        "rules": [_rule(pack, name, rule, load_judge, check=check) for name, rule in pack.value["rules"].items()],
    }


def open_pack(path: str, source: Source, *, check: bool) -> Source:
    """A pack of the closure of `source` as a file being resolved, held to its schema. Raises InvalidInput where it cannot be
    read."""
    file = parse(source.contents[path], path)
    if not isinstance(file.value, dict):
        raise InvalidInput([Problem(path=path, message="a guardrail pack is a mapping with `rules`", line=1, column=1)])
    pack = Source(file, source.dependencies, source.contents)
    if not check:
        return pack
    from llmops_git.configs.schema import problems_of

    pack.problems = problems_of("guardrail", file, path)
    stem = config_name(path)
    if isinstance(name := file.value.get("name", stem), str) and name != stem:
        pack.add(("name",), f"the name `{name}` is not that of the file", f"name: {stem}, or git mv {path}")
    if not is_name(stem):
        pack.problems.append(bad_name(path))
    return pack


def _rule(pack: Source, name: str, written: Mapping[str, Any], load_judge: LoadJudge, *, check: bool) -> JsonObject:
    """One rule with its defaults, and what it names in place."""
    use = written["use"]
    resolved: dict[str, Json] = {
        "name": name,
        "action": "block",
        "on_error": "pass",
        "sides": SIDES,
        **({} if use in _UNTIMED else {"timeout": SECONDS}),
        **{key: value for key, value in written.items() if use not in ("judge", "json_schema") or key not in _FILES},
    }
    resolved["sides"] = [side for side in SIDES if side in resolved["sides"]]
    if use == "judge":
        resolved |= _judge(pack, ("rules", name), written, load_judge)
    elif use == "json_schema":
        resolved["schema"] = _schema(pack, ("rules", name, "schema"), written["schema"], check=check)
    return resolved


def _judge(pack: Source, pointer: tuple[str, str], written: Mapping[str, Any], load_judge: LoadJudge) -> dict[str, Json]:
    """The judge itself, the labels of its scale, and those that are looked for."""
    labels = [written["label"]] if "label" in written else list(written["labels"])
    path = pack.target(written["judge"])
    judge = load_judge(path) if path else None  # the closure says where there is none
    if judge is None:
        return {}
    known = [str(label) for label in (judge.scale or {}).get("labels", {})]
    for label in labels:
        if label not in known:
            hint = suggestion(label, known) or f"its labels are: {', '.join(known)}"
            where = (*pointer, "label") if "label" in written else (*pointer, "labels", labels.index(label))
            pack.add(where, f"`{label}` is no label of {path}", hint)
    if (judge.resolved.get("judge") or {}).get("reference") == "expected":
        pack.add((*pointer, "judge"), f"{path} compares with what is expected, and nothing is expected of a guarded text")
    return {"judge": judge.resolved, "scale": known, "labels": labels}


def _schema(pack: Source, pointer: tuple[str, ...], written: Json, *, check: bool) -> Json:
    found = pack.parsed(written, read_data)
    if found is None:
        return {}
    schema, path = found
    if not check:
        return schema
    from llmops_git.configs.user_schema import schema_problems

    for inner, message in schema_problems(schema):
        pack.blame(pointer, path, inner, message)
    return schema
