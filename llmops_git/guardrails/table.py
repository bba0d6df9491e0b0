"""The table of checks: what `use:` of a rule may say, and where each is built."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection
from typing import cast

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.base import Check
from llmops_git.guardrails.settings import CheckSettings

# name -> module beside this one, with a `build(settings)`
CHECKS: dict[str, str] = {
    "regex": "regex",
    "banned": "banned",
    "pii": "pii",
    "secrets": "secrets",
    "injection": "injection",
    "json_schema": "json_schema",
    "length": "length",
    "judge": "judge",
    "classifier": "classifier",
}


def build_check(settings: CheckSettings, allowed: Collection[str] = ()) -> Check:
    """The check that `settings` describe. `allowed` are the names of other packages' checks that the policy allows: those have
    a point in them, and ours have none.

    Raises LlmopsError where it cannot be built: an unknown name, a wrong pattern, a library that is not installed.
    """
    if "." in settings.use:
        from llmops_git.guardrails.plugins import build_plugin

        return build_plugin(settings, allowed)
    if settings.use not in CHECKS:
        close = difflib.get_close_matches(settings.use, CHECKS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(CHECKS)}"
        raise LlmopsError(f"there is no check `{settings.use}`", hint=hint)
    return cast("Check", importlib.import_module(f"llmops_git.guardrails.{CHECKS[settings.use]}").build(settings))
