"""The difference of two loaded configs: which aspects, which fields, which bump. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from llmops_git.configs.semver import bump_of
from llmops_git.configs.values import Aspect, Bump, Change, Config, FieldChange, Json, JsonObject, Status

_ASPECTS: Mapping[str, Aspect] = {
    "messages": "prompt",
    "templates": "prompt",
    "retrieval": "retrieval",
    "tools": "tools",
    "max_steps": "tools",
    "output": "output",
    "guardrails": "guardrails",
    "inputs": "inputs",
}
ORDER: tuple[Aspect, ...] = (
    "prompt", "model", "parameters", "retrieval", "tools", "output", "guardrails", "inputs", "evaluation", "metadata"
)  # fmt: skip


def compare_configs(base: Config | None, head: Config | None, *, because: Sequence[Sequence[str]] = ()) -> Change:
    """The change from `base` to `head` (None: not there). With nothing changed it has no aspects.

    A rename is a removed and an added config; pairing these is the caller's (`renamed`).
    """
    chosen = head or base
    if chosen is None:
        raise ValueError("a change needs at least one side")
    fields = tuple(field_changes(base, head)) if base and head else ()
    return Change(
        config=chosen.name,
        status=_status(base, head),
        aspects=_aspects(base, head),
        bump=_bump(base, head),
        because=tuple(tuple(chain) for chain in because),
        fields=fields,
        base=base,
        head=head,
    )


def renamed(base: Config, head: Config, *, because: Sequence[Sequence[str]] = ()) -> Change:
    """The change from a config to the same content under another name. Callers ask by name: the contract breaks."""
    found = compare_configs(base, head, because=because)
    return Change(
        config=head.name, status="renamed", aspects=found.aspects, bump="major", because=found.because, fields=found.fields,
        renamed_from=base.name, base=base, head=head,
    )  # fmt: skip


def _status(base: Config | None, head: Config | None) -> Status:
    if base is None:
        return "added"
    return "removed" if head is None else "modified"


def _bump(base: Config | None, head: Config | None) -> Bump:
    if base is None:
        return "none"  # the first release is 1.0.0, whatever is in it
    return "major" if head is None else bump_of(base.resolved, head.resolved)


def _aspects(base: Config | None, head: Config | None) -> tuple[Aspect, ...]:
    if base is None or head is None:
        found = set(_present(base or head))
    else:
        found = set(_differing(base.resolved, head.resolved))
        if base.eval_digest != head.eval_digest or base.critical != head.critical:
            found.add("evaluation")
        if (base.description, base.owner) != (head.description, head.owner):
            found.add("metadata")
    return tuple(aspect for aspect in ORDER if aspect in found)


def _differing(before: JsonObject, after: JsonObject) -> Iterator[Aspect]:
    for key, aspect in _ASPECTS.items():
        if before.get(key) != after.get(key):
            yield aspect
    old, new = before.get("model", {}), after.get("model", {})
    if any(old.get(key) != new.get(key) for key in ("provider", "id")):
        yield "model"
    if old.get("parameters") != new.get("parameters"):
        yield "parameters"


def _present(config: Config | None) -> Iterator[Aspect]:
    """The aspects that a whole config has."""
    if config is None:
        return
    yield "model"
    if config.resolved.get("model", {}).get("parameters"):
        yield "parameters"
    for key, aspect in _ASPECTS.items():
        if config.resolved.get(key):
            yield aspect
    if config.evaluation is not None:
        yield "evaluation"


def field_changes(base: Config, head: Config) -> Iterator[FieldChange]:
    """Every field that differs, by its path, in the order of the paths."""
    before, after = dict(_fields(base)), dict(_fields(head))
    for path in sorted({*before, *after}, key=_natural):
        if before.get(path) != after.get(path):
            yield FieldChange(path=path, before=before.get(path), after=after.get(path))


def _fields(config: Config) -> Iterator[tuple[str, Json]]:
    yield from _flat("", {key: value for key, value in config.resolved.items() if key != "templates"})
    for digest, text in config.resolved.get("templates", {}).items():
        yield f"templates.{digest}", text
    if config.description:
        yield "description", config.description
    if config.owner:
        yield "owner", config.owner
    if config.critical:
        yield "critical", True
    if config.evaluation is not None:
        yield from _evaluation_fields(config.evaluation.resolved)


def _evaluation_fields(resolved: JsonObject) -> Iterator[tuple[str, Json]]:
    """Eval cases by id, not by place: inserting one is one change."""
    for key, value in resolved.items():
        if key == "cases":
            for case in value:
                yield f"evaluation.cases.{case['id']}", {name: part for name, part in case.items() if name != "id"}
        else:
            yield from _flat(f"evaluation.{key}", value)


def _flat(path: str, value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), part)
    elif isinstance(value, list) and value and any(isinstance(item, dict) for item in value):
        for index, part in enumerate(value):
            yield from _flat(f"{path}[{index}]", part)
    else:
        yield path, value


def _natural(path: str) -> tuple[tuple[int, str], ...]:
    """Sorts `messages[2]` before `messages[10]`."""
    parts = path.replace("]", "").replace("[", ".").split(".")
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
