"""The way to a provider: turns given one after the other, pauses, and models that no longer answer."""

from __future__ import annotations

import itertools
import threading

import pytest
from eval_material import FakeClock, FakeProvider, reply

from llmops_git.evals.budget import Stopped
from llmops_git.evals.lane import Lane
from llmops_git.evals.pacing import Limits, Turn
from llmops_git.providers.base import ProviderError, Request, Usage

NEVER = threading.Event()
ASKED = Request(provider="fake", model="m", messages=({"role": "user", "content": "hello"},))


def lane_of(concurrency: int = 4, limits: Limits | None = None) -> tuple[Lane, FakeClock]:
    clock = FakeClock()
    return Lane(FakeProvider(concurrency=concurrency), clock, limits), clock


def answered(lane: Lane, **usage: int) -> Turn:
    """A call that was answered at once."""
    turn = lane.enter(ASKED, NEVER)
    lane.succeeded(turn, "m", reply("ok", usage=Usage(**usage)))
    lane.leave(turn)
    return turn


def refused(lane: Lane, hint: float | None = None, wait: float = 0.5) -> Turn:
    turn = lane.enter(ASKED, NEVER)
    lane.refused(turn, ProviderError("rate_limit", "slow down", retry_after=hint), wait if hint is None else hint)
    lane.leave(turn)
    return turn


def gaps(turns: list[Turn]) -> list[float]:
    return [later.started - earlier.started for earlier, later in itertools.pairwise(turns)]


def test_first_starts_are_apart_and_later_ones_are_free() -> None:
    lane, _ = lane_of(4)
    apart = gaps([answered(lane) for _ in range(8)])
    assert all(0 < gap < 0.01 for gap in apart[:4])
    assert apart[4:] == [0.0] * 3


def test_nothing_starts_until_the_hint_is_over_and_then_one_request_tries() -> None:
    lane, clock = lane_of(4)
    refused_at = refused(lane, 5.0).started
    probe = lane.enter(ASKED, NEVER)
    assert probe.started == pytest.approx(refused_at + 5.0)
    clock.sleep(0.0)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):  # it is not answered yet
        lane.enter(ASKED, stop)
    lane.succeeded(probe, "m", reply("ok"))
    lane.leave(probe)
    assert lane.enter(ASKED, NEVER).started < probe.started + 60


def test_a_probe_that_fails_otherwise_is_followed_by_another() -> None:
    lane, _ = lane_of(4)
    refused(lane, 1.0)
    probe = lane.enter(ASKED, NEVER)
    lane.leave(probe)  # it met an error of the server
    second = lane.enter(ASKED, NEVER)
    assert second.started - probe.started < 60
    lane.leave(second)


def test_pauses_grow_while_tries_are_refused_and_nobody_says_how_long_to_wait() -> None:
    lane, _ = lane_of(1)
    apart = gaps([refused(lane) for _ in range(5)])
    assert apart == pytest.approx([0.5, 1.0, 2.0, 4.0], abs=0.1)


def test_a_hint_is_kept_to_even_when_tries_are_refused() -> None:
    lane, _ = lane_of(1)
    assert gaps([refused(lane, 3.0) for _ in range(4)]) == pytest.approx([3.0, 3.0, 3.0], abs=0.1)


def test_configured_requests_per_minute_are_kept_from_the_first_start() -> None:
    lane, _ = lane_of(16, Limits(rpm=120))
    assert gaps([answered(lane) for _ in range(10)]) == pytest.approx([0.5] * 9)


def test_configured_tokens_per_minute_follow_what_replies_were_charged() -> None:
    """120 tokens a reply at 1,200 a minute: one in six seconds, whatever was reckoned before the first."""
    lane, _ = lane_of(16, Limits(tpm=1200))
    apart = gaps([answered(lane, input_tokens=20, output_tokens=100) for _ in range(12)])
    assert sum(apart) / len(apart) == pytest.approx(6.0, rel=0.05)


def test_the_tighter_of_two_configured_limits_holds() -> None:
    lane, _ = lane_of(16, Limits(rpm=600, tpm=1200))
    apart = gaps([answered(lane, input_tokens=20, output_tokens=100) for _ in range(12)])
    assert sum(apart) / len(apart) == pytest.approx(6.0, rel=0.05)


def test_after_a_refused_key_nothing_more_is_asked_of_the_model() -> None:
    lane, _ = lane_of()
    lane.gave_up("m", ProviderError("auth", "bad key"))
    with pytest.raises(ProviderError, match="bad key"):
        lane.enter(ASKED, NEVER)
    lane.enter(Request(provider="fake", model="another", messages=()), NEVER)


def test_a_model_is_lost_after_ten_failures_in_a_row_and_not_before() -> None:
    lane, _ = lane_of()
    error = ProviderError("server", "down")
    for _ in range(9):
        lane.gave_up("m", error)
    answered(lane)
    for _ in range(9):
        lane.gave_up("m", error)
    lane.check("m")
    lane.gave_up("m", error)
    with pytest.raises(ProviderError, match="down"):
        lane.check("m")


def test_a_lost_model_gives_its_worker_back() -> None:
    lane, _ = lane_of(1)
    lane.gave_up("m", ProviderError("auth", "bad key"))
    for _ in range(3):
        with pytest.raises(ProviderError):
            lane.enter(ASKED, NEVER)
    assert lane.enter(Request(provider="fake", model="another", messages=()), NEVER).worker == 0
