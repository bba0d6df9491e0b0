"""From samples to a comment: what the comparison and the gate really say is what the report shows."""

from __future__ import annotations

import json

import pytest
from rendered import ALLOWED, page_of
from report_samples import BASE, BASE_DIGEST, CHANGE, EVAL_DIGEST, HEAD, HEAD_DIGEST, HOW, RELEASE, SPENDING

from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Case, Evaluation, Repeats, ScorerGate
from llmops_git.evals.compare import compare
from llmops_git.evals.gate import decide
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration
from llmops_git.reports.json_report import report_document, report_from_document
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.terminal import render_report
from llmops_git.reports.values import ConfigReport, Report
from llmops_git.scorers.base import Score

QUEUE = ScorerDeclaration(name="queue", use="exact", direction="higher", scale="binary", step=1.0)


def measured(digest: str, passes: list[bool | None], *, cost: float = 0.001) -> Run:
    samples = tuple(
        SampleResult(case=f"case-{index:02}", repeat=0, error="rate_limit")
        if passed is None
        else SampleResult(
            case=f"case-{index:02}",
            repeat=0,
            output="billing" if passed else "general",
            latency_seconds=0.4,
            cost_usd=cost,
            scores={"queue": Score(value=float(passed))},
        )
        for index, passed in enumerate(passes)
    )
    return Run(
        config="support-router",
        config_digest=digest,
        eval_digest=EVAL_DIGEST,
        provider="local",
        model="m",
        engine="e",
        started_at="2026-11-23T10:15:00Z",
        repeats=1,
        cases=tuple(f"case-{index:02}" for index in range(len(passes))),
        must_pass=(),
        clusters={},
        scorers=(QUEUE,),
        samples=samples,
    )


def evaluated(
    base: list[bool | None] | None, head: list[bool | None], *, must_pass: bool = False, cost: float = 0.001
) -> Report:
    """The report of 50 cases, of which the first must pass where asked, against merge base and production."""
    cases = tuple(
        Case(
            id=f"case-{index:02}", inputs={"message": f"message {index}"}, expected="billing", must_pass=must_pass and not index
        )
        for index in range(len(head))
    )
    evaluation = Evaluation(
        cases=cases,
        scorers=(),
        repeats=Repeats(),
        gates={"queue": ScorerGate()},
        budgets={"cost": 1.1},
        cluster_by="",
        resolved={},
        digest=EVAL_DIGEST,
    )
    runs = [measured(HEAD_DIGEST, head, cost=cost)]
    if base is not None:
        runs.append(measured(BASE_DIGEST, base))
    comparisons = [
        compare(
            runs[1] if base is not None else None,
            runs[0],
            evaluation=evaluation,
            settings=GateSettings(),
            against=against,
            base_name=name,
            instrument="head",
        )
        for against, name in ((("merge base", BASE), ("production", RELEASE)) if base is not None else (("nothing", ""),))
    ]
    decision = decide(comparisons, settings=GateSettings())
    one = ConfigReport(
        change=CHANGE,
        comparisons=decision.comparisons,
        runs=tuple(runs),
        verdict=decision.verdicts["support-router"],
        gate_passes=decision.passes["support-router"],
    )
    return Report(
        base=BASE,
        head=HEAD,
        configs_total=3,
        configs=(one,),
        verdict=decision.verdict,
        gate_passes=decision.gate_passes,
        spending=SPENDING,
        how=HOW,
    )


def passes(count: int, of: int = 50) -> list[bool | None]:
    return [True] * count + [False] * (of - count)


EVALUATED = {
    "worse": evaluated(passes(48), passes(30)),
    "better": evaluated(passes(30), passes(48)),
    "same": evaluated(passes(40), passes(40)),
    "must pass": evaluated(passes(48), [False, *passes(48)[1:]], must_pass=True),
    "dearer": evaluated(passes(40), passes(40), cost=0.002),
    "errors": evaluated(passes(48), [None] * 20 + passes(28, 30)),
    "new": evaluated(None, passes(45)),
    "small": evaluated(passes(3, 4), passes(2, 4)),
}
TITLES = {
    "worse": "Regressed: do not merge",
    "better": "Improved: ship it",
    "same": "Unchanged: safe to merge",
    "must pass": "1 hard rule broken: do not merge",
    "dearer": "1 hard rule broken: do not merge",
    "errors": "Not measured: no verdict, do not merge yet",
    "new": "New, and it breaks no rule: safe to merge",
    "small": "Inconclusive: this eval cannot tell, and does not block",
}


@pytest.mark.parametrize("name", EVALUATED)
def test_a_real_comparison_has_the_verdict_in_words(name):
    assert TITLES[name] in render_comment(EVALUATED[name]).split("\n")[1]
    assert TITLES[name] in render_report(EVALUATED[name], color=False, width=100).split("\n")[0]


@pytest.mark.parametrize("name", EVALUATED)
def test_a_real_report_survives_json_and_the_renderer(name):
    document = json.loads(json.dumps(report_document(EVALUATED[name])))
    comment = render_comment(report_from_document(document))
    assert render_comment(EVALUATED[name]) == comment
    assert {tag.removeprefix("/") for tag in page_of(comment).tags} <= ALLOWED


def test_the_numbers_of_the_runs_are_the_numbers_of_the_table():
    comment = render_comment(EVALUATED["worse"])
    row = next(line for line in comment.split("\n") if line.startswith("| <code>queue"))
    cells = row.strip("| ").split(" | ")
    assert ["96.0\u00a0%", "60.0\u00a0%", "\u221236.0\u00a0pts"] == cells[1:4]
    assert ["50", "18\u00a0/\u00a00", "\u274c regressed"] == cells[5:8]
    assert "18 cases got worse, 0 got better" in comment
    assert "- billing\n+ general" in comment


def test_production_with_the_same_digest_is_folded_into_the_merge_base():
    assert 1 == render_comment(EVALUATED["worse"]).count("| verdict |")


def test_an_interval_that_could_not_be_computed_is_not_shown():
    assert "\u221225.0 pts against the merge base" in render_comment(EVALUATED["small"]).split("\n")[3]


def test_a_failed_must_pass_case_is_named_first():
    assert "case-00" in render_comment(EVALUATED["must pass"]).split("\n")[3]


def test_a_proven_budget_breach_is_in_the_table():
    assert "| $1.00 | $2.00 | +100.0\u00a0%" in render_comment(EVALUATED["dearer"])


def test_errors_are_counted_by_class():
    assert "30 of 50 pairs measured (20 x <code>rate&#95;limit</code>)" in render_comment(EVALUATED["errors"])
