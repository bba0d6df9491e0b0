"""The HTML report in a real browser: hostile texts stay text, cases are filtered and opened by keyboard, a phone has room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromium
import pytest
from rendered import hostile_report
from report_samples import several
from test_reports_html_steps import node
from test_reports_real import EVALUATED

from llmops_git.evals.values import Run
from llmops_git.reports.html import render_html
from llmops_git.reports.values import Report

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="needs chromium")

HOSTILE = (
    "</script><script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    '"><svg onload=window.hit=1><animate onbegin=window.hit=1 attributeName=x dur=1s>',
    "<style>body,main{display:none!important}</style></style>",
    "<a href='javascript:window.hit=1'>x</a> \u2028 \u202e \x1b[31m",
    "<iframe src=http://127.0.0.1:9/></iframe><!--<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "' autofocus onfocus=window.hit=1 x='",
    "{{ self.__init__ }}{% raw %}</details></table></main>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>" + "w" * 400,
)
DEVICES = {"desktop": 1200, "phone": 360}


def hostile_runs(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """The runs with a hostile text wherever a model, a judge or an author could have put one."""

    def told(sample: Any, number: int) -> Any:
        text = HOSTILE[number % len(HOSTILE)]
        scores = {name: replace(score, explanation=text, label=text) for name, score in sample.scores.items()}
        return replace(sample, output=text + str(number), scores=scores)

    return tuple(replace(run, samples=tuple(told(sample, number) for number, sample in enumerate(run.samples))) for run in runs)


def hostile_page() -> tuple[Report, str]:
    made = EVALUATED["worse"]
    runs = hostile_runs(made.configs[0].runs)
    [compared] = made.configs[0].comparisons[:1]
    case = runs[0].cases[3]
    traces = {
        (compared.base_digest, case): node(*HOSTILE[:3]),
        (compared.head_digest, case): node(*HOSTILE[3:]),
    }
    reports = [hostile_report(text) for text in HOSTILE]
    whole = replace(made, configs=(*made.configs, *(config for one in reports for config in one.configs)))
    return whole, render_html(whole, runs, notes=list(HOSTILE), traces=traces)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    with chromium.chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def opened(page: chromium.Page, folder: Path, text: str, *, width: int = 1200, scheme: str = "light") -> Path:
    path = folder / "report.html"
    path.write_text(text)
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.open(path.as_uri())
    return path


def unfold(page: chromium.Page) -> None:
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def plain() -> str:
    made = EVALUATED["worse"]
    return render_html(made, made.configs[0].runs)


def shown(page: chromium.Page) -> list[str]:
    """The cases that are to be seen."""
    found: list[str] = page.run(
        "[...document.querySelectorAll('.row')].filter((one) => !one.hidden).map((one) => one.innerText)"
    )
    return found


def test_texts_of_strangers_do_nothing_but_be_read(browser: chromium.Page, tmp_path: Path) -> None:
    whole, text = hostile_page()
    path = opened(browser, tmp_path, text)
    unfold(browser)
    browser.run("document.querySelectorAll('a').forEach((one) => one.click())")
    assert browser.run("window.hit === undefined && getComputedStyle(document.querySelector('main')).display !== 'none'")
    foreign = "main img, main iframe, main style, main script, main link, main animate, main meta, main a:not([href^=\\\\#])"
    assert [] == browser.run(f"[...document.querySelectorAll('{foreign}')].map((one) => one.outerHTML)".replace("\\\\", "\\\\"))
    handlers = "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter((one) => /^on|^style$|^autofocus$/.test(one.name))"
    assert 0 == browser.run(f"{handlers}.length")
    asked = [one["params"]["request"]["url"] for one in browser.events if one["method"] == "Network.requestWillBeSent"]
    assert {path.as_uri()} == {url.partition("#")[0] for url in asked}
    assert [] == [one["params"] for one in browser.events if one["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}]
    read = browser.run("document.querySelector('main').textContent")
    for hostile in HOSTILE:
        assert hostile.split()[0].rstrip("\u2028") in read
    assert len(whole.configs) == browser.run("document.querySelectorAll('h2[id^=config-]').length")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", DEVICES)
def test_nothing_is_wider_than_the_screen_and_everything_can_be_read(
    browser: chromium.Page, tmp_path: Path, device: str, scheme: str
) -> None:
    opened(browser, tmp_path, hostile_page()[1], width=DEVICES[device], scheme=scheme)
    unfold(browser)
    assert browser.run("document.documentElement.scrollWidth") <= DEVICES[device]
    assert browser.run("getComputedStyle(document.body).colorScheme") == "light dark"
    assert ("rgb(255, 255, 255)" if scheme == "light" else "rgb(15, 19, 24)") == browser.run(
        "getComputedStyle(document.body).backgroundColor"
    )
    weak = browser.run(CONTRAST)
    assert [] == weak, "WCAG AA: 4.5 to 1"


# the text elements whose contrast with what is behind them is below 4.5
CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = parts(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const weak = new Set();
  for (const one of document.querySelectorAll('main *:not(svg):not(svg *)')) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    const [high, low] = [light(parts(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) weak.add(one.tagName + '.' + one.className);
  }
  return [...weak];
})()"""


