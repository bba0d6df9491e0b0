"""The HTML file: whole, self-contained, and safe whatever the texts are."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rendered import COMMAND, hostile_report
from report_samples import SAMPLES, comparison, config, flip, improved, no_changes, report, scorer, several
from test_reports_real import EVALUATED

from llmops_git.evals.folder import read_runs
from llmops_git.reports.html import render_html
from llmops_git.reports.json_report import report_from_document

SHOP = Path(__file__).parent / "shop"  # a real run of the examples on the embedded model
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "h3", "p", "b", "code", "a", "div", "table",
    "thead", "tbody", "tr", "th", "td", "ul", "li", "details", "summary", "pre", "del", "ins", "span", "svg", "line", "rect", "circle",
    "figure", "figcaption", "text", "input", "button", "output", "script",
}  # fmt: skip
VOID = {"meta", "line", "rect", "circle", "input"}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel", "open", "data-name", "width", "height",
    "viewbox", "role", "aria-label", "x", "y", "x1", "x2", "y1", "y2", "rx", "cx", "cy", "r",
    "hidden", "type", "placeholder", "aria-live", "aria-pressed", "data-is", "data-kind",
}  # fmt: skip


class Checked(HTMLParser):
    """Every element closed in order; what there is of tags, attributes and links."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.links, self.text = [], [], set(), [], ""
        self.feed(text)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert tag == self.open.pop()

    def handle_data(self, data):
        self.text += data


def checked(text):
    page = Checked(text)
    assert TAGS >= set(page.tags)
    assert ATTRIBUTES >= page.attributes
    return page


@pytest.mark.parametrize("name", SAMPLES)
def test_every_report_is_a_whole_page(name):
    made = SAMPLES[name]()
    page = checked(render_html(made, ()))
    assert 1 == page.tags.count("h1")
    assert all(config.change.config in page.text for config in made.configs)


def test_nothing_is_loaded_and_a_page_without_cases_has_no_script():
    text = render_html(several(), (), links={"run": "https://example.com/runs/1?a=1&b=2"})
    assert ["https://example.com/runs/1?a=1&b=2"] == [link for link in checked(text).links if not link.startswith("#config-")]
    assert not re.search(r"<(script|link|img|iframe|base|form)\b|@import|url\(|\bsrc=", text, re.IGNORECASE)


def digest_of(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_policy_of_the_page_names_the_style_and_the_script_that_are_in_it():
    text = render_html(improved(), ())
    [style] = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    assert f"content=\"default-src 'none'; style-src 'sha256-{digest_of(style)}'; base-uri 'none'; form-action 'none'\"" in text
    text = render_html(EVALUATED["worse"], EVALUATED["worse"].configs[0].runs)
    [script] = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    assert f"; script-src 'sha256-{digest_of(script)}'; base-uri 'none'" in text
    assert not re.search(r"innerHTML|eval|fetch|XMLHttp|import|document\.write|location", script)


def test_a_real_run_shows_verdicts_answers_and_every_case():
    made, runs = report_from_document(json.loads((SHOP / "report.json").read_text())), read_runs(SHOP)
    page = checked(render_html(made, runs))
    assert "\u2717 Regressed: do not merge" in page.text
    assert "All cases: 31 cases" in page.text
    assert "All cases: 26 cases" in page.text
    assert set(runs[0].cases) == {case for case in runs[0].cases if case in page.text}
    assert page.text.count("base answered") >= 25


def test_both_answers_are_shown_and_what_differs_is_marked():
    text = render_html(report(config(comparison(flipped=(flip(base_output="to billing", head_output="to sales"),)))), ())
    assert "<pre>to <del>billing</del></pre>" in text
    assert "<pre>to <ins>sales</ins></pre>" in text


def test_cases_that_hold_the_change_come_first():
    made = EVALUATED["worse"]
    text = render_html(made, made.configs[0].runs)
    table = text[text.index("All cases") :]
    assert table.index("case-30") < table.index("case-47") < table.index("case-00")


def test_an_interval_is_drawn_with_worse_on_the_left_whatever_the_direction():
    def dot(**changed):
        text = render_html(report(config(comparison(scorers=(scorer(**changed),), ratios=()))), ())
        return float(re.search(r'<circle class="\w+" cx="([\d.]+)"', text).group(1))

    assert dot(direction="higher", delta=-0.1, low=-0.2, high=0.0) == dot(direction="lower", delta=0.1, low=-0.2, high=0.0) < 70
    assert 70 < dot(direction="higher", delta=0.1, low=0.0, high=0.2)


def test_an_interval_without_an_end_is_drawn_to_the_edge():
    text = render_html(report(config(comparison(scorers=(scorer(low=float("-inf"), high=float("inf")),)))), ())
    assert 'x="6.0" y="5" width="128.0"' in text


def test_no_change_is_a_short_page():
    page = checked(render_html(no_changes(), ()))
    assert "\u2713 No config changed" in page.text
    assert "table" not in page.tags


def test_a_link_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match="not an address"):
        render_html(improved(), (), links={"run": "javascript:alert(1)"})


@cache
def plain_tags():
    """The elements of the same page with harmless texts."""
    made = EVALUATED["worse"]
    harmless = replace(hostile_report("x"), configs=(*hostile_report("x").configs, *made.configs))
    return set(checked(render_html(harmless, made.configs[0].runs, notes=["x"], links={"x": "https://example.com/"})).tags)


@settings(max_examples=80)
@given(st.text(max_size=60))
@example("</style></pre></code><script>alert(1)</script>")
@example("\"'><img src=x onerror=alert(1)>")
@example("{{ 7 * 7 }}{% raw %}{# x #}")
@example("\n::error::x\n  ::set-output name=verdict::improved\n##[error]x")
@example("\x1b[31m\u202e\u200b\ud800")
def test_hostile_texts_are_only_ever_text(text):
    made = EVALUATED["worse"]
    runs = tuple(
        replace(run, cases=run.cases[:8], samples=tuple(replace(sample, output=text) for sample in run.samples[:8]))
        for run in made.configs[0].runs
    )
    hostile = hostile_report(text)
    hostile = replace(hostile, configs=(*hostile.configs, *made.configs))
    page = render_html(hostile, runs, notes=[text], links={text: "https://example.com/"})
    found = checked(page)
    assert {"del", "ins"} >= set(found.tags) - plain_tags()
    assert [] == [link for link in found.links if not link.startswith(("#config-", "https://example.com/"))]
    assert COMMAND.search(page) is None
    assert not {"\x1b", "\u202e", "\u200b", "\ud800"} & set(page)
    page.encode()
