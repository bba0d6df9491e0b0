"""The patterns of detect-secrets, as the engine of a `secrets` rule; searched here, since its own search has no time limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llmops_git.guardrails.extras import extra_module

EXTRA = "pii"
_NO_SECRETS = frozenset({"Public IP (ipv4)"})
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE


def patterns() -> Iterator[tuple[str, Any]]:
    """(label, compiled pattern) of each format that it knows. Raises LlmopsError where it is not installed."""
    import regex  # type: ignore[import-untyped]

    util = extra_module("detect_secrets.core.plugins.util", "detect-secrets", EXTRA)
    base = extra_module("detect_secrets.plugins.base", "detect-secrets", EXTRA)
    for kind, plugin in sorted(util.get_mapping_from_secret_type_to_class().items()):
        if issubclass(plugin, base.RegexBasedDetector) and kind not in _NO_SECRETS:
            for pattern in plugin().denylist:
                label = re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_")
                yield label, regex.compile(pattern.pattern, pattern.flags & _FLAGS)
