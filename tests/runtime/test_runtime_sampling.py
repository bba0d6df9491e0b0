"""Sampling: the trace's id decides, what matters is always kept, and weights make sums come out right."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.runtime.bundle import Bundle
from llmops_git.runtime.counts import Counts
from llmops_git.runtime.export import Exporter
from llmops_git.runtime.sampling import hash_of, weight_of
from llmops_git.runtime.settings import Settings
from llmops_git.runtime.steps import Step, Trace
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span
from tests.runtime.runtime_material import by_operation, loaded, written

TRACE_IDS = st.integers(min_value=1, max_value=(1 << 128) - 1).map(lambda number: f"{number:032x}")
BUNDLE = Bundle(config="router", release="llmops/router/v1.0.0", digest="sha256:1", commit="", resolved={})


@given(TRACE_IDS, st.floats(min_value=0, max_value=1))
def test_the_id_alone_decides(trace_id: str, rate: float) -> None:
    assert hash_of(trace_id) == hash_of(trace_id)
    assert 0 <= hash_of(trace_id) < 1
    assert weight_of(trace_id, rate=rate, interesting=False) == weight_of(trace_id, rate=rate, interesting=False)


@given(TRACE_IDS, st.floats(min_value=0.001, max_value=1), st.floats(min_value=0.001, max_value=1))
def test_what_a_small_share_keeps_a_larger_one_keeps(trace_id: str, one: float, other: float) -> None:
    if weight_of(trace_id, rate=min(one, other), interesting=False) is not None:
        assert weight_of(trace_id, rate=max(one, other), interesting=False) is not None


@given(TRACE_IDS, st.floats(min_value=0, max_value=1))
def test_what_matters_is_always_kept_and_stands_for_itself(trace_id: str, rate: float) -> None:
    assert 1.0 == weight_of(trace_id, rate=rate, interesting=True)


@pytest.mark.parametrize(
    "form", ["{0:032x}", "{0:016x}0000000000000001", "0000000000000001{0:016x}", "5f5f{0:012x}00000000000000ff"]
)
@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01])
def test_any_part_of_an_id_may_be_the_random_one(form: str, rate: float) -> None:
    """Ids of other tracers begin with the time, or end in zeros; consecutive numbers are the worst case."""
    kept = sum(weight_of(form.format(number), rate=rate, interesting=False) is not None for number in range(1, 20_001))
    assert abs(kept - 20_000 * rate) < 5 * (20_000 * rate * (1 - rate)) ** 0.5


def finished(number: int, *, error: str = "", signal: Step | None = None) -> Trace:
    chance = random.Random(number)
    trace_id, root_id = f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(64):016x}"
    root = Step("invoke_workflow router", root_id, "", 1, {names.OPERATION: names.INVOKE_WORKFLOW}, end=2, error=error)
    return Trace(trace_id, [root] if signal is None else [root, signal], bundle=BUNDLE)


def signalled(trace: Trace, *, hit: bool) -> Trace:
    step = Step("signal s", "5" * 16, "", 3, {names.OPERATION: names.GIVE_SIGNAL}, end=3, hit=hit, signal=True)
    return Trace(trace.trace_id, [step], bundle=None, late=True, root_id=trace.steps[0].span_id)


def exporter(rate: float, *, clock: Any = lambda: 0.0, **options: Any) -> Exporter:
    return Exporter(Settings(service="s", sample=rate, **options), Counts(), lambda: lambda text: text, clock)


def exported(exporter: Exporter, traces: list[Trace]) -> list[Span]:
    return [span for trace in traces for ready in exporter.ready(trace) for span in ready]


def weights(spans: list[Span], operation: str) -> float:
    return sum(span.attributes.get(names.SAMPLE_WEIGHT, 1.0) for span in by_operation(spans, operation))


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.02])
def test_sums_over_kept_traces_are_those_over_all_requests(rate: float) -> None:
    """Errors are a tenth, and always kept; another tenth gets a thumbs-down after its end, which brings its trace back."""
    total = 8_000
    traces = [finished(number, error="server" if number % 10 == 0 else "") for number in range(total)]
    export = exporter(rate)
    spans = []
    for number, trace in enumerate(traces):
        spans += exported(export, [trace])
        if number % 10 == 1:
            spans += exported(export, [signalled(trace, hit=True)])
        if number % 10 == 2:
            spans += exported(export, [signalled(trace, hit=False)])
    roots = by_operation(spans, names.INVOKE_WORKFLOW)
    deviation = (total * 0.9 * (1 - rate) / rate) ** 0.5
    assert abs(weights(spans, names.INVOKE_WORKFLOW) - total) < 4 * deviation
    assert total / 10 == sum(span.attributes.get(names.SAMPLE_WEIGHT, 1.0) for span in roots if span.error)
    assert total / 5 == weights(spans, names.GIVE_SIGNAL)  # all of them, however few traces are kept
    kept = {span.trace_id for span in roots}
    assert len(kept) == len(roots)
    assert all(trace.trace_id in kept for number, trace in enumerate(traces) if number % 10 in {0, 1})
    assert len(kept) < total * (0.2 + 0.8 * rate) + 4 * (total * rate) ** 0.5


def test_errors_hits_and_bad_signals_are_kept_whatever_the_share(tmp_path: Path) -> None:
    router = loaded(tmp_path, sample=0.0)
    with router.request():
        pass
    with router.request(feature="error") as request:
        request.fail("timeout")
    with router.request(feature="signal") as request:
        request.signal("thumbs_down")
    with router.request(feature="value") as request:
        request.signal("stars", -1)
    with router.request(feature="tool") as request, suppress(ZeroDivisionError):
        request.tool("fail", {}, lambda: 1 // 0)
    with router.request(feature="fine") as request:
        request.signal("thumbs_up")
    spans = written(tmp_path, router)
    roots = by_operation(spans, names.INVOKE_WORKFLOW)
    assert ["error", "signal", "value", "tool"] == [span.attributes[names.FEATURE] for span in roots]
    assert ["thumbs_down", "stars", "thumbs_up"] == [
        span.attributes[names.SIGNAL] for span in by_operation(spans, names.GIVE_SIGNAL)
    ]
    assert 2 == router.stats()["requests_not_sampled"]


def test_a_late_thumbs_down_brings_the_whole_trace_back_once(tmp_path: Path) -> None:
    router = loaded(tmp_path, sample=0.0, content="full")
    with router.request(user="u") as request:
        request.messages(message="hi")
        request.record("bad answer")
        request.signal("viewed")
    assert ["signal viewed"] == [span.name for span in written(tmp_path, router)]
    assert router.signal(request.id, "thumbs_down")
    assert router.signal(request.id, "thumbs_down")
    spans = written(tmp_path, router)
    assert [
        "signal viewed",
        "invoke_workflow router",
        "chat test-model-2026-01-01",
        "signal thumbs_down",
        "signal thumbs_down",
    ] == [span.name for span in spans]
    assert [None, 0.0, 0.0, None, None] == [span.attributes.get(names.SAMPLE_WEIGHT) for span in spans]
    assert {"u"} == {span.attributes[names.USER] for span in spans}
    assert 1 == router.stats()["requests_kept_late"]


def test_steps_after_the_end_of_a_request_that_is_not_kept_wait_with_it(tmp_path: Path) -> None:
    router = loaded(tmp_path, sample=0.0)
    with router.request() as request:
        stream = request.stream(["a"])
    list(stream)
    assert [] == written(tmp_path, router)
    request.signal("thumbs_down")
    assert 3 == len(written(tmp_path, router))


@pytest.mark.parametrize(("options", "forgotten"), [({}, False), ({"late_requests": 5}, True)])
def test_only_so_many_requests_wait_for_a_signal(options: dict[str, Any], forgotten: bool) -> None:
    export = exporter(0.0, **options)
    first = finished(0)
    exported(export, [first, *(finished(number) for number in range(1, 10))])
    found = exported(export, [signalled(first, hit=True)])
    assert (1 if forgotten else 2) == len(found)


def test_requests_wait_for_a_signal_only_so_long() -> None:
    now = [0.0]
    export = exporter(0.0, clock=lambda: now[0])
    early, late = finished(1), finished(2)
    exported(export, [early, late])
    now[0] = 599.0
    assert 2 == len(exported(export, [signalled(early, hit=True)]))
    now[0] = 601.0
    assert 1 == len(exported(export, [signalled(late, hit=True)]))


def test_what_waits_is_bounded_in_size() -> None:
    export = exporter(0.0)
    traces = [finished(number) for number in range(40)]
    for trace in traces:
        trace.steps[0].attributes["text"] = "x" * (1 << 20)
    exported(export, traces)
    back = [len(exported(export, [signalled(trace, hit=True)])) for trace in traces]
    assert ([1] * 9, [2] * 31) == (back[:9], back[9:])
