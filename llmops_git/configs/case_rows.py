"""One row of an eval set to a case. Checked by hand and not by jsonschema: eval sets have many rows.

`schemas/case.schema.json` is the published form of the same rules; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llmops_git.configs.digest import digest_of
from llmops_git.configs.paths import suggestion
from llmops_git.configs.schema_words import show
from llmops_git.configs.values import Case, Json, JsonObject
from llmops_git.errors import Problem

FIELDS = (
    "id", "inputs", "expected", "tags", "must_pass", "documents", "cluster", "tools", "needs_label", "source", "observed"
)  # fmt: skip
MAX_ID = 200
_TOOL_FIELDS = ("name", "arguments", "match", "result")
_MATCHES = ("exact", "subset", "any")
_ID_DIGITS = 12


class Row(NamedTuple):
    """A row as read: where it begins, and its value."""

    line: int
    value: Json


def to_case(row: Row, path: str, problems: list[Problem]) -> Case | None:
    """The case of a row, or None when it is not one; what is wrong goes to `problems`."""
    found: list[Problem] = []

    def add(field: str, message: str, hint: str = "") -> None:
        pointer = f"$.{field}" if field else ""
        found.append(Problem(path=path, line=row.line, pointer=pointer, message=message, hint=hint))

    value = row.value
    if not isinstance(value, dict):
        add("", f"a row must be a mapping, not {show(value)}")
        problems += found
        return None
    for key in value:
        if key not in FIELDS:
            add("", f"unknown key `{key}`", suggestion(key, FIELDS) or ("" if key == "input" else f"inputs: {{{key}: …}}"))
    if "inputs" not in value:
        add("", "`inputs` is missing", 'write {"inputs": {"name": "value"}, "expected": …}')
    elif not isinstance(value["inputs"], dict):
        add("inputs", f"must be a mapping, not {show(value['inputs'])}")
    if "tags" in value and not _is_texts(value["tags"]):
        add("tags", "must be a list of words")
    for key in ("must_pass", "needs_label"):
        if key in value and not isinstance(value[key], bool):
            add(key, f"must be true or false, not {show(value[key])}")
    if "source" in value and not isinstance(value["source"], dict):
        add("source", f"must be a mapping, not {show(value['source'])}", '{"trace_id": "…"}')
    if "observed" in value and not isinstance(value["observed"], str):
        add("observed", f"must be text, not {show(value['observed'])}")
    if value.get("needs_label") is True and "expected" in value:
        add("needs_label", "the case has its label: `expected` is there", "delete `needs_label`")
    for key in ("id", "cluster"):
        if key in value and not _is_label(value[key]):
            add(key, f"must be text of at most {MAX_ID} characters, not {show(value[key])}")
    if "documents" in value:
        _check_documents(value["documents"], add)
    if "tools" in value:
        _check_tools(value["tools"], add)
    problems += found
    return None if found else _case(value)


def _case(value: JsonObject) -> Case:
    documents = value.get("documents")
    return Case(
        id=str(value["id"]) if "id" in value else f"case-{digest_of(value['inputs'])[7 : 7 + _ID_DIGITS]}",
        inputs=value["inputs"],
        expected=value.get("expected"),
        tags=tuple(value.get("tags", ())),
        must_pass=value.get("must_pass", False),
        documents=None if documents is None else tuple(_document(item, index) for index, item in enumerate(documents, start=1)),
        cluster=str(value.get("cluster", "")),
        tools=None if value.get("tools") is None else tuple(value["tools"]),
        needs_label=value.get("needs_label", False),
        source=value.get("source"),
        observed=value.get("observed", ""),
    )


def _document(item: JsonObject, number: int) -> JsonObject:
    return {"id": str(number), **item}


def _is_label(value: Json) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_ID
    return isinstance(value, int) and not isinstance(value, bool)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _check_documents(value: Json, add: Callable[..., None]) -> None:
    if not isinstance(value, list):
        add("documents", f"must be a list, not {show(value)}")
        return
    for index, item in enumerate(value):
        place = f"documents[{index}]"
        if not isinstance(item, dict):
            add(place, f"must be a mapping, not {show(item)}", '{"id": "…", "text": "…"}')
        elif not isinstance(item.get("text"), str):
            add(place, "`text` is missing" if "text" not in item else "`text` must be text")
        elif not isinstance(item.get("id", ""), str):
            add(place, f"`id` must be text, not {show(item['id'])}")
        elif isinstance(item.get("score", 0), bool) or not isinstance(item.get("score", 0), int | float):
            add(place, f"`score` must be a number, not {show(item['score'])}")


def _check_tools(value: Json, add: Callable[..., None]) -> None:
    """Recorded results of tool calls."""
    if not isinstance(value, list):
        add("tools", f"must be a list, not {show(value)}", '[{"name": "…", "arguments": {…}, "result": …}]')
        return
    for index, item in enumerate(value):
        place = f"tools[{index}]"
        if not isinstance(item, dict):
            add(place, f"must be a mapping, not {show(item)}", '{"name": "…", "arguments": {…}, "result": …}')
            continue
        for key in item:
            if key not in _TOOL_FIELDS:
                add(place, f"unknown key `{key}`", suggestion(key, _TOOL_FIELDS))
        if not isinstance(item.get("name"), str) or not item["name"]:
            add(place, "`name` must be the name of a tool")
        if "result" not in item:
            add(place, "`result` is missing", "what the tool gives back: text, or any JSON")
        if not isinstance(item.get("arguments", {}), dict):
            add(place, f"`arguments` must be a mapping, not {show(item['arguments'])}")
        if item.get("match", "exact") not in _MATCHES:
            add(place, f"`match` must be exact, subset or any, not {show(item['match'])}")
        elif item.get("match", "any") != "any" and "arguments" not in item:
            add(place, "`match` needs `arguments` to match")
