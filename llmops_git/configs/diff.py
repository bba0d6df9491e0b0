"""What differs between two loaded configs: the aspects it touches, field by field, and the version it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from llmops_git.configs.contracts import same
from llmops_git.configs.diff_guardrails import guardrail_orders, guardrails_by_name
from llmops_git.configs.inline import Inlined, inline
from llmops_git.configs.semver import bump_of
from llmops_git.configs.values import Aspect, Change, Config, Evaluation, FieldChange, Json, JsonObject, Status

MAX_DOCUMENT_SHOWN = 20_000  # characters of a document given as text; a longer one is named by its size and digest
_SECTIONS: dict[str, Aspect] = {
    "retrieval": "retrieval",
    "tools": "tools",
    "max_steps": "tools",
    "output": "output",
    "guardrails": "guardrails",
    "inputs": "inputs",
    "target": "model",
}
_ORDER: tuple[Aspect, ...] = (
    "prompt", "model", "parameters", "retrieval", "tools", "output", "guardrails", "inputs", "evaluation", "metadata"
)  # fmt: skip


def compare_configs(base: Config | None, head: Config | None) -> Change:
    """The change from one config to another; None is a config that is not there. Raises ValueError for two of them.

    A change without aspects is none: the digests are equal, and so is what people read. Field paths are those of the resolved
    config (`model.id`, `messages[0].template` with its includes in place) and of `evaluation`.
    """
    if base is None or head is None:
        only = head or base
        if only is None:
            raise ValueError("there is nothing to compare")
        status: Status = "added" if base is None else "removed"
        return Change(
            config=only.name,
            status=status,
            aspects=_present(only),
            bump="none" if base is None else "major",
            base=base,
            head=head,
        )
    fields = _resolved_fields(base, head) if base.digest != head.digest else {}
    fields["evaluation"] = _evaluation_fields(base, head)
    fields["metadata"] = tuple(_differences(_metadata(base), _metadata(head)))
    touched = tuple(aspect for aspect in _ORDER if fields.get(aspect))
    renamed = base.name != head.name
    return Change(
        config=head.name,
        status="renamed" if renamed else "modified" if touched else "unchanged",
        aspects=touched,
        bump=bump_of(base.resolved, head.resolved),
        fields=tuple(field for aspect in touched for field in fields[aspect]),
        renamed_from=base.name if renamed else "",
        base=base,
        head=head,
    )


def _present(config: Config) -> tuple[Aspect, ...]:
    """The aspects that a config has at all."""
    present: set[Aspect] = {"prompt", "model"}
    present |= {aspect for name, aspect in _SECTIONS.items() if config.resolved.get(name)}
    if config.resolved["model"].get("parameters"):
        present.add("parameters")
    if not config.resolved["inputs"]["properties"]:
        present.discard("inputs")
    if config.evaluation is not None:
        present.add("evaluation")
    return tuple(aspect for aspect in _ORDER if aspect in present)


def _resolved_fields(base: Config, head: Config) -> dict[Aspect, tuple[FieldChange, ...]]:
    fields: dict[Aspect, tuple[FieldChange, ...]] = {
        "prompt": tuple(_prompt_fields(base.resolved, head.resolved)),
        "model": tuple(_differences(_model(base.resolved), _model(head.resolved), "model")),
        "parameters": tuple(_differences(_parameters(base.resolved), _parameters(head.resolved), "model.parameters")),
    }
    for name, aspect in _SECTIONS.items():
        before, after = _section(base.resolved, name), _section(head.resolved, name)
        fields[aspect] = (*fields.get(aspect, ()), *_differences(before, after, name))
    fields["guardrails"] += tuple(guardrail_orders(base.resolved.get("guardrails"), head.resolved.get("guardrails")))
    fields["retrieval"] += tuple(_corpus_fields(base, head))
    return fields


def _model(resolved: JsonObject) -> Json:
    return {key: value for key, value in resolved["model"].items() if key != "parameters"}


def _parameters(resolved: JsonObject) -> Json:
    return resolved["model"].get("parameters", {})


def _section(resolved: JsonObject, name: str) -> Json:
    """A part of a resolved config as it is compared: tools and guardrails by name, a corpus apart."""
    value = resolved.get(name)
    if name == "guardrails":
        return guardrails_by_name(value)
    if name == "tools" and value is not None:
        return {tool["function"]["name"]: tool["function"] for tool in value}
    if name == "retrieval" and value is not None:
        return {key: item for key, item in value.items() if key not in ("corpus", "query")}
    return value


def _prompt_fields(before: JsonObject, after: JsonObject) -> Iterator[FieldChange]:
    """Messages by their text, with what they include in place; where that is the same, the templates as they are."""
    old, new = _messages(before), _messages(after)
    fields = [*_differences(old.value, new.value, "messages"), *_differences(old.others, new.others, "includes")]
    if not fields:
        raw = {key: before.get(key) for key in ("messages", "templates")}
        fields = list(_differences(raw, {key: after.get(key) for key in raw}))
    yield from fields


def _messages(resolved: JsonObject) -> Inlined:
    return inline(resolved["messages"], resolved.get("templates", {}))


def _corpus_fields(base: Config, head: Config) -> Iterator[FieldChange]:
    """The query as text, and the documents by file."""
    old, new = base.resolved.get("retrieval") or {}, head.resolved.get("retrieval") or {}
    queries = [
        inline([{"template": side["query"]}], config.resolved.get("templates", {})).value[0]["template"]
        if "query" in side
        else None
        for side, config in ((old, base), (new, head))
    ]
    yield from _differences(queries[0], queries[1], "retrieval.query")
    if not same(old.get("corpus"), new.get("corpus")):
        documents = [{item.path: _shown(item.text) for item in config.documents} for config in (base, head)]
        yield from _differences(documents[0], documents[1], "retrieval.corpus")


def _shown(text: str) -> str:
    if len(text) <= MAX_DOCUMENT_SHOWN:
        return text
    from llmops_git.configs.digest import bytes_digest

    return f"({len(text):,} characters, {bytes_digest(text.encode())})"


def _evaluation_fields(base: Config, head: Config) -> tuple[FieldChange, ...]:
    if base.eval_digest == head.eval_digest and base.critical == head.critical:
        return ()
    before, after = _evaluation(base.evaluation), _evaluation(head.evaluation)
    fields = list(_differences(before, after, "evaluation"))
    if base.critical != head.critical:
        fields.append(FieldChange(path="critical", before=base.critical, after=head.critical))
    return tuple(fields)


def _evaluation(evaluation: Evaluation | None) -> Json:
    if evaluation is None:
        return None
    return {**evaluation.resolved, "cases": {case["id"]: case for case in evaluation.resolved["cases"]}}


def _metadata(config: Config) -> Json:
    return {"description": config.description, "owner": config.owner, "scale": config.scale}


def _differences(before: Json, after: Json, path: str = "") -> Iterator[FieldChange]:
    """The parts of two values that differ, as small as they can be named."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(before.get(key), after.get(key), _below(path, key))
    elif _is_long(before) and _is_long(after):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else None
            new = after[index] if index < len(after) else None
            yield from _differences(old, new, f"{path}[{index}]")
    elif not same(before, after):
        yield FieldChange(path=path, before=before, after=after)


def _is_long(value: Json) -> bool:
    """Whether a list is compared item by item: lists of words are shown whole."""
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _below(path: str, key: str) -> str:
    if not key.isidentifier() and not key.replace("-", "_").isidentifier():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key
