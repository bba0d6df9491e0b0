"""Adds rows to a config's eval set, or labels to rows, without touching the rest: which file, and what changes in it. Pure.

Rows go to a `.jsonl` file, to whose end a line can be added. Where an eval set has none, a file is put beside it and named in
the config's `dataset`, of which only that value is edited.
"""

from __future__ import annotations

import codecs
import json
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.configs.glob import compile_glob, is_glob
from llmops_git.configs.paths import join
from llmops_git.configs.pin_edit import top_events
from llmops_git.configs.values import Config, JsonObject
from llmops_git.configs.yaml import YamlFile, parse
from llmops_git.errors import InvalidInput, Problem

_LIVE = "-live.jsonl"
_POINTER = ("evaluation", "dataset")


def dataset_files(config: Config) -> tuple[str, ...]:
    """The files of a config's eval set, in order."""
    return tuple(dict.fromkeys(item.path for item in config.closure if item.role == "dataset"))


def target_of(config: Config) -> str:
    """The file that new rows go to: the eval set's own `.jsonl` file, one for live cases first; else a new one beside it."""
    files = dataset_files(config)
    lines = sorted((path for path in files if path.lower().endswith(".jsonl")), key=lambda path: not path.endswith(_LIVE))
    if lines:
        return lines[0]
    folder, _, name = files[0].rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{folder}/{stem}{_LIVE}".lstrip("/")


def with_rows(data: bytes, rows: Sequence[JsonObject]) -> bytes:
    """A `.jsonl` file with rows at its end; every byte before them stays."""
    start = data if not data or data.endswith(b"\n") else data + b"\n"
    return start + b"".join(_line(row).encode() + b"\n" for row in rows)


def with_label(data: bytes, id_: str, label: JsonObject | None) -> bytes:
    """A `.jsonl` file in which the row with this id, if it needs a label, has one: the fields of `label` after its inputs;
    None takes the row away. Every byte of other rows stays, and so does the file where there is no such row."""
    lines = data.decode().split("\n")
    for place, line in enumerate(lines):
        row = _waiting(line)
        if row is None or str(row.get("id")) != id_:
            continue
        if label is None:
            del lines[place]
        else:
            first: dict[str, Any] = {key: row[key] for key in ("id", "inputs") if key in row}
            rest = {key: value for key, value in row.items() if key not in ("id", "inputs", "needs_label")}
            lines[place] = _line({**first, **label, **rest})
        break
    return "\n".join(lines).encode()


def _waiting(line: str) -> dict[str, Any] | None:
    """The row of a line, if it needs a label."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and row.get("needs_label") is True else None


def _line(row: JsonObject) -> str:
    """A row as JSON in which every character can be seen: texts of strangers must not hide from whoever reviews them."""
    text = json.dumps(row, ensure_ascii=False)
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def edits_for(config: Config, data: bytes, contents: Mapping[str, bytes], rows: Sequence[JsonObject]) -> dict[str, bytes]:
    """The files that change when `rows` are added to a config's eval set: path -> new content.

    `data` is the config's file, `contents` the files of the eval set as far as they are there. Raises InvalidInput where the
    config's `dataset` cannot be edited in place.
    """
    target = target_of(config)
    edits = {target: with_rows(contents.get(target, b""), rows)}
    if target not in dataset_files(config):
        file = parse(data, config.path)
        written = file.value["evaluation"]["dataset"]
        listed = [written] if isinstance(written, str) else list(written)
        if not any(_names(config.path, item, target) for item in listed):
            reference = posixpath.relpath(target, posixpath.dirname(config.path) or ".")
            edits[config.path] = _with_dataset(file, data, [*listed, reference])
    return edits


def _names(path: str, item: str, target: str) -> bool:
    """Whether an item of a `dataset` is, or as a glob covers, the file `target`."""
    found = join(path, item)
    return bool(compile_glob(found).fullmatch(target)) if is_glob(found) else found == target


def _with_dataset(file: YamlFile, data: bytes, items: Sequence[str]) -> bytes:
    """The config's file with another `dataset`, and nothing else. Proven by reading it again."""
    event = dict(top_events(file)).get(_POINTER)
    if event is None or type(event).__name__ != "ScalarEvent" or event.anchor is not None or event.style in ("|", ">"):
        raise _in_the_way(file, items)
    text = json.dumps(list(items), ensure_ascii=False)
    edited = file.text[: event.start_mark.index] + text + file.text[event.end_mark.index :]
    wanted: Any = {**file.value, "evaluation": {**file.value["evaluation"], "dataset": list(items)}}
    try:
        done = parse(edited.encode(), file.path).value == wanted
    except InvalidInput:
        done = False
    if not done:
        raise _in_the_way(file, items)
    return (codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b"") + edited.encode()


def _in_the_way(file: YamlFile, items: Sequence[str]) -> InvalidInput:
    line, column = file.place(_POINTER)
    hint = f"dataset: {json.dumps(list(items), ensure_ascii=False)}"
    message = "live cases need a .jsonl file, and this value cannot be edited in place"
    return InvalidInput(
        [Problem(path=file.path, message=message, line=line, column=column, pointer="$.evaluation.dataset", hint=hint)]
    )
