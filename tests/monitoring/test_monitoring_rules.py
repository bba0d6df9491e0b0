"""What rules make of traffic: states, groups, releases, windows, instruments, drift."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.comparing import quantile_interval
from llmops_git.monitoring.drift import chi_square_quantile, ks, psi
from llmops_git.monitoring.embedded_drift import embedding_distance
from llmops_git.monitoring.measuring import check
from llmops_git.monitoring.offending import offending_query
from llmops_git.monitoring.releases import Released, before_in
from llmops_git.monitoring.rules import Reading, Rule, State, look_times, states_of
from llmops_git.monitoring.streams import Histogram, Slot, Sums, together
from tests.monitoring.monitor_table import NOW, RELEASED, V1, V2, V3, Table, ago, rule_of


def states(table: Table, text: str, **more: Any) -> tuple[State, ...]:
    return check(rule_of(text), table.looking(**more), NOW)


def named(found: tuple[State, ...]) -> dict[str, str]:
    """Group, as words -> state."""
    return {" ".join(value for _, value in state.reading.group): state.name for state in found}


def served(table: Table, count: int, each: Callable[[int], dict[str, Any]], **more: Any) -> None:
    """So many requests."""
    for number in range(count):
        table.request(**{**more, **each(number)})


def failing(every: int) -> Callable[[int], dict[str, Any]]:
    return lambda number: {"error": "timeout" if number % every == 0 else ""}


ERRORS = "metric: error_rate, by: [config], window: 1h, compare: {op: gt, value: 0.1}"


def test_a_number_is_exceeded_by_one_group_and_not_by_another() -> None:
    table = Table()
    served(table, 60, failing(5), hours=0.5)
    served(table, 60, failing(20), hours=0.5, config="calm")
    served(table, 10, failing(1), hours=0.5, config="rare")
    served(table, 60, failing(1), hours=3.0, config="earlier")
    found = states(table, ERRORS)
    assert {"router": "firing", "calm": "ok", "rare": "too few"} == named(found)
    (router,) = [state for state in found if state.name == "firing"]
    assert (0.2, 60) == (router.reading.value, router.reading.n)
    assert router.reading.low < 0.2 < router.reading.high


def test_nothing_in_the_window_is_no_data() -> None:
    table = Table()
    table.request(hours=5)
    assert ["no data"] == [state.name for state in states(table, ERRORS)]


def test_proven_asks_for_more_than_luck() -> None:
    table = Table()
    served(table, 60, failing(8), hours=0.5)  # 13 %
    proven = ERRORS.replace("value: 0.1", "value: 0.1, proven: true")
    assert ["firing"] == [state.name for state in states(table, ERRORS)]
    assert ["ok"] == [state.name for state in states(table, proven)]
    served(table, 200, failing(2), hours=0.5)
    assert ["firing"] == [state.name for state in states(table, proven)]


def test_it_fires_only_after_as_many_looks_as_it_says() -> None:
    table = Table()
    rule = ERRORS.replace("window: 1h", "window: 1h, for: 3, every: 1h")
    assert [NOW, ago(1).replace(tzinfo=NOW.tzinfo), ago(2).replace(tzinfo=NOW.tzinfo)] == list(look_times(rule_of(rule), NOW))
    served(table, 60, failing(2), hours=0.5)
    served(table, 60, failing(2), hours=1.5)
    (state,) = states(table, rule)
    assert ("pending", 2) == (state.name, state.held)
    served(table, 60, failing(2), hours=2.5)
    (state,) = states(table, rule)
    assert ("firing", 3) == (state.name, state.held)


def test_a_look_without_traffic_breaks_the_row() -> None:
    rule = rule_of(ERRORS.replace("window: 1h", "window: 1h, for: 2"))
    bad = Reading(group=(("config", "router"),), value=0.5, n=60, beyond=True)
    assert ["pending"] == [state.name for state in states_of(rule, [[bad], []])]
    assert ["firing"] == [state.name for state in states_of(rule, [[bad], [bad]])]
    few = Reading(group=bad.group, value=0.5, n=3, few=True)
    assert ["pending"] == [state.name for state in states_of(rule, [[bad], [few]])]


def test_silence_is_seen_of_those_who_spoke_before() -> None:
    table = Table()
    table.request(hours=0.5)
    table.request(hours=5, config="gone")
    table.request(hours=24 * 30, config="forgotten")
    silence = "metric: requests, by: [config], window: 1h, compare: {op: lt, value: 1}"
    assert {"router": "ok", "gone": "firing"} == named(states(table, silence))
    assert {"": "ok"} == named(states(table, silence.replace("by: [config], ", "")))
    assert {"": "firing"} == named(states(Table(), silence.replace("by: [config], ", "")))


def test_a_sum_is_held_to_the_window_before() -> None:
    table = Table()
    for hours, cost in ((12, 3.0), (36, 1.0)):
        table.step(table.request(hours=hours), "chat", cost_usd=cost)
    rule = "metric: cost.total, window: 1d, compare: {to: window_before, max_ratio: %s}"
    assert ["firing", "ok"] == [states(table, rule % ratio)[0].name for ratio in ("2.9", "3.1")]
    down = "metric: requests, window: 1d, compare: {to: window_before, max_ratio: 2}"
    served(table, 3, lambda _: {}, hours=36)
    assert ["firing"] == [state.name for state in states(table, down)]


RELEASES = "metric: error_rate, compare: {to: previous_release, margin: 0.01}"


def test_a_worse_release_is_named_with_the_one_before_it() -> None:
    table = Table()
    served(table, 600, failing(100), hours=48)
    served(table, 400, failing(10), hours=2, release=V2)
    (state,) = states(table, RELEASES)
    seen = state.reading
    assert ("firing", (("config", "router"), ("release", V2)), V1) == (state.name, seen.group, seen.baseline)
    assert (0.1, 0.01, 400, 600) == (seen.value, seen.baseline_value, seen.n, seen.baseline_n)
    assert "chance: less than 1 in" in seen.said


def test_an_equal_or_better_release_is_well() -> None:
    table = Table()
    served(table, 600, failing(20), hours=48)
    served(table, 400, failing(20), hours=2, release=V2)
    assert ["ok"] == [state.name for state in states(table, RELEASES)]
    better = Table()
    served(better, 600, failing(5), hours=48)
    served(better, 400, failing(100), hours=2, release=V2)
    assert ["ok"] == [state.name for state in states(better, RELEASES)]
    both = RELEASES.replace("margin: 0.01", "margin: 0.01, direction: both")
    assert ["firing"] == [state.name for state in states(better, both)]


def test_a_release_that_hardly_served_is_passed_over_and_one_that_git_does_not_know() -> None:
    table = Table()
    served(table, 600, failing(100), hours=72)
    served(table, 5, failing(1), hours=48, release=V2)
    served(table, 400, failing(10), hours=2, release=V3)
    served(table, 400, failing(2), hours=2, release="llmops/router/v9.9.9")
    (state,) = states(table, RELEASES)
    assert (V1, "firing") == (state.reading.baseline, state.name)
    (state,) = states(table, RELEASES, released=Released())
    assert ("no data", "no requests of a live release that git knows") == (state.name, state.reading.said)


def test_after_a_rollback_the_release_that_left_is_not_compared_any_more() -> None:
    table = Table()
    served(table, 600, failing(100), hours=72)
    served(table, 400, failing(5), hours=30, release=V2)
    served(table, 100, failing(100), hours=1, release=V1)
    (state,) = states(table, RELEASES)
    assert ((("config", "router"), ("release", V1)), "too few") == (state.reading.group, state.name)
    assert "no release before it" in state.reading.said


def test_the_release_before_is_the_one_before_by_number_among_those_that_served() -> None:
    order = RELEASED.of("router")
    assert [V2, V1, "", ""] == [
        before_in(order, V3, {V1, V2}),
        before_in(order, V3, {V1, V3}),
        before_in(order, V3, set()),
        before_in(order, V1, {V2}),
    ]
    assert (True, False, False, False) == (
        RELEASED.knows(V1, "sha256:1"), RELEASED.knows(V1, "sha256:2"), RELEASED.knows("", ""), RELEASED.knows("v1", "sha256:1"),
    )  # fmt: skip


def test_traffic_of_what_was_never_released_or_was_edited_or_yanked_is_found() -> None:
    table = Table()
    served(table, 60, lambda _: {}, hours=0.5)
    served(table, 60, lambda _: {"digest": "sha256:edited"}, hours=0.5, release=V2)
    rule = "metric: unreleased, by: [config, release], window: 1h, compare: {op: gt, value: 0}"
    found = states(table, rule)
    assert {f"router {V1}": "ok", f"router {V2}": "firing"} == named(found)
    assert {"": "firing"} == named(states(table, rule.replace("by: [config, release], ", "")))
    yanked = Released(tags={"router": {V2: "sha256:2"}})
    assert "firing" == named(states(table, rule, released=yanked))[f"router {V1}"]


def test_a_guard_that_never_fires_is_an_alert_and_one_that_fires_more_is_another() -> None:
    table = Table()
    for number in range(120):
        trace = table.request(hours=2.5 if number < 60 else 0.5)
        table.step(
            trace, "apply_guardrail", pack="pii", rule="email", guard_result="redact" if number >= 60 and number % 2 else "pass"
        )
        table.step(trace, "apply_guardrail", pack="pii", rule="dead", guard_result="pass")
    dead = "metric: guardrail.trigger_rate, by: [pack, rule], window: 1d, compare: {op: le, value: 0}"
    assert {"pii email": "ok", "pii dead": "firing"} == named(states(table, dead))
    more = "metric: guardrail.trigger_rate, by: [rule], window: 1h, min_count: 50, compare: {to: window_before, margin: 0.1}"
    assert {} == {group: name for group, name in named(states(table, more)).items() if name == "firing"}
    two = more.replace("window: 1h", "window: 90m")
    assert {"email": "firing", "dead": "ok"} == named(states(table, two))


def cost(table: Table, count: int, draw: random.Random, scale: float, **root: Any) -> None:
    for _ in range(count):
        trace = table.request(duration_ms=draw.lognormvariate(5, 0.5) * scale, **root)
        table.step(
            trace, "chat", cost_usd=0.01 * draw.lognormvariate(0, 0.5) * scale, input_tokens=100, output_tokens=int(50 * scale)
        )


def test_a_costlier_and_slower_release_is_found_by_ratio() -> None:
    table, draw = Table(), random.Random(3)
    cost(table, 500, draw, 1.0, hours=40)
    cost(table, 500, draw, 1.5, hours=2, release=V2)
    for metric in ("cost.per_request", "tokens.output", "latency.p50"):
        rule = "metric: %s, compare: {to: previous_release, max_ratio: %s}"
        assert ["firing", "ok"] == [states(table, rule % (metric, ratio))[0].name for ratio in ("1.1", "1.8")]
    (state,) = states(table, "metric: latency.p95, compare: {to: previous_release, max_ratio: 1.02}")
    assert state.reading.low < state.reading.value < state.reading.high
    assert "ok" == states(table, "metric: tokens.input, compare: {to: previous_release}")[0].name


def test_scores_of_two_instruments_are_never_compared() -> None:
    table = Table()
    for number in range(400):
        old = number < 200
        trace = table.request(hours=40 if old else 2, release=V1 if old else V2)
        table.step(
            trace, "evaluate", scorer="faithful", score=0.9 if old else 0.4, eval_digest="sha256:a" if old else "sha256:b"
        )
    rule = "metric: score.faithful.mean, compare: {to: previous_release, margin: 0.05}"
    (state,) = states(table, rule)
    assert ("too few", True) == (state.name, "scored in the same way" in state.reading.said)
    for number in range(200):  # the old release, scored again in the new way
        trace = table.request(hours=41)
        table.step(trace, "evaluate", scorer="faithful", score=0.9 + 0.001 * (number % 2), eval_digest="sha256:b")
    (state,) = states(table, rule)
    assert ("firing", V1, (("config", "router"), ("release", V2))) == (state.name, state.reading.baseline, state.reading.group)


def test_a_score_now_is_that_of_the_newest_instrument() -> None:
    table = Table()
    for number in range(200):
        trace = table.request(hours=20 if number < 100 else 1)
        table.step(trace, "evaluate", scorer="f", score=0.2 if number < 100 else 0.8, eval_digest=f"sha256:{number // 100}")
    (state,) = states(table, "metric: score.f.mean, window: 1d, compare: {op: lt, value: 0.5}")
    assert ("ok", 100, pytest.approx(0.8)) == (state.name, state.reading.n, state.reading.value)


def test_sampling_that_keeps_failures_knows_them_as_well_as_it_does() -> None:
    kept = Sums(n=1950, w=20_000.0, wv=1000.0, w2=381_000.0, w2v=1000.0, w2vv=1000.0, first=ago(1), last=ago(0))
    counts = kept.counts()
    assert pytest.approx(0.05) == counts.rate
    assert 9_000 < counts.n < 12_000  # more than the 1,950 rows, less than the 20,000 requests
    plain = Sums(n=400, w=400.0, wv=20.0, w2=400.0, w2v=20.0, w2vv=20.0, first=ago(1), last=ago(0))
    assert (pytest.approx(400), pytest.approx(20)) == (plain.counts().n, plain.counts().hits)
    assert 2350 == together([kept, plain]).n


def drifted(table: Table, release: str, hours: float, scale: float, model: str, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(400):
        trace = table.request(hours=hours, release=release)
        words = "the order is late " * int(2 + 3 * draw.random() * scale)
        table.step(
            trace,
            "chat",
            model=model if draw.random() < 0.5 else "m",
            input_tokens=int(100 * draw.lognormvariate(0, 0.4) * scale),
            input_text=words,
        )


def test_drift_of_inputs_and_of_categories_is_found_and_sameness_is_not() -> None:
    table = Table()
    drifted(table, V1, 60, 1.0, "n", seed=1)
    drifted(table, V2, 2, 1.0, "n", seed=2)
    changed = Table()
    drifted(changed, V1, 60, 1.0, "n", seed=1)
    drifted(changed, V2, 2, 1.6, "other", seed=2)
    for metric, value in (
        ("psi(input_tokens)", 0.2),
        ("ks(input_tokens)", 0.1),
        ("psi(model)", 0.2),
        ("psi(input_length)", 0.2),
    ):
        rule = f"metric: drift.{metric}, compare: {{to: previous_release, value: {value}}}"
        assert ["ok"] == [state.name for state in states(table, rule)], metric
        (state,) = states(changed, rule)
        assert ("firing", V1) == (state.name, state.reading.baseline), metric
    before = "metric: drift.psi(model), window: 2d, compare: {to: window_before, value: 0.2}"
    assert ["firing"] == [state.name for state in states(changed, before)]


def a_histogram(values: list[float]) -> Histogram:
    slots: dict[float | str, Slot] = {}
    for value in sorted(values):
        seen = slots.get(value)
        slots[value] = Slot(low=value, high=value, n=(seen.n if seen else 0) + 1, w=(seen.w if seen else 0.0) + 1)
    return Histogram(slots=slots, w2=float(len(values)), first=ago(1), last=ago(0))


def test_distances_are_those_of_the_books() -> None:
    before, now = [float(value) for value in range(100)], [float(value) for value in range(50, 150)]
    found = ks(a_histogram(before), a_histogram(now), alpha=0.01)
    assert pytest.approx(0.5) == found.value
    index = psi(a_histogram(before), a_histogram(now), alpha=0.01)
    shares = [(10.5 / 105, 0.5 / 105)] * 5 + [(10.5 / 105, 10.5 / 105)] * 4 + [(10.5 / 105, 60.5 / 105)]
    assert pytest.approx(sum((b - a) * math.log(b / a) for a, b in shares)) == index.raw
    assert (0.0, 0.0) == (
        psi(a_histogram([1.0] * 50), a_histogram([1.0] * 60), alpha=0.01).raw,
        ks(a_histogram(before), a_histogram(before), alpha=0.01).value,
    )
    assert pytest.approx(21.666, rel=0.01) == chi_square_quantile(0.99, 9)


def test_chance_explains_distances_of_equal_traffic_as_often_as_it_says() -> None:
    draw = random.Random(9)
    beyond = [0, 0]
    for _ in range(120):
        sides = [a_histogram([float(draw.randrange(200)) for _ in range(250)]) for _ in range(2)]
        for place, distance in enumerate((psi, ks)):
            found = distance(sides[0], sides[1], alpha=0.05)
            beyond[place] += found.raw > found.chance
    assert beyond[0] <= 12
    assert beyond[1] <= 12


def test_a_quantile_interval_is_open_where_too_little_is_known() -> None:
    low, high = quantile_interval(a_histogram([float(value) for value in range(30)]), 0.99, 0.05)
    assert (True, float("inf")) == (low < 29, high)


def topics(words: str) -> list[float]:
    """A vector of two topics, with a third that is the text's own."""
    return [float(words.count("order")), float(words.count("refund")), len(words) % 5 / 10]


