"""Guardrails as they are compared: packs and rules by name, and their order apart, so that a rule that is put before others is
one change and not one of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llmops_git.configs.values import FieldChange, Json


def guardrails_by_name(resolved: Json) -> Json:
    """{side: {pack: {"message", "rules": {rule: {…}}}}} of the resolved guardrails; None where there are none."""
    if resolved is None:
        return None
    return {side: {pack["name"]: _pack(pack) for pack in packs} for side, packs in resolved.items()}


def guardrail_orders(before: Json, after: Json) -> Iterator[FieldChange]:
    """The packs of a side, and the rules of a pack, that are there on both sides in another order."""
    for side, new_packs in (after or {}).items():
        old_packs = (before or {}).get(side, [])
        yield from _order(f"guardrails.{side}", old_packs, new_packs)
        old = {pack["name"]: pack for pack in old_packs}
        for pack in new_packs:
            if pack["name"] in old:
                yield from _order(f"guardrails.{side}.{pack['name']}.rules", old[pack["name"]]["rules"], pack["rules"])


def _pack(pack: Json) -> dict[str, Any]:
    rules = {rule["name"]: {key: value for key, value in rule.items() if key != "name"} for rule in pack["rules"]}
    return {**{key: value for key, value in pack.items() if key != "name"}, "rules": rules}


def _order(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[FieldChange]:
    old, new = [item["name"] for item in before], [item["name"] for item in after]
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield FieldChange(path=path, before=old, after=new)
