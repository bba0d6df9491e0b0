"""How a run uses its scorers: combinations after their parts, other packages' only where the policy allows them."""

from __future__ import annotations

import pytest
from eval_material import EXACT, FakeProvider, echo, make_evaluation, make_job

from llmops_git.configs.policy import Budget
from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.evals.run import evaluate


def run(*scorers, **options):
    job = make_job(evaluation=make_evaluation(2, scorers))
    providers = {"fake": FakeProvider(echo)}
    return evaluate([job], providers=providers, cache=None, budget=Budget(), prices={}, **options).runs[0]


def test_only_scorers_of_other_packages_that_are_allowed_are_looked_for():
    calm = ScorerSettings(name="calm", use="acme.calm")
    with pytest.raises(LlmopsError, match="the policy does not allow it"):
        run(calm)
    with pytest.raises(LlmopsError, match="no installed package has a scorer"):
        run(calm, allowed_scorers=["acme.calm"])


def test_a_combination_is_computed_from_the_scores_of_the_same_sample():
    combination = ScorerSettings(name="all", use="weighted", options={"of": {"answer": 3, "short": 1}})
    short = ScorerSettings(name="short", use="length", options={"unit": "characters", "max": 2})
    found = run(combination, EXACT, short)
    assert [sample.scores["all"].value for sample in found.samples] == [0.75, 0.75]
    assert list(found.samples[0].scores) == ["all", "answer", "short"]
    declared = found.scorers[0]
    assert (declared.name, declared.scale, declared.step) == ("all", "continuous", 0.75)
