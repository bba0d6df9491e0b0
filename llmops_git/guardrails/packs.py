"""Packs ready to be applied: the resolved guardrails of a config, with the checks of their rules built."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from llmops_git.configs.digest import digest_of
from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Action, Check, Finding, Session, Side, Undecided
from llmops_git.guardrails.limits import SECONDS
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.guardrails.table import build_check

SIDES: tuple[Side, Side] = ("input", "output")
MESSAGE = "I cannot help with that."  # what the caller gets where a pack says nothing else
_OF_THE_RULE = frozenset({"name", "use", "action", "on_error", "timeout", "sides"})  # the rest is the check's


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `asks` says that it asks a model: such rules come last, and only where nothing blocks already. `blocks_errors`
    says that a rule that failed to decide blocks."""

    name: str
    use: str
    action: Action
    check: Check
    blocks_errors: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One pack on one side, its rules in order. `version` is the digest of all of it; `message` is what the caller gets where
    it blocks."""

    name: str
    version: str
    message: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbuilt:
    """What stands for a check that could not be built: it never decides, and says why."""

    reason: str
    hint: str = ""

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:  # noqa: ARG002
        raise Undecided(self.reason, hint=self.hint)


def packs_of(resolved: Mapping[str, Any], side: Side, allowed: Collection[str] = ()) -> tuple[Pack, ...]:
    """The packs that guard one side of a resolved config, in order; `allowed` are the names of checks of other packages that
    the policy allows. A check that cannot be built (its library is not installed, say) is there, and never decides: see
    `faults_of`."""
    return tuple(pack_of(pack, side, allowed) for pack in (resolved.get("guardrails") or {}).get(side, ()))


def pack_of(pack: Mapping[str, Any], side: Side, allowed: Collection[str] = ()) -> Pack:
    """One resolved pack, as it guards one side."""
    return Pack(
        name=str(pack.get("name", "")),
        version=digest_of(pack),
        message=str(pack.get("message", MESSAGE)),
        rules=tuple(_rule(rule, allowed) for rule in pack.get("rules", ()) if side in rule.get("sides", SIDES)),
    )


def faults_of(packs: Iterable[Pack]) -> tuple[LlmopsError, ...]:
    """Why rules can never decide here, for whoever rather knows that before than after."""
    return tuple(
        LlmopsError(f"guardrail `{pack.name}`, rule `{rule.name}`: {rule.check.reason}", hint=rule.check.hint)
        for pack in packs
        for rule in pack.rules
        if isinstance(rule.check, Unbuilt)
    )


def _rule(rule: Mapping[str, Any], allowed: Collection[str]) -> Rule:
    settings = CheckSettings(
        name=rule["name"],
        use=rule["use"],
        options={key: value for key, value in rule.items() if key not in _OF_THE_RULE},
        timeout=float(rule.get("timeout", SECONDS)),
    )
    check: Check
    try:
        check = build_check(settings, allowed)
    except LlmopsError as error:
        check = Unbuilt(reason=error.message, hint=error.hint)
    return Rule(
        name=settings.name,
        use=settings.use,
        action=cast("Action", rule.get("action", "block")),
        check=check,
        blocks_errors=rule.get("on_error") == "block",
        asks=settings.use == "judge",
    )
