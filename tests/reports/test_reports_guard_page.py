"""The page on which people label live texts, in a real browser: hostile texts stay text, nothing is loaded, and what is
downloaded is a suite."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import chromium
import pytest
from test_reports_review_page import HOSTILE

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.guardrails.suites import read_suite
from llmops_git.reports.guard_page import render_guard_review

NAME = "reviewed-pii-0.jsonl"


def rows() -> list[dict[str, Any]]:
    return [
        {"id": f"live-{number}", "text": text, "family": "reviewed", "side": "input", "source": {"trace": f"{number:032x}"}}
        for number, text in enumerate(HOSTILE)
    ]


def test_texts_of_strangers_cannot_end_the_element_that_holds_them() -> None:
    page = render_guard_review("pii", rows(), name=NAME, place="guardrails/suites/reviewed-pii.jsonl")
    assert 2 == page.count("</script>")
    assert not re.search(r"\b(?:src|href)\s*=\s*['\"]?http", page.partition('id="data"')[0])
    assert "default-src 'none'" in page


@pytest.mark.skipif(chromium.PROGRAM is None, reason="needs chromium")
def test_a_person_labels_with_the_keyboard_and_adds_the_download_to_the_suite(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "review.html"
    path.write_text(render_guard_review("pii", rows(), name=NAME, place="guardrails/suites/reviewed-pii.jsonl"))
    with chromium.chromium(tmp_path) as page:
        page.open(path.as_uri())
        page.run("document.getElementById('who').value = 'Ann B <ann@example.com>'")
        assert HOSTILE[0] == page.run("document.querySelector('.side pre').textContent")
        for key in "121 b2":  # past the fourth without a word, back, and benign after all
            page.press(key)
        assert "4 of 6 labelled" == page.run("document.getElementById('count').textContent")
        for key in "12":
            page.press(key)
        lines = page.run("document.getElementById('lines').value")
        asked = [event["params"]["request"]["url"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
        assert [path.as_uri()] == asked
        assert page.run("window.hit === undefined && getComputedStyle(document.body).display !== 'none'")
        assert [] == page.run("[...document.querySelectorAll('main img, main svg, main iframe, main style, main script')]")
        problems = [
            event["params"] for event in page.events if event["method"] in {"Runtime.exceptionThrown", "Log.entryAdded"}
        ]
        assert [] == problems
        page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "got"), eventsEnabled=True)
        page.run("document.getElementById('download').click()")
        while page.wait("Browser.downloadProgress")["params"]["state"] == "inProgress":
            page.events[:] = [event for event in page.events if event["method"] != "Browser.downloadProgress"]
        page.open(path.as_uri())
        assert lines == page.run("document.getElementById('lines').value"), "what was said is still there"
    download = tmp_path / "got" / NAME
    assert lines == download.read_text()
    assert lines.isascii()
    assert [] == [error.message for line in lines.splitlines() for error in validator("suite").iter_errors(json.loads(line))]
    (repository / "guardrails").mkdir()
    (repository / "guardrails" / "pii.yaml").write_text("rules: {mail: {use: regex, pattern: '@'}}\n")
    monkeypatch.chdir(repository)
    assert 0 == run(["guardrails", "review", "pii", "--add", str(download)])
    assert 0 == run(["guardrails", "review", "pii", "--add", str(download)]), "again adds nothing"
    added = read_suite("reviewed-pii.jsonl", (repository / "guardrails/suites/reviewed-pii.jsonl").read_bytes())
    assert () == added.problems
    assert list(HOSTILE[: len(added.texts)]) == [text.text for text in added.texts]
    assert "Ann B <ann@example.com>" == added.texts[0].source["who"]
