"""Samples and scorers in one line each, for the tests of scorers."""

from __future__ import annotations

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Sample
from llmops_git.scorers.table import build_scorer


def scored(use, output, expected=None, *, session=None, judge=None, inputs=None, **options):
    scorer = build_scorer(ScorerSettings(name="s", use=use, options=options, judge=judge))
    return scorer.score(Sample(inputs=inputs or {}, expected=expected, output=output), session)


def outcome(*arguments, **options):
    """The value of a measured score, else its state, with its label."""
    score = scored(*arguments, **options)
    return (score.value if score.state == "measured" else score.state, score.label)
