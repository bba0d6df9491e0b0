"""Decides whether a request may be made again, and after how long. Pure.

Rules: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api (handling rate limits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

FAULT_ATTEMPTS = 4  # of one request, while the server or the network fails
LIMIT_ATTEMPTS = 6  # of one request, while the server says that it is too busy for us
SECONDARY_SECONDS = 60.0  # the least wait where a refusal does not say how long
_FAULTS = frozenset({408, 500, 502, 503, 504})
_TOO_MANY, _FORBIDDEN = 429, 403
_LIMIT_WORDS = re.compile(rb"rate limit|abuse detection", re.IGNORECASE)
_WORDS_WITHIN = 4096  # bytes of a body that are searched for these words


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole reply. Names of headers are in lower case; `foreign` is the host that gave it where that is not the forge."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    foreign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """There was no whole reply. `sent` is False where the request certainly did not arrive."""

    why: str
    sent: bool = True
    hopeless: bool = False  # another attempt would end the same way


def is_limited(answer: Answer) -> bool:
    """Whether the forge refused only because it was asked too often: then nothing was carried out."""
    if answer.status == _TOO_MANY:
        return True
    if answer.status != _FORBIDDEN or answer.foreign:
        return False
    asked = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return asked or bool(_LIMIT_WORDS.search(answer.content[:_WORDS_WITHIN]))


def is_fault(answer: Answer) -> bool:
    """Whether the forge itself failed: then nobody knows what was carried out."""
    return answer.status in _FAULTS


def wait_before_repeating(outcome: Answer | Lost, *, attempt: int, repeatable: bool, now: float) -> float | None:
    """Seconds to wait before asking again; None: do not. `attempt` counts from 0, `now` is the time of day in seconds.

    `repeatable`: doing it twice is the same as doing it once.
    """
    if isinstance(outcome, Lost):
        again = not outcome.hopeless and (repeatable or not outcome.sent)
        return 2.0**attempt if again and attempt + 1 < FAULT_ATTEMPTS else None
    if is_limited(outcome):
        return _limit_wait(outcome, attempt, now) if attempt + 1 < LIMIT_ATTEMPTS else None
    if is_fault(outcome) and repeatable and attempt + 1 < FAULT_ATTEMPTS:
        asked = _retry_after(outcome, now)
        return 2.0**attempt if asked is None else asked
    return None


def _limit_wait(answer: Answer, attempt: int, now: float) -> float:
    asked = _retry_after(answer, now)
    if asked is not None:
        return asked
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(float(reset) - _server_time(answer, now), 0.0) + 1.0
    return SECONDARY_SECONDS * 2.0**attempt


def _retry_after(answer: Answer, now: float) -> float | None:
    """Seconds from a Retry-After header, a number or a date; at least 1. None where there is none that can be read."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return max(float(value), 1.0)
    date = _date(value)
    return None if date is None else max(date - _server_time(answer, now), 1.0)


def _server_time(answer: Answer, now: float) -> float:
    """The forge's clock, since it is the one that the limit ends by; ours where it does not say."""
    date = _date(answer.headers.get("date", ""))
    return now if date is None else date


def _date(value: str) -> float | None:
    if not value:
        return None
    try:
        moment: datetime = parsedate_to_datetime(value)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
