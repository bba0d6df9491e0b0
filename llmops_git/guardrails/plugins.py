"""Checks of other packages: allowed by name in the policy, and held to what checks promise."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib import metadata
from typing import cast

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Check, Finding, Session, Undecided
from llmops_git.guardrails.settings import CheckSettings
from llmops_git.plugins import build_allowed, package_of

GROUP = "llmops_git.checks"
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A check of another package. What it gives that are no findings is no answer."""

    check: Check
    name: str

    def find(self, text: str, session: Session | None) -> tuple[Finding, ...]:
        found: object = self.check.find(text, session)
        if not isinstance(found, list | tuple):
            raise Undecided(f"`{self.name}` gave a {type(found).__name__} and no findings")
        return tuple(self._held(finding) for finding in found)

    def _held(self, finding: object) -> Finding:
        if not isinstance(finding, Finding):
            raise Undecided(f"`{self.name}` gave a {type(finding).__name__} and no Finding")
        label: object = finding.label
        places = all(type(place) is int for place in (finding.start, finding.end))
        score: object = finding.score
        numeric = score is None or (isinstance(score, int | float) and math.isfinite(score) and 0 <= score <= 1)
        if not isinstance(label, str) or not places or not numeric:
            raise Undecided(f"`{self.name}` gave a Finding with {finding!r:.200}")
        return replace(finding, label=label[:_LONGEST_LABEL])


def build_plugin(settings: CheckSettings, allowed: Collection[str]) -> Guarded:
    """The check that a package registers under `settings.use`. Raises LlmopsError where it is not allowed, not installed,
    registered twice, or not what a check has to be."""
    given = replace(settings, options=settings.options.get("options", {}))
    check, entry = build_allowed(GROUP, "check", settings.use, given, allowed=allowed, key="checks")
    return _guarded(check, entry)


def _guarded(check: object, entry: metadata.EntryPoint) -> Guarded:
    if not callable(getattr(check, "find", None)):
        raise LlmopsError(
            f"{package_of(entry)}: the check `{entry.name}` has no `find`", hint="see `Check` in llmops_git/guardrails/base.py"
        )
    return Guarded(check=cast("Check", check), name=entry.name)
