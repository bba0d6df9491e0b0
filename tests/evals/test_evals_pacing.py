"""Pace: against servers that tell their limits, that do not, and that punish; in a time that passes by itself."""

from __future__ import annotations

import pytest
from limited_server import LATENCY, Bucket, Window, simulate

from llmops_git.evals.pacing import Charge, Limits, Pace
from llmops_git.providers.base import RateLimit, RateLimits, Usage

CONCURRENCY = (4, 32, 128)


def ideal(requests: int, workers: int, rate: float, burst: int) -> float:
    """Seconds that nobody can beat: by the limit, or by the workers."""
    return max((requests - burst) / rate + LATENCY, requests / workers * LATENCY)


@pytest.mark.parametrize("workers", CONCURRENCY)
@pytest.mark.parametrize("whole", [False, True])
def test_with_headers_hardly_anything_is_refused_and_no_time_is_lost(workers: int, whole: bool) -> None:
    seconds, refused = simulate(Bucket(rate=50, burst=50, whole=whole), 1000, workers)
    assert refused <= 20
    assert seconds <= 1.08 * ideal(1000, workers, 50, 50)


@pytest.mark.parametrize("workers", CONCURRENCY)
@pytest.mark.parametrize("whole", [False, True])
def test_without_headers_the_pace_is_found(workers: int, whole: bool) -> None:
    seconds, refused = simulate(Bucket(rate=50, burst=50, headers=False, whole=whole), 1000, workers)
    assert refused <= 50
    assert seconds <= 1.25 * ideal(1000, workers, 50, 50)


@pytest.mark.parametrize("workers", CONCURRENCY)
@pytest.mark.parametrize("headers", [False, True])
def test_where_refused_requests_count_the_pace_is_found_too(workers: int, headers: bool) -> None:
    server = Bucket(rate=50, burst=50, headers=headers, counts=True)
    seconds, refused = simulate(server, 1000, workers)
    assert refused <= (20 if headers else 50)
    assert seconds <= 1.3 * ideal(1000, workers, 50, 50)


@pytest.mark.parametrize("workers", CONCURRENCY)
def test_a_server_without_a_hint_is_survived(workers: int) -> None:
    seconds, refused = simulate(Bucket(rate=50, burst=50, headers=False, hints=False), 1000, workers)
    assert refused <= 50
    assert seconds <= 1.4 * ideal(1000, workers, 50, 50)


@pytest.mark.parametrize("workers", CONCURRENCY)
def test_windows_are_told_from_buckets(workers: int) -> None:
    """All of a window may be used at once, and then nothing until the next one."""
    seconds, refused = simulate(Window(limit=300, seconds=6), 1000, workers)
    assert refused <= 20
    assert seconds <= 1.15 * max(18 + LATENCY, 1000 / workers * LATENCY)


@pytest.mark.parametrize("workers", CONCURRENCY)
def test_a_server_that_never_refuses_is_not_slowed_down(workers: int) -> None:
    seconds, refused = simulate(Bucket(rate=10_000, burst=10_000, headers=False), 2000, workers)
    assert refused == 0
    assert seconds <= 2000 / workers * LATENCY * 1.02 + 2 * LATENCY


def test_a_configured_pace_wins_over_headers_that_allow_more() -> None:
    seconds, refused = simulate(Bucket(rate=500, burst=500), 100, 32, limits=Limits(rpm=600))
    assert refused == 0
    assert seconds == pytest.approx(99 / 10 + LATENCY, abs=0.1)


def test_a_configured_pace_wins_over_headers_that_allow_less() -> None:
    """Where they are wrong, as those of some gateways are."""
    pace = Pace(Limits(rpm=600), 4)
    said = RateLimits(requests=RateLimit(limit=100, remaining=0, reset_seconds=3600))
    turn = pace.start(0.0, Charge())
    pace.succeeded(turn, 0.1, said, Usage())
    assert pace.wait(0.1, Charge()) == 0.0


def test_tokens_hold_starts_back_where_they_are_the_tighter_limit() -> None:
    pace = Pace(Limits(), 0)
    charge = Charge(input_tokens=900, output_tokens=100)
    turn = pace.start(0.0, charge)
    said = RateLimits(
        requests=RateLimit(limit=1000, remaining=999, reset_seconds=0.06),
        tokens=RateLimit(limit=10_000, remaining=2000, reset_seconds=8),
    )
    pace.succeeded(turn, 0.2, said, Usage())
    pace.ended(turn)
    started = 0
    while pace.wait(0.2, charge) == 0:
        pace.start(0.2, charge)
        started += 1
    assert started == 2
    assert 0.5 < pace.wait(0.2, charge) <= 1.1


def test_what_others_use_of_the_same_limit_is_seen() -> None:
    pace = Pace(Limits(), 32)
    turn = pace.start(0.0, Charge())
    pace.succeeded(turn, 0.1, RateLimits(requests=RateLimit(limit=60, remaining=0, reset_seconds=60)), Usage())
    assert pace.wait(0.1, Charge()) == pytest.approx(1.0, abs=0.2)


def test_the_pace_recovers_from_a_refusal_that_was_no_limit() -> None:
    """A server that refused once, and then takes all that comes."""
    server = Bucket(rate=1e6, burst=10)
    server.level = -1000.0
    seconds, refused = simulate(server, 5000, 32)
    assert refused <= 32
    assert seconds <= 5000 / 32 * LATENCY * 1.1 + 1


def test_refusals_at_the_same_moment_are_survived() -> None:
    pace = Pace(Limits(), 4)
    for _ in range(5):
        pace.refused(pace.start(0.0, Charge()), 0.0, 0.0, None, hinted=True)
    assert pace.wait(0.0, Charge()) < 60
