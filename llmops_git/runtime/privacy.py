"""What of the texts leaves the application: nothing, everything, or everything without what is secret or personal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from llmops_git.runtime.settings import Content, Settings
from llmops_git.traces import attributes as names

CONTENT = frozenset(
    {
        names.QUERY, names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.TOOL_ARGUMENTS, names.TOOL_RESULT,
        names.SIGNAL_COMMENT, names.STEP_INPUT, names.STEP_OUTPUT,
    }
)  # fmt: skip
IDENTIFIERS = frozenset(  # of whom and what a span is about; a number in them that looks like a telephone's is none
    {
        names.OPERATION, names.WORKFLOW_NAME, names.PROMPT_NAME, names.PROMPT_VERSION, names.CONFIG_DIGEST, names.GIT_COMMIT,
        names.ENVIRONMENT, names.FEATURE, names.USER, names.CONVERSATION, names.CONTENT, names.PROVIDER, names.REQUEST_MODEL,
        names.RESPONSE_MODEL, names.RESPONSE_ID, names.TOOL_CALL, names.GUARD_PACK, names.GUARD_VERSION, names.GUARD_RULE,
        names.GUARD_SIDE, names.GUARD_RESULT, names.SIGNAL,
    }
)  # fmt: skip
_REMEMBERED = 500  # texts: prompts and documents come again and again
_SECRET_ENDINGS = ("_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_ACCESS_KEY")
UNDECIDED = "[not captured: it takes too long to look for personal data in it]"


def captured(attributes: dict[str, Any], content: Content) -> dict[str, Any]:
    """The attributes that may leave: with content off, those that quote nobody."""
    if content != "off":
        return attributes
    kept = {
        key: value
        for key, value in attributes.items()
        if key not in CONTENT and not (type(key) is str and key.startswith(names.VARIABLE_PREFIX))
    }
    documents = kept.get(names.DOCUMENTS)
    if documents:
        kept[names.DOCUMENTS] = [{name: item for name, item in one.items() if name != "content"} for one in documents]
    return kept


def cleaner(settings: Settings, environ: Mapping[str, str]) -> Callable[[str], str]:
    """What texts go through on their way out. Known secrets are the settings' own and those of this process's environment."""
    if settings.content != "redacted":
        return _as_it_is
    from llmops_git.reports.redact import redactor

    found = [value for name, value in environ.items() if name.endswith(_SECRET_ENDINGS)]
    without_secrets = redactor((*settings.secrets, *found))
    without_people = _personal()

    def clean(text: str) -> str:
        cleaned: str = without_people(without_secrets(text))
        return cleaned

    return lru_cache(maxsize=_REMEMBERED)(clean)


def user_of(user: Any, salt: str) -> str | None:
    """A user's id as it is written: as it is, or hashed with a salt, so that only who has the salt can find it."""
    if user is None:
        return None
    from llmops_git.runtime.plain import safe_text

    text = safe_text(user)
    if not salt or not text:
        return text or None
    from llmops_git.traces.users import hashed_user

    return hashed_user(text, salt)


def _as_it_is(text: str) -> str:
    return text


def _personal() -> Callable[[str], str]:
    """Takes out what guardrails know as personal or secret. A text that they come to no answer about does not leave."""
    from llmops_git.guardrails.base import Undecided
    from llmops_git.guardrails.redaction import redact
    from llmops_git.guardrails.settings import CheckSettings
    from llmops_git.guardrails.table import CHECKS, build_check

    checks = [build_check(CheckSettings(name=name, use=name)) for name in ("pii", "secrets") if name in CHECKS]

    def clean(text: str) -> str:
        for check in checks:
            try:
                text = redact(text, check.find(text, None))
            except Undecided:
                return UNDECIDED
        return text

    return clean
