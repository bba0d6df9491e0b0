"""One row of a suite to a labelled text. Checked by hand and not by jsonschema: suites have many rows.

`schemas/suite.schema.json` is the published form of the same rules; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.paths import NAME_RULE, is_name, suggestion
from llmops_git.configs.schema_words import show
from llmops_git.errors import Problem
from llmops_git.guardrails.base import Side

FIELDS = ("id", "text", "side", "attack", "family", "rules", "source")
TRIGGER_FIELDS = ("id", "expected_triggers", "data")  # of the form that openai-guardrails reads
SIDES = ("input", "output")
NO_FAMILY = {True: "attack", False: "benign"}
MAX_ID = 200
MAX_TEXT = 1 << 20  # characters
MAX_SOURCE = 16  # entries
_ID_DIGITS = 12

Add = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteText:
    """One labelled text. `rules` maps the names of rules (as `rule_key` writes them) to whether they must find something;
    empty where any rule of the pack counts. `side` is where such a text turns up, None: on either; `source` says where the
    text is from."""

    id: str
    text: str
    attack: bool
    family: str
    side: Side | None = None
    rules: Mapping[str, bool] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)


def rule_key(name: str) -> str:
    """How rules are found by name: `Contains PII` and `contains-pii` are the same one."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def to_text(value: Any, line: int, path: str, problems: list[Problem]) -> SuiteText | None:
    """The text of a row, or None when it is not one; what is wrong goes to `problems`."""
    found: list[Problem] = []

    def add(name: str, message: str, hint: str = "") -> None:
        pointer = f"$.{name}" if name else ""
        found.append(Problem(path=path, line=line, pointer=pointer, message=message, hint=hint))

    text = None
    if not isinstance(value, dict):
        add("", f"a row must be a mapping, not {show(value)}", '{"text": "…", "attack": true, "family": "…"}')
    elif "expected_triggers" in value:
        _check_triggers(value, add)
        text = None if found else _triggered(value)
    else:
        _check(value, add)
        text = None if found else _labelled(value)
    problems += found
    return text


def _labelled(value: Mapping[str, Any]) -> SuiteText:
    attack = value["attack"]
    return SuiteText(
        id=_id(value, value["text"]),
        text=value["text"],
        attack=attack,
        family=value.get("family", NO_FAMILY[attack]),
        side=value.get("side"),
        rules={rule_key(name): attack for name in value.get("rules", ())},
        source=value.get("source", {}),
    )


def _triggered(value: Mapping[str, Any]) -> SuiteText:
    rules = {rule_key(name): must for name, must in value["expected_triggers"].items()}
    attack = any(rules.values())
    families = [name for name, must in rules.items() if must]
    family = families[0] if len(families) == 1 else NO_FAMILY[attack]
    return SuiteText(id=_id(value, value["data"]), text=value["data"], attack=attack, family=family, rules=rules)


def _id(value: Mapping[str, Any], text: str) -> str:
    return str(value["id"]) if "id" in value else f"text-{digest_of(text)[7 : 7 + _ID_DIGITS]}"


def _check(value: Mapping[str, Any], add: Add) -> None:
    _check_keys(value, FIELDS, add)
    _check_id(value, add)
    _check_text(value, "text", add)
    if not isinstance(value.get("attack"), bool):
        said = f"must be true or false, not {show(value['attack'])}" if "attack" in value else ""
        add(
            "attack" if said else "", said or "`attack` is missing", "true: a guardrail must find something; false: it must not"
        )
    if value.get("side", "input") not in SIDES:
        add("side", f"must be input or output, not {show(value['side'])}")
    family = value.get("family", "attack")
    if not isinstance(family, str) or not is_name(family):
        add("family", f"must be {NAME_RULE}, not {show(family)}")
    rules = value.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(name, str) and rule_key(name) for name in rules):
        add("rules", "must be a list of names of rules", '["email"]')
    source = value.get("source", {})
    if not isinstance(source, dict) or not all(isinstance(item, str) for item in source.values()):
        add("source", "must be a mapping of texts", '{"package": "…", "licence": "…"}')
    elif len(source) > MAX_SOURCE:
        add("source", f"may have at most {MAX_SOURCE} entries")


def _check_triggers(value: Mapping[str, Any], add: Add) -> None:
    """The form of openai-guardrails: which guardrails must trigger on the data, and which must not."""
    _check_keys(value, TRIGGER_FIELDS, add)
    _check_id(value, add)
    _check_text(value, "data", add)
    triggers = value["expected_triggers"]
    if not isinstance(triggers, dict) or not triggers:
        add("expected_triggers", "must map names of rules to true or false", '{"Jailbreak": true}')
        return
    for name, must in triggers.items():
        if not rule_key(name):
            add("expected_triggers", f"{show(name)} cannot name a rule")
        if not isinstance(must, bool):
            add("expected_triggers", f"must map names of rules to true or false, not {show(name)} to {show(must)}")


def _check_keys(value: Mapping[str, Any], known: tuple[str, ...], add: Add) -> None:
    for key in value:
        if key not in known:
            add("", f"unknown key `{key}`", suggestion(key, known))


def _check_id(value: Mapping[str, Any], add: Add) -> None:
    given = value.get("id", "-")
    if isinstance(given, int) and not isinstance(given, bool):
        return
    if not isinstance(given, str) or not 0 < len(given) <= MAX_ID:
        add("id", f"must be text of at most {MAX_ID} characters, not {show(given)}")


def _check_text(value: Mapping[str, Any], key: str, add: Add) -> None:
    text = value.get(key)
    if key not in value:
        add("", f"`{key}` is missing")
    elif not isinstance(text, str) or not text:
        add(key, f"must be text that is not empty, not {show(text)}")
    elif len(text) > MAX_TEXT:
        add(key, f"may be at most {MAX_TEXT:,} characters long")
