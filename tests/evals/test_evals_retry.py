"""Asking again: how long to wait, and when to give up."""

from __future__ import annotations

import threading

import pytest
from eval_material import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.evals.budget import Stopped
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
