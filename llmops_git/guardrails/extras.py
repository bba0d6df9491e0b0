"""Libraries that only some checks need: they come with extras."""

from __future__ import annotations

import importlib
from typing import Any

from llmops_git.errors import LlmopsError


def extra_module(name: str, package: str, extra: str) -> Any:
    """The module `name`, which the package `package` of an extra brings. Raises LlmopsError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"this check needs the package {package}, which is not installed ({error})"
        raise LlmopsError(message, hint=f'pip install "llmops-git[{extra}]"') from None
