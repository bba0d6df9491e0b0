"""Libraries that only some scorers need: they come with the extra `scorers`."""

from __future__ import annotations

import importlib
from typing import Any

from llmops_git.errors import LlmopsError

EXTRA = 'pip install "llmops-git[scorers]"'


def extra_module(name: str, package: str) -> Any:
    """The module `name`, which the package `package` brings. Raises LlmopsError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LlmopsError(f"this scorer needs the package {package}, which is not installed ({error})", hint=EXTRA) from None
