"""All cases on the page: what is shown of each, what is filtered by, what is left out and said, and how differences lie."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from report_samples import comparison, config, report, scorer
from test_reports_html_steps import node
from test_reports_real import EVALUATED

from llmops_git.evals.values import Run
from llmops_git.reports import html_cases
from llmops_git.reports.html import render_html
from llmops_git.scorers.base import Score

WORSE = EVALUATED["worse"]
COMPARED = WORSE.configs[0].comparisons[0]
BASE, HEAD = (
    {run.config_digest: run for run in WORSE.configs[0].runs}[digest] for digest in (COMPARED.base_digest, COMPARED.head_digest)
)
RUNS = (BASE, HEAD)


def page(runs: tuple[Run, ...] = RUNS, **options: object) -> str:
    return render_html(WORSE, runs, **options)  # type: ignore[arg-type]


def entry(text: str, case: str) -> str:
    """The part of the page about one case, of all cases."""
    table = text[text.index("All cases") :]
    start = table.index(f"<summary><code>{case}</code>")
    return table[start : table.find('<details class="row"', start) % len(table)]


def kinds(text: str, case: str) -> list[str]:
    [found] = re.findall(rf'data-is="([a-z ]*)"><summary><code>{case}</code>', text)
    return found.split()


def with_samples(run: Run, **changes: object) -> Run:
    return replace(run, samples=tuple(replace(sample, **changes) for sample in run.samples))


def test_each_case_opens_to_both_answers_with_the_words_that_differ() -> None:
    base, head = with_samples(RUNS[0], output="to the billing team"), with_samples(RUNS[1], output="to the sales team")
    found = entry(page((base, head)), "case-00")
    assert "<pre>to the <del>billing</del> team</pre>" in found
    assert "<pre>to the <ins>sales</ins> team</pre>" in found


def test_what_a_judge_said_of_either_side_stands_under_the_answers() -> None:
    def judged(run: Run, said: str) -> Run:
        samples = tuple(
            replace(sample, scores={name: replace(score, explanation=said) for name, score in sample.scores.items()})
            for sample in run.samples
        )
        return replace(run, samples=samples)

    text = page((judged(RUNS[0], "It names the team."), judged(RUNS[1], "It asks again.")))
    found = entry(text, "case-00")
    assert "<b>queue of the base</b><pre>It names the team.</pre>" in found
    assert "<b>queue of this change</b><pre>It asks again.</pre>" in found
    flips = text[: text.index("All cases")]
    assert "<b>queue of this change</b><pre>It asks again.</pre>" in flips, "flipped cases have their reasons as well"


def test_a_case_is_filtered_by_what_became_of_it() -> None:
    text = page()
    flipped = {flip.case: flip.better for flip in COMPARED.flipped}
    for case in RUNS[0].cases:
        expected = {"same"} if case not in flipped else {"better"} if flipped[case] else {"failed", "worse"}
        assert expected == set(kinds(text, case)) - {"must"}, case
    said = dict(re.findall(r'data-kind="(\w+)" aria-pressed="false">[A-Za-z ]+ (\d+)<', text))
    assert {"same": str(len(RUNS[0].cases) - len(flipped))}.items() <= said.items()


def test_a_sample_that_is_not_measured_is_found_and_says_why() -> None:
    samples = tuple(
        replace(sample, error="timeout", scores={}) if sample.case == "case-01" else sample for sample in RUNS[1].samples
    )
    text = page((RUNS[0], replace(RUNS[1], samples=samples)))
    assert "missing" in kinds(text, "case-01")
    assert "timeout" in entry(text, "case-01")
    assert 'data-kind="missing"' in text


def test_steps_are_with_the_case_and_of_a_flipped_case_only_once() -> None:
    flipped = COMPARED.flipped[0].case
    calm = next(case for case in RUNS[0].cases if case not in {flip.case for flip in COMPARED.flipped})
    traces = {
        (digest, case): node("one", word)
        for case in (flipped, calm)
        for digest, word in ((COMPARED.base_digest, "two"), (COMPARED.head_digest, "three"))
    }
    text = page(traces=traces)
    assert 2 == text.count("they first differ in step 2")
    assert "they first differ in step 2" in entry(text, calm)
    assert "they first differ" not in entry(text, flipped)


def test_what_does_not_fit_keeps_its_scores_and_says_where_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_cases, "_CHARS", 50)
    long = tuple(with_samples(run, output="word " * 100) for run in RUNS)
    monkeypatch.setattr(html_cases.Room.__init__, "__defaults__", (400,))
    text = page(long)
    assert text.count("Its answers are in run.json") > 10
    assert text.count("word word") < 40
    assert len(RUNS[0].cases) == text.count('<details class="row"')
    monkeypatch.setattr(html_cases, "MOST_CASES", 7)
    text = page(long)
    assert 7 == text.count('<details class="row"')
    assert f"and {len(RUNS[0].cases) - 7} more cases in run.json" in text


def test_repeats_that_answered_differently_are_all_there_up_to_three() -> None:
    run = RUNS[1]
    several = tuple(replace(run.samples[0], repeat=number, output=f"answer {number}") for number in range(5))
    text = entry(page((RUNS[0], replace(run, samples=(*several, *run.samples[1:])))), run.samples[0].case)
    plain = re.sub("<[^>]+>", "", text)
    assert [True, True, True, False] == [f"answer {number}" in plain for number in range(4)]
    assert "2 more answers" in plain


def test_a_config_with_nothing_to_compare_with_has_one_side() -> None:
    alone = replace(COMPARED, against="nothing", base_digest="", flipped=())
    made = replace(WORSE, configs=(replace(WORSE.configs[0], comparisons=(alone,)),))
    text = render_html(made, made.configs[0].runs)
    assert "base answered" not in text[text.index("All cases") :]
    assert "this change answered" in text


def bars(text: str) -> list[tuple[str, int]]:
    picture = text[text.index('<svg class="differences"') :].partition("</svg>")[0]
    return [
        (level, int(count)) for level, count in re.findall(r'<rect class="(\w+)" x="[^>]*/><text [^>]*>(\d+)</text>', picture)
    ]


def test_the_differences_of_the_cases_are_drawn_worse_on_the_left() -> None:
    [drawn] = [bars(page())]
    scored = COMPARED.scorers[0]
    assert [("bad", scored.worse), ("same", scored.same), *([("good", scored.better)] if scored.better else [])] == drawn
    words = f"{scored.worse} worse, {scored.same} the same, {scored.better} better"
    assert 2 == page().count(words), "seen, and read aloud"


def test_where_lower_is_better_more_is_drawn_on_the_left() -> None:
    turned = replace(COMPARED, scorers=tuple(replace(one, direction="lower") for one in COMPARED.scorers))
    made = replace(WORSE, configs=(replace(WORSE.configs[0], comparisons=(turned,)),))
    worse, better = COMPARED.scorers[0].worse, COMPARED.scorers[0].better
    drawn = dict(bars(render_html(made, RUNS)))
    assert (worse, better) == (drawn.get("good", 0), drawn.get("bad", 0))


def test_graded_differences_lie_in_as_many_bars_as_they_need() -> None:
    def graded(run: Run, step: float) -> Run:
        samples = tuple(
            replace(sample, scores={"queue": Score(value=0.5 + step * (number % 3))})
            for number, sample in enumerate(run.samples)
        )
        return replace(run, samples=samples)

    drawn = bars(page((graded(RUNS[0], 0.0), graded(RUNS[1], 0.2))))
    assert ["same", "good", "good"] == [level for level, _ in drawn]
    assert len(RUNS[0].cases) == sum(count for _, count in drawn)


def test_a_page_without_runs_draws_no_differences() -> None:
    text = render_html(report(config(comparison(scorers=(scorer(),)))), ())
    assert 'class="differences"' not in text
    assert "<script" not in text
