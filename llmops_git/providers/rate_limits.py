"""What response headers say about pace, in every vendor's format. Pure: the time now is passed in.

Sources: the API references of OpenAI, Azure, Groq, Cerebras, Mistral, Together, Fireworks, OpenRouter (`x-ratelimit-*`) and
Anthropic (`anthropic-ratelimit-*`); RFC 9110 10.2.3 (`retry-after`); draft-ietf-httpapi-ratelimit-headers (`ratelimit-*`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from llmops_git.providers.base import RateLimit, RateLimits

_PREFIX = re.compile(r"(?:x-|anthropic-)?ratelimit-|x-tokenlimit-")
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,12})?(?:ms|us|µs|ns|d|h|m|s))+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?\Z")
_WINDOWS = ("", "second", "minute", "hour", "day")  # of limits on the same thing
_EPOCH, _EPOCH_MS = 1e9, 1e12  # a reset this large is a moment, not a wait
_READ = 64  # characters of a header's value
_LONGEST = 366 * 86_400.0  # seconds; a wait beyond that is nobody's rate limit

Fields = dict[str, int | float]


def rate_limits_of(headers: Iterable[tuple[bytes, bytes]], now: float) -> RateLimits | None:
    """The limits in raw response headers (names in lower case or not); None where they say nothing.

    `now` is seconds since 1970, and gives way to the server's own `date`. What cannot be read is left out.
    """
    said: dict[str, str] = {}
    date = ""
    for raw_name, raw_value in headers:
        name = raw_name.lower()
        if b"limit-" in name or name.startswith(b"retry-after"):
            said[name.decode("latin-1")] = raw_value[:_READ].decode("latin-1").strip()
        elif name == b"date":
            date = raw_value[:_READ].decode("latin-1")
    if not said:
        return None
    now = _moment(date) or now
    wait = retry_after(said, now)
    found = _found(said, now)
    if wait is None and not found:
        return None
    return RateLimits(**{what: _limit(found, what) for what in _WHATS}, retry_after=wait)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date); None if neither says."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            seconds = float(text) / unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    text = headers.get("retry-after", "")
    if _DURATION.match(text):
        return _seconds(text, now)
    then = _moment(text)
    return None if then is None else max(then - now, 0.0)


_WHATS = ("requests", "tokens", "input_tokens", "output_tokens")
_NAMES = {
    "requests": "requests",
    "req": "requests",
    "request": "requests",
    "": "requests",
    "tokens": "tokens",
    "token": "tokens",
    "query-tokens": "tokens",
    "input-tokens": "input_tokens",
    "tokens-prompt": "input_tokens",
    "output-tokens": "output_tokens",
    "tokens-generated": "output_tokens",
}
_KINDS = frozenset({"limit", "remaining", "reset"})


def _found(said: Mapping[str, str], now: float) -> dict[tuple[str, str], Fields]:
    """(what is limited, its window) -> what was said of it."""
    found: dict[tuple[str, str], Fields] = {}
    for name, text in said.items():
        place = _place(name)
        if place is None:
            continue
        what, window, kind = place
        value = _seconds(text, now) if kind == "reset" else _count(text)
        if value is not None:
            found.setdefault((what, window), {})[kind] = value
    return found


def _place(name: str) -> tuple[str, str, str] | None:
    """`x-ratelimit-remaining-requests-day` -> ("requests", "day", "remaining"); None for what is no such header.

    Anthropic puts the kind last, as in `anthropic-ratelimit-input-tokens-reset`; the others put it first.
    """
    prefix = _PREFIX.match(name)
    if prefix is None:
        return None
    words = name[prefix.end() :].split("-")
    if words[0] in _KINDS:
        kind, rest = words[0], words[1:]
    elif words[-1] in _KINDS:
        kind, rest = words[-1], words[:-1]
    else:
        return None
    window = rest.pop() if rest and rest[-1] in _WINDOWS else ""
    what = "tokens" if prefix[0].startswith("x-tokenlimit") and not rest else _NAMES.get("-".join(rest), "")
    return (what, window, kind) if what else None


def _limit(found: Mapping[tuple[str, str], Fields], what: str) -> RateLimit | None:
    """Of several windows on one thing the shortest that says when it is free again, unless a longer one is used up."""
    told = [found[what, window] for window in _WINDOWS if (what, window) in found]
    if not told:
        return None
    complete = [one for one in told if "remaining" in one and "reset" in one]
    used_up = [one for one in complete if one["remaining"] == 0]
    fields = max(used_up, key=lambda one: one["reset"]) if used_up else (complete or told)[0]
    limit, remaining = fields.get("limit"), fields.get("remaining")
    return RateLimit(
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else int(remaining),
        reset_seconds=fields.get("reset"),
    )


def _count(text: str) -> int | None:
    """A whole number; the first of a list, as in `100, 100;w=60`."""
    head = re.split(r"[,;]", text, maxsplit=1)[0].strip()
    return int(float(head)) if _NUMBER.match(head) else None


def _seconds(text: str, now: float) -> float | None:
    """Seconds from now: `1`, `0.25`, `1s`, `6m0s`, `20ms`, an RFC 3339 moment, an HTTP date, or seconds or milliseconds
    since 1970."""
    if _NUMBER.match(text):
        value = float(text)
        if value >= _EPOCH_MS:
            return max(value / 1000 - now, 0.0)
        return max(value - now, 0.0) if value >= _EPOCH else _bounded(value)
    if _DURATION.match(text):
        return _bounded(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
    then = _moment(text)
    return None if then is None else _bounded(max(then - now, 0.0))


def _bounded(seconds: float) -> float | None:
    return seconds if seconds <= _LONGEST else None


def _moment(text: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 moment or an HTTP date."""
    if not text:
        return None
    try:
        then = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    try:
        return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
