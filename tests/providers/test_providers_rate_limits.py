"""What headers say about pace, in the formats of the vendors."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.providers.base import RateLimit, RateLimits
from llmops_git.providers.rate_limits import rate_limits_of

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z


def _read(headers: Mapping[str, str], now: float = NOW) -> RateLimits | None:
    return rate_limits_of([(name.encode(), text.encode()) for name, text in headers.items()], now)


def test_the_headers_of_openai_are_read() -> None:
    expected = RateLimits(
        requests=RateLimit(limit=60, remaining=59, reset_seconds=1.0),
        tokens=RateLimit(limit=150_000, remaining=149_984, reset_seconds=360.0),
    )
    assert expected == _read(
        {
            "X-RateLimit-Limit-Requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6m0s",
        }
    )


def test_the_headers_of_anthropic_are_read() -> None:
    expected = RateLimits(
        requests=RateLimit(limit=50, remaining=49, reset_seconds=20.0),
        input_tokens=RateLimit(limit=30_000, remaining=29_000, reset_seconds=5.0),
        output_tokens=RateLimit(limit=8000),
        retry_after=12.0,
    )
    assert expected == _read(
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-11-18T11:07:00Z",
            "anthropic-ratelimit-input-tokens-limit": "30000",
            "anthropic-ratelimit-input-tokens-remaining": "29000",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-18T12:06:45+01:00",
            "anthropic-ratelimit-output-tokens-limit": "8000",
            "anthropic-ratelimit-unified-status": "allowed",
            "retry-after": "12",
        }
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("2m59.56s", 179.56),
        ("1h0m1s", 3601.0),
        ("1d2h", 93_600.0),
        ("0", 0.0),
        ("33011.382867", 33011.382867),
        ("2026-11-18T11:06:50.500Z", 10.5),
        ("Wed, 18 Nov 2026 11:07:40 GMT", 60.0),
        ("1795000005", 5.0),
        ("1795000005000", 5.0),
        ("2026-11-18T11:06:00Z", 0.0),
        ("soon", None),
        ("1x", None),
        ("-1", None),
        ("1e400", None),
        ("9" * 60, None),
        ("2030-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_a_reset_is_read_in_all_its_forms(text: str, seconds: float | None) -> None:
    limits = _read({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": text})
    assert limits.requests.reset_seconds == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795000030000"}, (20, 0, 30.0)),
        ({"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "3"}, (60, 3, None)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7", "ratelimit-reset": "40"}, (100, 7, 40.0)),
        (
            {"x-ratelimit-remaining-requests-day": "9", "x-ratelimit-reset-requests-day": "900"}
            | {"x-ratelimit-remaining-requests-minute": "2", "x-ratelimit-reset-requests-minute": "30"},
            (None, 2, 30.0),
        ),
        (
            {"x-ratelimit-remaining-requests-day": "0", "x-ratelimit-reset-requests-day": "900"}
            | {"x-ratelimit-remaining-requests-minute": "2", "x-ratelimit-reset-requests-minute": "30"},
            (None, 0, 900.0),
        ),
    ],
    ids=["openrouter", "mistral", "draft", "two windows", "a used up day"],
)
def test_other_names_of_the_same_limits_are_known(headers: dict[str, str], expected: tuple) -> None:
    limit = _read(headers).requests
    assert expected == (limit.limit, limit.remaining, limit.reset_seconds)


def test_limits_of_tokens_in_and_out_are_known_by_fireworks_and_togethers_names() -> None:
    limits = _read(
        {"x-ratelimit-limit-tokens-prompt": "10", "x-ratelimit-limit-tokens-generated": "5", "x-tokenlimit-limit": "9"}
    )
    assert [10, 5, 9] == [limits.input_tokens.limit, limits.output_tokens.limit, limits.tokens.limit]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:10 GMT"}, 30.0),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:10 GMT", "date": "Wed, 18 Nov 2026 11:07:00 GMT"}, 10.0),
        ({"retry-after": "1m30s"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 0.0),
    ],
)
def test_the_hint_to_wait_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], expected: float) -> None:
    assert RateLimits(retry_after=expected) == _read(headers)


def test_headers_that_say_nothing_are_nothing() -> None:
    assert _read({"content-type": "application/json", "date": "Wed, 18 Nov 2026 11:07:10 GMT"}) is None
    assert _read({"retry-after": "soon", "x-ratelimit-policy": "fair"}) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "retry-after",
                    "retry-after-ms",
                    "date",
                    "x-ratelimit-reset",
                    "x-ratelimit-limit-requests",
                    "anthropic-ratelimit-tokens-reset",
                    "ratelimit-remaining",
                    "x-ratelimit--reset-",
                    "x-ratelimit-reset-minute",
                ]
            ),
            st.text(max_size=80) | st.from_regex(r"[0-9a-zTZ:.,+ -]{0,40}"),
        ),
        max_size=6,
    )
)
def test_no_header_breaks_a_reply(headers: list[tuple[str, str]]) -> None:
    limits = rate_limits_of([(name.encode(), text.encode()) for name, text in headers], NOW)
    waits = [] if limits is None else [limits.retry_after, *(getattr(one, "reset_seconds", None) for one in (limits.requests, limits.tokens))]  # fmt: skip
    assert all(wait is None or wait >= 0 for wait in waits)
