"""Asking again: how long to wait, when to give up, and how a provider's pace is kept."""

from __future__ import annotations

import itertools
import threading

import pytest
from eval_material import FakeClock, FakeProvider
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.evals.budget import Stopped
from llmops_git.evals.lane import Lane
from llmops_git.evals.retry import Patience, jitter_of, wait_for
from llmops_git.providers.base import ProviderError

NEVER = threading.Event()


def test_waits_double_and_end() -> None:
    patience = Patience(attempts=4, first_wait=1.0)
    error = ProviderError("server", "no")
    assert [patience.wait(error, failures, 0, 0.0) for failures in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, None]


@pytest.mark.parametrize("kind", ["auth", "bad_request", "replay_miss"])
def test_what_asking_again_cannot_mend_is_not_asked_again(kind: str) -> None:
    assert Patience().wait(ProviderError(kind, "no"), 1, 0, 0.0) is None


def test_the_servers_hint_is_followed_unless_it_is_too_long() -> None:
    patience = Patience(longest_wait=60.0)
    assert patience.wait(ProviderError("rate_limit", "", retry_after=7.0), 0, 1, 0.0) == 7.0
    assert patience.wait(ProviderError("rate_limit", "", retry_after=3600.0), 0, 1, 0.0) is None
    assert patience.wait(ProviderError("server", "", retry_after=5.0), 1, 0, 0.0) == 5.0


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0, 1), st.none() | st.floats(0, 1e4))
def test_no_wait_is_longer_than_the_longest_and_its_jitter(
    failures: int, refusals: int, jitter: float, hint: float | None
) -> None:
    patience = Patience()
    for kind in ("server", "rate_limit", "timeout", "network"):
        wait = patience.wait(ProviderError(kind, "", retry_after=hint), failures, refusals, jitter)
        assert wait is None or 0 <= wait <= patience.longest_wait * 1.25


def test_the_jitter_follows_from_the_key() -> None:
    assert (jitter_of("0000ff"), jitter_of("ffff00")) == (0.0, 1.0)


def test_waiting_ends_when_the_run_is_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        wait_for(3600, FakeClock(), stop)


def _enter(lane: Lane) -> float:
    worker, started = lane.enter("m", NEVER)
    lane.leave(worker)
    return started


def test_first_starts_are_apart_and_later_ones_are_free() -> None:
    clock = FakeClock()
    lane = Lane(FakeProvider(concurrency=4), clock)
    starts = [_enter(lane) - 1000.0 for _ in range(8)]
    assert starts == sorted(starts)
    assert 0 < starts[4] < 0.01
    assert starts[4:] == [starts[4]] * 4


def test_a_refusal_stops_all_starts_until_the_hint_is_over_and_slows_them() -> None:
    clock = FakeClock()
    lane = Lane(FakeProvider(concurrency=2), clock)
    for _ in range(20):  # ten a second
        started = _enter(lane)
        lane.succeeded("m")
        clock.sleep(0.1)
    lane.refused(started, 5.0)
    refused_at = clock.now
    starts = [_enter(lane) for _ in range(4)]
    assert starts[0] == pytest.approx(refused_at + 5.0)
    apart = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert all(0.1 / 0.6 * 0.8 < gap < 0.1 / 0.6 * 1.3 for gap in apart)


def test_refusals_of_requests_from_before_the_slow_down_change_nothing_more() -> None:
    clock = FakeClock()
    lane = Lane(FakeProvider(concurrency=64), clock)
    started = [_enter(lane) for _ in range(64)]
    for start in started:
        lane.refused(start, 1.0)
    first, second = _enter(lane), _enter(lane)
    assert first == pytest.approx(clock.now, abs=0.1)
    assert second - first < 0.1


def test_the_pace_recovers() -> None:
    clock = FakeClock()
    lane = Lane(FakeProvider(concurrency=1), clock)
    lane.refused(_enter(lane), 1.0)

    def gap() -> float:
        earlier = _enter(lane)
        return _enter(lane) - earlier

    slow = gap()
    for _ in range(300):
        lane.succeeded("m")
    assert gap() < slow / 10


def test_after_a_refused_key_nothing_more_is_asked_of_the_model() -> None:
    lane = Lane(FakeProvider(), FakeClock())
    lane.gave_up("m", ProviderError("auth", "bad key"))
    with pytest.raises(ProviderError, match="bad key"):
        lane.enter("m", NEVER)
    lane.enter("another", NEVER)


def test_a_model_is_lost_after_ten_failures_in_a_row_and_not_before() -> None:
    lane = Lane(FakeProvider(), FakeClock())
    error = ProviderError("server", "down")
    for _ in range(9):
        lane.gave_up("m", error)
    lane.succeeded("m")
    for _ in range(9):
        lane.gave_up("m", error)
    lane.check("m")
    lane.gave_up("m", error)
    with pytest.raises(ProviderError, match="down"):
        lane.check("m")


def test_a_lost_model_gives_its_worker_back() -> None:
    lane = Lane(FakeProvider(concurrency=1), FakeClock())
    lane.gave_up("m", ProviderError("auth", "bad key"))
    for _ in range(3):
        with pytest.raises(ProviderError):
            lane.enter("m", NEVER)
    assert lane.enter("another", NEVER)[0] == 0
