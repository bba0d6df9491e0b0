"""Re-runs add samples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmops_git.commands.pooling import first_repeat, pooled
from llmops_git.evals.run import Outcome
from llmops_git.evals.values import Run, SampleResult, Spending


def run_of(repeats: range, *, config: str = "router", digest: str = "sha256:h") -> Run:
    samples = tuple(SampleResult(case=case, repeat=repeat, output=f"{case}{repeat}") for case in "ab" for repeat in repeats)
    return Run(config=config, config_digest=digest, eval_digest="sha256:e", provider="p", model="m", engine="x",
               started_at="2026-01-01T00:00:00+00:00", repeats=len(repeats), cases=("a", "b"), must_pass=(), clusters={},
               scorers=(), samples=samples)  # fmt: skip


def outcome(*runs: Run) -> Outcome:
    return Outcome(runs=runs, spending=Spending(), spans=())


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_no_sample_is_lost_and_none_is_counted_twice_over_any_number_of_attempts(sizes: list[int]) -> None:
    earlier: dict[tuple[str, str], Run] = {}
    for size in sizes:
        first = first_repeat(earlier)
        now = pooled(outcome(run_of(range(first, first + size))), earlier)
        earlier = {(run.config_digest, run.eval_digest): run for run in now.runs}
    (run,) = earlier.values()
    assert run.repeats == sum(sizes)
    assert [(case, repeat) for case in "ab" for repeat in range(sum(sizes))] == [(s.case, s.repeat) for s in run.samples]


def test_the_report_says_that_attempts_are_counted_together() -> None:
    now = pooled(outcome(run_of(range(1, 2))), {("sha256:h", "sha256:e"): run_of(range(1))})
    assert now.problems == ("samples of earlier attempts are counted together with those of this one: router",)


def test_a_run_that_nobody_made_before_stays_as_it_is() -> None:
    alone = outcome(run_of(range(2)))
    assert pooled(alone, {("sha256:other", "sha256:e"): run_of(range(1), digest="sha256:other")}) is alone