def test_texts_about_something_else_are_drift_and_others_of_the_same_are_not() -> None:
    def embed(texts: Any) -> list[list[float]]:
        return [topics(text) for text in texts]

    draw = random.Random(4)
    old, same, new = (
        [f"{word * (1 + draw.randrange(2))} {'x' * draw.randrange(9)}" for _ in range(60)]
        for word in ("order ", "order ", "refund ")
    )
    assert embedding_distance(old, same, embed, alpha=1e-4).raw <= embedding_distance(old, same, embed, alpha=1e-4).chance
    moved = embedding_distance(old, new, embed, alpha=1e-4)
    assert moved.raw > moved.chance
    assert moved.value > 0.5
    assert moved == embedding_distance(old, new, embed, alpha=1e-4)
    table = Table()
    for release, hours, texts in ((V1, 60, old), (V2, 2, new)):
        for text in texts:
            table.step(table.request(hours=hours, release=release), "chat", input_text=text)
    rule = "metric: drift.embedding(input_text), min_count: 50, compare: {to: previous_release, value: 0.1}"
    (state,) = states(table, rule, embed=lambda: embed)
    assert ("firing", V1, 60) == (state.name, state.reading.baseline, state.reading.n)
    (state,) = states(table, rule)
    assert ("too few", "nothing embeds texts here") == (state.name, state.reading.said)

    def missing() -> Any:
        raise LlmopsError("embeddings need onnxruntime")

    (state,) = states(table, rule, embed=missing)
    assert ("too few", "embeddings need onnxruntime") == (state.name, state.reading.said)


def traces(table: Table, rule: Rule, state: State) -> list[str]:
    traffic = table.traffic()
    return [str(row[1]) for row in traffic.rows(offending_query(rule, state.reading, NOW.replace(tzinfo=None)))]


def test_the_newest_offending_traces_are_on_the_bad_side() -> None:
    table = Table()
    served(table, 60, failing(5), hours=0.5)
    newest = table.request(hours=0.1, error="timeout")
    table.request(hours=0.05)
    rule = rule_of(ERRORS)
    (state,) = check(rule, table.looking(), NOW)
    assert newest == traces(table, rule, state)[0]
    assert 5 == len(traces(table, rule, state))
    slow = table.request(hours=0.2, duration_ms=9_000.0)
    rule = rule_of("metric: latency.p99, window: 1h, min_count: 10, compare: {op: gt, value: 1000}")
    (state,) = check(rule, table.looking(), NOW)
    assert [slow] == traces(table, rule, state)
    rule = rule_of("metric: release.coverage, window: 1h, compare: {op: lt, value: 1}")
    unnamed = table.request(hours=0.3, release="")
    (state,) = check(rule, table.looking(), NOW)
    assert [unnamed] == traces(table, rule, state)
