"""What traffic is grouped and filtered by: the words of rule files, and the column that each of them is.

Only names of this table ever become part of a query; what a rule compares them with is a bound parameter.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmops_git.configs.paths import suggestion

DIMENSIONS: dict[str, str] = {  # word -> column
    "config": "config",
    "release": "release",
    "digest": "digest",
    "environment": "environment",
    "service": "service",
    "feature": "feature",
    "user": "user_id",
    "conversation": "conversation_id",
    "provider": "provider",
    "model": "model",
    "response_model": "response_model",
    "finish_reason": "finish_reason",
    "pack": "pack",
    "pack_version": "pack_version",
    "rule": "rule",
    "side": "guard_side",
    "tool": "tool",
    "label": "score_label",
    "eval_digest": "eval_digest",
}
OF_REQUESTS = frozenset(
    {"config", "release", "digest", "environment", "service", "feature", "user", "conversation"}
)  # of all spans
OF_CALLS = OF_REQUESTS | {"provider", "model", "response_model", "finish_reason"}
OF_GUARDS = OF_REQUESTS | {"pack", "pack_version", "rule", "side"}
OF_TOOLS = OF_REQUESTS | {"tool"}
OF_SCORES = OF_REQUESTS | {"label", "eval_digest"}


def unknown_dimension(word: str, known: Iterable[str]) -> tuple[str, str]:
    """A message and a hint for a word that is none of `known`; two empty texts where it is one."""
    known = [name for name in DIMENSIONS if name in set(known)]
    if word in known:
        return "", ""
    return f"there is no `{word}` here to group or filter by", suggestion(word, known) or f"known: {', '.join(known)}"