def test_cases_are_found_by_words_and_by_what_became_of_them(browser: chromium.Page, tmp_path: Path) -> None:
    opened(browser, tmp_path, plain())
    unfold(browser)
    everything = shown(browser)
    cases = EVALUATED["worse"].configs[0].runs[0].cases
    assert len(cases) == len(everything)
    counts = browser.run("[...document.querySelectorAll('.filter button')].map((one) => one.textContent)")
    assert "All" == counts[0]
    for number, words in enumerate(counts[1:], 1):
        browser.run(f"document.querySelectorAll('.filter button')[{number}].click()")
        assert int(words.split()[-1].replace(",", "")) == len(shown(browser)) < len(everything), words
    browser.run("document.querySelectorAll('.filter button')[0].click()")
    browser.run("document.querySelector('.filter input').focus()")
    for key in "case-07":
        browser.press(key)
    assert ["case-07"] == [text.split()[0] for text in shown(browser)]
    assert f"1 of {len(cases)} cases" == browser.run("document.querySelector('.filter output').textContent")


def test_the_keyboard_is_enough(browser: chromium.Page, tmp_path: Path) -> None:
    opened(browser, tmp_path, plain())
    browser.run("document.querySelector('details.all > summary').focus()")
    browser.press("Enter")
    assert browser.run("document.querySelector('details.all').open")
    browser.press("Tab")
    assert browser.run("document.activeElement.matches('.filter input')")
    browser.press("Tab")
    browser.press("Tab")
    browser.press(" ")
    assert browser.run("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert 0 < len(shown(browser)) < len(EVALUATED["worse"].configs[0].runs[0].cases)
    assert "none" != browser.run("getComputedStyle(document.activeElement).outlineStyle"), "where the focus is can be seen"
    browser.run("document.querySelector('.row:not([hidden]) > summary').focus()")
    browser.press("Enter")
    assert browser.run(
        "document.activeElement.parentElement.open && document.activeElement.parentElement.innerText.includes('answered')"
    )


def test_without_its_script_everything_is_there(browser: chromium.Page, tmp_path: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(browser, tmp_path, plain())
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    unfold(browser)
    assert "none" == browser.run("getComputedStyle(document.querySelector('.filter')).display")
    assert len(EVALUATED["worse"].configs[0].runs[0].cases) == len(shown(browser))


def test_a_report_of_several_configs_is_read_top_down(browser: chromium.Page, tmp_path: Path) -> None:
    opened(browser, tmp_path, render_html(several(), ()))
    browser.run("document.querySelector('table a').click()")
    assert browser.run("location.hash") == "#config-1"
    tops = browser.run("[...document.querySelectorAll('h1, h2')].map((one) => one.getBoundingClientRect().top + scrollY)")
    assert tops == sorted(tops)
