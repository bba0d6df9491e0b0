"""Which live requests failed, why, and which come first."""

from __future__ import annotations

from typing import Any

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.mining import DEFAULT, Fence, Live, Wish, failures, read_wishes, reasons_of, reviewed, upper_fence

FENCE = Fence(cost=(0.001, 0.002), latency=(500.0, 900.0))


def live(number: int = 1, **changed: Any) -> Live:
    return Live(**{"trace_id": f"t{number}", "config": "router", "start_ns": number, **changed})


def kinds(request: Live, wanted: str = DEFAULT, fence: Fence = FENCE, **given: Any) -> list[tuple[str, str]]:
    return [(reason.kind, reason.name) for reason in reasons_of(request, read_wishes(wanted), fence, **given)]


def test_what_is_looked_for_can_be_said_in_words() -> None:
    assert (
        Wish(kind="signal", name="thumbs_down"),
        Wish(kind="score", below=0.5),
        Wish(kind="score", name="helpful", below=0.75),
        Wish(kind="guardrail"),
        Wish(kind="signal", name="wrong_queue"),
        Wish(kind="signal"),
        Wish(kind="latency"),
    ) == read_wishes("thumbs_down, score<.5,helpful < 0.75,guardrail,signal:wrong_queue,signal,latency,")


@pytest.mark.parametrize("text", ["", ",", "thumbsdown", "score", "score>.5", "score<", "signal:", "a b<.5", "error;"])
def test_what_is_no_kind_of_failure_is_refused_with_the_kinds_there_are(text: str) -> None:
    with pytest.raises(LlmopsError) as caught:
        read_wishes(text)
    assert "thumbs_down" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (live(), []),
        (live(signals=(("thumbs_up", None), ("copied", 1.0))), []),
        (live(signals=(("thumbs_down", None),)), [("signal", "thumbs_down")]),
        (live(signals=(("retry", None),)), []),  # only where it is asked for
        (live(error="timeout"), [("error", "timeout")]),
        (live(scores=(("helpful", 0.5, ""), ("faithful", 0.49, "no"))), [("score", "faithful")]),
        (live(guards=(("pii/email", "input", "block"), ("pii/card", "output", "redact"))), []),  # that is what it is there for
        (live(guards=(("pii/email", "input", "flag"),)), [("guardrail", "pii/email")]),
        (live(guards=(("pii/topic", "input", "error"),)), [("guardrail", "pii/topic")]),
        (live(cost_usd=0.016), []),
        (live(cost_usd=0.0161), [("cost", "")]),
        (live(duration_ms=1e9), []),  # not asked for by default
    ],
)
def test_each_kind_of_failure_is_seen_and_nothing_else_is(request_: Live, expected: list[tuple[str, str]]) -> None:
    assert expected == kinds(request_)


def test_any_signal_is_a_negative_one_by_name_or_by_value() -> None:
    request = live(signals=(("retry", None), ("stars", -1.0), ("stars_up", 1.0)))
    assert {("signal", "retry"), ("signal", "stars")} == set(kinds(request, "signal"))
    assert [("signal", "stars_up")] == kinds(request, "signal:stars_up")


def test_a_low_cost_is_no_low_score() -> None:
    request = live(scores=(("cost", 0.001, ""), ("helpful", 0.1, "")))
    assert [("score", "helpful")] == kinds(request, lower_is_better=frozenset({"cost"}))
    assert [("score", "cost")] == kinds(request, "cost<.5", lower_is_better=frozenset({"cost"}))


def test_nothing_is_an_outlier_where_too_few_requests_say_what_is_usual() -> None:
    assert [] == kinds(live(cost_usd=1e6, duration_ms=1e9), "cost,latency", Fence())


@pytest.mark.parametrize(
    ("lower", "upper", "expected"), [(1.0, 2.0, 16.0), (1.0, 1.0, 2.0), (0.0, 3.0, 6.0), (0.0, 0.0, 0.0), (1.0, 1.1, 2.2)]
)
def test_the_fence_follows_the_spread_and_is_never_close(lower: float, upper: float, expected: float) -> None:
    assert pytest.approx(expected) == upper_fence(lower, upper)


def test_free_requests_are_no_outliers_of_free_requests() -> None:
    assert [] == kinds(live(cost_usd=0.0), "cost", Fence(cost=(0.0, 0.0)))


def test_the_worst_come_first_and_several_reasons_add_up() -> None:
    requests = [
        live(1, error="timeout"),
        live(2, signals=(("thumbs_down", None),)),
        live(3, error="timeout", cost_usd=1.0),
        live(4),
        live(5, scores=(("helpful", 0.45, ""),)),
        live(6, scores=(("helpful", 0.0, ""),)),
        live(7, error="timeout"),
    ]
    found = failures(requests, read_wishes(DEFAULT), {"router": FENCE})
    assert ["t3", "t2", "t7", "t6", "t1", "t5"] == [failure.live.trace_id for failure in found]
    assert ["error", "cost"] == [reason.kind for reason in found[0].reasons]


def test_a_person_who_reviewed_a_guardrail_makes_a_failure_of_it() -> None:
    passed = live(guards=(("pii/email", "input", "pass"),))
    stopped = live(guards=(("pii/email", "input", "block"),))
    assert [("guardrail", "review")] == kinds(reviewed(passed, True))
    assert [("guardrail", "pii/email")] == kinds(reviewed(stopped, False))
    assert ([], []) == (kinds(reviewed(passed, False)), kinds(reviewed(stopped, True)))


def test_the_same_thing_said_twice_counts_once() -> None:
    request = live(signals=(("thumbs_down", None), ("thumbs_down", None)))
    [failure] = failures([request], read_wishes("thumbs_down,signal"), {})
    assert 1 == len(failure.reasons)
