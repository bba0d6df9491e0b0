"""The dashboard's page in a real browser: hostile names stay text, nothing is loaded, every point leads to its traces."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import chromium
import pytest

from llmops_git.monitoring.board.panels import Found, panels_of
from llmops_git.monitoring.board.values import Board, Example, Line, Marker, Point, ReleaseRow, StepRow, UserRow
from llmops_git.reports.dashboard_page import render_dashboard

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\u202e"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SINCE = NOW - timedelta(days=10)
OLD, NEW = "llmops/router/v1.0.0", "llmops/router/v1.1.0"
TRACE = "ab" * 16


def board(name: str = "router", text: str = "triage") -> Board:
    panels = panels_of(
        Found(scorers=("faithful",), signals=("thumbs_down",), rules=(("pii", text),), first_tokens=True, costs=True)
    )

    def points(first: int, level: float) -> tuple[Point, ...]:
        return tuple(
            Point(moment=SINCE + timedelta(days=day), n=100, value=level + day / 1000, low=level - 0.01, high=level + 0.05)
            for day in range(first, first + 5)
        )

    lines = [
        Line(panel=number, metric=metric, config=name, release=release, feature=feature, points=points(first, level))
        for number, panel in enumerate(panels)
        for metric in panel.metrics
        for release, first, level in ((OLD, 0, 0.5), (NEW, 5, 0.8))
        for feature in (None, text)
    ]
    return Board(
        since=SINCE,
        until=NOW,
        bucket="day",
        spans=5000,
        panels=panels,
        lines=tuple(lines),
        releases=(
            ReleaseRow(
                config=name, release=NEW, first=SINCE, last=NOW, requests=500, values={"error_rate": 0.02, "latency.p95": None}
            ),
            ReleaseRow(
                config=name, release=OLD, first=SINCE, last=NOW, requests=500, values={"error_rate": 0.01, "latency.p95": 9.0}
            ),
        ),
        release_metrics=("error_rate", "latency.p95"),
        users=(UserRow(config=name, user=text, requests=10, errors=1, cost_usd=None, tokens=5, thumbs_down=2),),
        examples=tuple(
            Example(
                pick=pick,
                moment=SINCE + timedelta(days=9),
                config=name,
                release=NEW,
                feature=text,
                trace_id=TRACE,
                ts=NOW,
                value=1234.0,
            )
            for pick in dict.fromkeys(panel.pick for panel in panels)
        ),
        steps={
            TRACE: (
                StepRow(name=text, depth=0, duration_ms=3, facts=text),
                StepRow(name="chat", depth=1, duration_ms=2, facts="", failed=True),
            )
        },
        markers=(Marker(config=name, release=NEW, moment=SINCE + timedelta(days=5), what="deployed"),),
        notes=("a note",),
    )


def test_names_of_strangers_cannot_end_the_element_that_holds_them() -> None:
    page = render_dashboard(board(HOSTILE, HOSTILE), store=HOSTILE)
    assert 2 == page.count("</script>")
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert "\u202e" not in json.dumps(data, ensure_ascii=False)
    assert "default-src 'none'" in page
    assert "http" not in page.partition('id="data"')[0].replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


@pytest.mark.skipif(chromium.PROGRAM is None, reason="needs chromium")
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_point_leads_to_its_traces_with_the_keyboard(tmp_path: Path, colours: str) -> None:
    file = tmp_path / "dashboard.html"
    file.write_text(render_dashboard(board(HOSTILE, HOSTILE), store=HOSTILE), encoding="utf-8")
    with chromium.chromium(tmp_path) as page:
        page.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        page.open(file.as_uri())
        assert page.run("document.documentElement.scrollWidth") <= 390
        cards = page.run("document.querySelectorAll('.card').length")
        assert len(board().panels) == cards
        for number in range(cards):
            page.run(f"document.querySelectorAll('.card svg')[{number}].focus()")
            page.call("Input.dispatchKeyEvent", type="keyDown", key="End", code="End")
            page.press("Enter")
            assert page.run("!document.getElementById('detail').hidden")
            assert TRACE == page.run("document.querySelector('#detail summary code').textContent")
            assert f"llmops-git traces show {TRACE}" in page.run("document.getElementById('detail').textContent")
            assert 2 == page.run("document.querySelectorAll('#detail .tree li').length")
            page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape")
            assert page.run("document.getElementById('detail').hidden")
        assert page.run("window.hit === undefined && document.images.length === 0")
        loaded = [event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
        assert [file.as_uri()] == loaded
        assert [] == [event for event in page.events if event["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}]


@pytest.mark.skipif(chromium.PROGRAM is None, reason="needs chromium")
def test_a_feature_is_looked_at_by_itself_and_an_empty_page_says_how_to_begin(tmp_path: Path) -> None:
    file, empty, bare = (tmp_path / f"{name}.html" for name in ("dashboard", "empty", "bare"))
    (row, *_) = board().releases
    unreleased = replace(board(), releases=(replace(row, release=f"sha256:{'ab' * 32}"),))
    bare.write_text(render_dashboard(unreleased, store="x"), encoding="utf-8")
    file.write_text(render_dashboard(board(), store="x", live=True), encoding="utf-8")
    empty.write_text(render_dashboard(Board(since=SINCE, until=NOW, bucket="day", spans=0), store="x"), encoding="utf-8")
    with chromium.chromium(tmp_path) as page:
        page.open(file.as_uri())
        chosen = "(() => { const s = document.getElementById('feature'); s.value = s.options[1].value; s.dispatchEvent(new Event('change')); return s.options[1].text; })()"
        assert "triage" == page.run(chosen)
        assert page.run("document.querySelectorAll('.card').length") > 5
        assert "+100 %" == page.run("document.querySelector('#releases .change').textContent")
        assert "change worse" == page.run("document.querySelector('#releases .change').className")
        page.run("document.querySelector('.card svg .hit').dispatchEvent(new MouseEvent('click'))")
        assert "No trace of this kind is in that time." == page.run("document.getElementById('detail-traces').textContent")
        page.run(
            "[...document.querySelectorAll('.card svg')][0].querySelectorAll('.hit')[9].dispatchEvent(new MouseEvent('click'))"
        )
        assert page.run("document.querySelector('#detail a').href").endswith(f"/trace/{TRACE}")
        page.open(bare.as_uri())
        assert "unreleased abababab" == page.run("document.querySelector('#releases td').textContent")
        page.open(empty.as_uri())
        assert page.run("!document.getElementById('empty').hidden && document.getElementById('board').hidden")
