"""Changes the pin of a config file: only the bytes of the scalar, whatever its style; everything else stays as it is."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.pointers import pointer_text
from llmops_git.configs.values import Json
from llmops_git.configs.yaml import YamlFile, parse
from llmops_git.errors import InvalidInput, LlmopsError, Problem

MAX_ID = 200  # characters of a model id or a provider's name
_LINE_BREAK = re.compile("\\r\\n|[\\r\\n\\x85\\u2028\\u2029]")  # what YAML 1.1 readers take for the end of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEdit:
    """One edited file. `line` (from 1) is that of the model's id; `data` is the whole file with the new pin."""

    path: str
    line: int
    provider_before: str
    model_before: str
    provider: str
    model: str
    data: bytes


def edit_pin(data: bytes, path: str, *, model: str, provider: str = "") -> PinEdit:
    """The config file `data` with its `model.id` (and `model.provider`, where one is given) replaced.

    The edit is proven by reading the result: its value is that of `data` with the new pin and nothing else. Raises
    InvalidInput with the place of an anchor or alias, and of a value that cannot be replaced; LlmopsError for an id that is
    no id.
    """
    _require_a_name("model id", model)
    _require_a_name("provider", provider or "unchanged")
    file = parse(data, path)
    found = _scalars(file)
    before = {key: str(file.value["model"][key]) for key in ("id", "provider")}
    wanted = {"id": model, "provider": provider or before["provider"]}
    text = file.text
    for key in sorted(found, key=lambda key: -found[key].start_mark.index):  # from the end, so that marks stay right
        if wanted[key] != before[key]:
            text = _replaced(file, text, found[key], key, wanted)
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    return PinEdit(
        path=path,
        line=file.place(("model", "id"))[0],
        provider_before=before["provider"],
        model_before=before["id"],
        provider=wanted["provider"],
        model=model,
        data=mark + text.encode(),
    )


def _require_a_name(what: str, text: str) -> None:
    if not text or text != "".join(text.split()) or not text.isprintable() or len(text) > MAX_ID:
        raise LlmopsError(f"{text[:MAX_ID]!r} is not a {what}", hint="a name without blanks, as the provider writes it")


def _scalars(file: YamlFile) -> dict[str, Any]:
    """The events of `model.id` and `model.provider`. Raises InvalidInput where one is not a scalar that stands on its own."""
    value = file.value.get("model") if isinstance(file.value, dict) else None
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("id", "provider")):
        raise _problem(file, ("model",), "has no `provider` and `id` to change", "llmops-git check")
    found: dict[str, Any] = {}
    for pointer, event in top_events(file):
        if pointer == ("model",) and (type(event).__name__ == "AliasEvent" or event.anchor is not None):
            raise _problem(file, pointer, "is shared through an anchor", "write the model out, without `&` and `*`")
        if len(pointer) == len(("model", "id")) and pointer[0] == "model" and pointer[1] in ("id", "provider"):
            if type(event).__name__ == "AliasEvent" or event.anchor is not None:
                raise _problem(file, pointer, "is shared through an anchor", "write the value out, without `&` and `*`")
            found[pointer[1]] = event
    return found


def top_events(file: YamlFile) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of the two upper levels of mappings: pointer -> event that begins the value."""
    from ruamel.yaml import events

    read = file.events()
    keys: list[str | None] = []  # of the mappings that are open; None inside of a list
    key: str | None = None  # the key whose value comes next
    while (event := read()) is not None:
        if isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            keys.pop()
            key = None
        elif isinstance(event, events.NodeEvent):
            if keys and keys[-1] is not None and key is None:
                keys[-1] = key = str(getattr(event, "value", ""))
                continue
            if None not in keys and 0 < len(keys) <= len(("model", "id")):
                yield tuple(str(name) for name in keys), event
            key = None
            if isinstance(event, events.MappingStartEvent):
                keys.append("")
            elif isinstance(event, events.SequenceStartEvent):
                keys.append(None)


def _replaced(file: YamlFile, text: str, event: Any, key: str, wanted: dict[str, str]) -> str:
    """`text` with the scalar of `event` written anew: in its own style where that says the same, else in double quotes."""
    start, end = event.start_mark.index, event.end_mark.index
    for written in _forms(text[start:end], event, wanted[key]):
        candidate = text[:start] + written + text[end:]
        if _is_edit(file, candidate, key, wanted[key], text):
            return candidate
    raise _problem(file, ("model", key), "cannot be replaced in place", f"write it on one line: {key}: {event.value.strip()}")


def _forms(old: str, event: Any, new: str) -> Iterator[str]:
    if event.style in ("|", ">"):
        header = _LINE_BREAK.search(old)
        if header and old[header.end() :].strip() == event.value.strip():
            body = old[header.end() :]
            yield old[: header.end()] + body.replace(body.strip(), new)
        return
    if event.style == "'":
        yield "'" + new.replace("'", "''") + "'"
    elif not event.style:
        yield new
    yield json.dumps(new, ensure_ascii=False)


def _is_edit(file: YamlFile, candidate: str, key: str, new: str, text: str) -> bool:
    """Whether `candidate` reads as `text` does, but for the new value."""
    try:
        value = parse(candidate.encode(), file.path).value
    except InvalidInput:
        return False
    return bool(value == _with(parse(text.encode(), file.path).value, key, new))


def _with(value: Json, key: str, new: str) -> Json:
    return {**value, "model": {**value["model"], key: new}}


def _problem(file: YamlFile, pointer: tuple[str, ...], message: str, hint: str) -> InvalidInput:
    line, column = file.place(pointer)
    where = pointer_text(pointer)
    return InvalidInput([Problem(path=file.path, message=message, line=line, column=column, pointer=where, hint=hint)])
