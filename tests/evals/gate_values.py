"""Runs made of plain numbers, for the tests of comparing and gating."""

from __future__ import annotations

from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Case, Evaluation, Repeats
from llmops_git.evals.compare import compare
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration
from llmops_git.scorers.base import Score

BINARY = ScorerDeclaration(name="queue", use="exact", direction="higher", scale="binary", step=1.0)
GRADED = ScorerDeclaration(name="quality", use="judge", direction="higher", scale="ordinal", step=0.25)
HARM = ScorerDeclaration(name="harm", use="judge", direction="lower", scale="ordinal", step=0.25)
SETTINGS = GateSettings()
NOT_APPLICABLE = Score(state="not_applicable", explanation="no claims")
BROKEN = Score(state="not_measured", label="judge", explanation="the judge said nothing")


def evaluation_of(n, *, must_pass=(), gates=None, budgets=None, repeats=None, digest="eval"):
    return Evaluation(
        cases=tuple(
            Case(id=f"c{index}", inputs={"n": index}, expected=index, must_pass=f"c{index}" in must_pass) for index in range(n)
        ),
        scorers=(),
        repeats=repeats or Repeats(),
        gates=gates or {},
        budgets=budgets or {},
        cluster_by="",
        resolved={},
        digest=digest,
    )


def score_from(value):
    """A number is a measured score; None is the provider's error; a Score stands for itself."""
    return value if isinstance(value, Score) else Score(value=float(value))


def run_of(rows, *, declaration=BINARY, declarations=None, digest="head", eval_digest="eval", clusters=None, **fields):
    """A run from one row per case: a value, or one value per repeat; with `declarations`, each value is a tuple by scorer."""
    declarations = declarations or (declaration,)
    rows = [row if isinstance(row, list) else [row] for row in rows]
    samples = tuple(
        sample_of(f"c{index}", repeat, value, declarations, fields)
        for index, row in enumerate(rows)
        for repeat, value in enumerate(row)
    )
    return Run(
        config="router",
        config_digest=digest,
        eval_digest=eval_digest,
        provider="local",
        model="m",
        engine="e",
        started_at="2026-01-02T03:04:05Z",
        repeats=max(len(row) for row in rows),
        cases=tuple(f"c{index}" for index in range(len(rows))),
        must_pass=(),
        clusters=clusters or {},
        scorers=tuple(declarations),
        samples=samples,
    )


def sample_of(case, repeat, value, declarations, fields):
    extra = {name: each(case, repeat) if callable(each) else each for name, each in fields.items()}
    if value is None:
        return SampleResult(case=case, repeat=repeat, error="timeout", **extra)
    values = value if isinstance(value, tuple) else (value,)
    scores = {declaration.name: score_from(each) for declaration, each in zip(declarations, values, strict=True)}
    return SampleResult(case=case, repeat=repeat, output=f"{case}/{repeat}: {value}", scores=scores, **extra)


def compared(base_rows, head_rows, *, settings=SETTINGS, evaluation=None, against="merge base", instrument="head", **run):
    """A comparison of rows of values."""
    head = run_of(head_rows, **run)
    return compare(
        None if base_rows is None else run_of(base_rows, digest="base", **run),
        head,
        evaluation=evaluation or evaluation_of(len(head_rows)),
        settings=settings,
        against=against,
        base_name="main",
        instrument=instrument,
    )


def passes(count, of):
    """`count` passes, then failures, of so many cases."""
    return [1] * count + [0] * (of - count)
