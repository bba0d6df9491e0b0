"""Results while they come: in the order of the cases, and what is equal is kept once."""

from __future__ import annotations

import itertools

from eval_material import make_evaluation, make_job

from llmops_git.evals.results import Results
from llmops_git.evals.values import SampleResult
from llmops_git.providers.base import Usage
from llmops_git.scorers.base import Score


def sample(case: int, repeat: int, explanation: str = "") -> SampleResult:
    score = Score(value=float(case % 2), explanation=explanation)
    return SampleResult(case=f"c{case}", repeat=repeat, scores={"answer": score}, usage=Usage(input_tokens=1, output_tokens=2))


def test_results_are_in_the_order_of_cases_and_repeats_however_they_come() -> None:
    results = Results(make_job(evaluation=make_evaluation(3), repeats=2), 4)
    for case, repeat in reversed(list(itertools.product(range(3), (4, 5)))):
        results.put(case, repeat, sample(case, repeat))
    assert results.samples() == tuple(sample(case, repeat) for case, repeat in itertools.product(range(3), (4, 5)))


def test_what_did_not_come_is_left_out() -> None:
    results = Results(make_job(evaluation=make_evaluation(3)), 0)
    results.put(2, 0, sample(2, 0))
    assert results.samples() == (sample(2, 0),)


def test_equal_scores_and_usages_are_one_object_and_long_explanations_are_left_alone() -> None:
    results = Results(make_job(evaluation=make_evaluation(4)), 0)
    for case in range(4):
        results.put(case, 0, sample(case, 0, "x" * (10 if case < 2 else 100)))
    first, second, third, fourth = results.samples()
    assert first.usage is second.usage is third.usage is fourth.usage
    assert [one.scores["answer"].value for one in (first, second, third, fourth)] == [0.0, 1.0, 0.0, 1.0]
    assert third.scores["answer"].explanation == "x" * 100


def test_samples_with_the_very_same_scores_share_the_mapping_of_them() -> None:
    results = Results(make_job(evaluation=make_evaluation(6)), 0)
    for case in range(6):
        results.put(case, 0, sample(case, 0, "x" * (10 if case < 4 else 100)))
    first, second, third, fourth, fifth, sixth = (one.scores for one in results.samples())
    assert first is third is not second is fourth
    assert fifth is not sixth
    assert [0.0, 1.0, 0.0, 1.0, 0.0, 1.0] == [scores["answer"].value for scores in (first, second, third, fourth, fifth, sixth)]


def test_scores_under_other_names_are_other_mappings() -> None:
    results = Results(make_job(evaluation=make_evaluation(2)), 0)
    score = Score(value=1.0)
    for case, name in enumerate(("answer", "other")):
        results.put(case, 0, SampleResult(case=f"c{case}", repeat=0, scores={name: score}))
    assert [{"answer"}, {"other"}] == [set(one.scores) for one in results.samples()]
