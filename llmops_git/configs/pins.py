"""Is a model pinned? An id that its provider can move to another model makes every later comparison mean nothing."""

from __future__ import annotations

import re

from llmops_git.configs.policy import HOSTED, Api

_LATEST = re.compile(r"(?:^|[-:@/._])latest$")

# Family by its id -> what a snapshot of it ends with, and how that looks. First match decides.
# Sources: the vendors' pages on model versions (openai, platform.claude.com "Model IDs and versioning", cloud.google.com
# "Model versions and lifecycle", docs.mistral.ai, docs.x.ai, docs.cohere.com), as of 2026.
_DATE = r"-\d{4}-\d{2}-\d{2}$"
_FAMILIES: tuple[tuple[re.Pattern[str], re.Pattern[str] | None, str], ...] = tuple(
    (re.compile(family), re.compile(pinned) if pinned else None, form)
    for family, pinned, form in (
        (r"^gpt-oss-", r".", ""),
        (r"^(?:gpt-|chatgpt-|o\d|codex-)", rf"{_DATE}|-(?:0301|0314|0613|1106|0125)(?:-preview)?$", "gpt-4.1-mini-2025-04-14"),
        # from the 4.6 generation on, claude-<name>-<major>[-<minor>] is itself a pinned version
        (
            r"^claude-",
            r"[-@]20\d{6}(?:$|-v)|-v\d+(?::\d+)?$|^claude-[a-z]+-(?:4-(?:[6-9]|\d{2})|[5-9]|[5-9]-\d{1,2}|\d{2}(?:-\d{1,2})?)$",
            "claude-sonnet-4-5-20250929",
        ),
        (
            r"^gemini-",
            r"^gemini-\d+(?:\.\d+)?-.*(?:-\d{3}|-\d{2}-\d{2}|-\d{2}-\d{4})$|^gemini-\d+\.\d+-[a-z]+(?:-lite)?$",
            "gemini-2.0-flash-001",
        ),
        (
            r"^(?:mistral|ministral|magistral|codestral|devstral|pixtral|open-mistral)-(?!\d+b-instruct)",
            r"-\d{4}$",
            "mistral-large-2411",
        ),
        (r"^grok-", r"-\d{4}$", "grok-4-0709"),
        (r"^command-", r"-\d{2}-\d{4}$", "command-r-plus-08-2024"),
        (r"^deepseek-(?:chat|reasoner)$", None, "a model id with a version, from a provider that serves one"),
        (r"^qwen-(?:max|plus|turbo|flash|long)", rf"{_DATE}|-\d{{4}}$", "qwen-plus-2025-07-14"),
    )
)


def floating_reason(provider: str, api: Api, model_id: str) -> str:
    """Why a model id is not a pin; "" when it is, as far as can be told from the id.

    A model that runs here (api embedded) or answers from records (replay) only floats by saying so (`latest`).
    """
    name = model_id.lower().strip()
    if _LATEST.search(name):
        return f"`{model_id}` moves with every release of its maker"
    if provider == "ollama" and ":" not in name:
        return f"`{model_id}` without a tag means `{model_id}:latest`"
    if api not in HOSTED or name.startswith("ft:"):
        return ""
    pinned, _form = _family(name)
    if pinned:
        return ""
    return f"`{model_id}` is an alias that {provider} can move to another snapshot"


def pin_hint(model_id: str) -> str:
    """What a pinned id of the same family looks like."""
    _pinned, form = _family(model_id.lower().strip())
    example = f", as `{form}`" if form else ""
    return f"name a dated snapshot{example}, or accept the drift with `allow_floating: true`"


def _family(name: str) -> tuple[bool, str]:
    """Whether the id is pinned as far as its family says, and a snapshot's form; unknown families are taken as pinned."""
    short = name.rpartition("/")[2].removeprefix("anthropic.").partition(":")[0]
    for family, pinned, form in _FAMILIES:
        if family.match(short):
            return pinned is not None and pinned.search(short) is not None, form
    return True, ""
