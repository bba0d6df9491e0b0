"""The page for labels, in a real browser: hostile texts stay text, nothing is loaded, and what is exported is a label file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import chromium
import pytest

from llmops_git.configs.schema import validator
from llmops_git.configs.values import Case
from llmops_git.evals.people.items import Item, Output, Question, ReviewSample, inputs_digest
from llmops_git.evals.people.labels import Drawn, file_name, parse_labels, text_digest
from llmops_git.reports.review_page import render_review

HOSTILE = (
    "</script><script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    '"><svg onload=window.hit=1>',
    "<style>body{display:none}</style>@DATA@ @SCRIPT@",
    "<a href='javascript:window.hit=1'>x</a> \u2028 \u202e \x1b[31m",
    "<iframe src=http://127.0.0.1:9/></iframe><!--",
)


def sample() -> ReviewSample:
    question = Question(config="router", scorer="helpful", judge="helpful", labels={"pass": 1.0, "fail": 0.0}, text=HOSTILE[0])
    items = []
    for number, text in enumerate(HOSTILE):
        other = f"answer {number}"
        outputs = tuple(Output(digest=text_digest(one), text=one, shown=place) for place, one in enumerate((text, other), 1))
        case = Case(id=f"case {text}", inputs={"message": text}, expected=text)
        items.append(Item(question=question, case=case, outputs=outputs, drawn=Drawn(sample="abc", stratum="other", of=6)))
    return ReviewSample(name="abc", question=question, items=tuple(items), cases=6)


def test_texts_of_strangers_cannot_end_the_element_that_holds_them() -> None:
    page = render_review([sample()])
    assert 2 == page.count("</script>")
    assert not re.search(r"\b(?:src|href)\s*=\s*['\"]?http", page.partition('id="data"')[0])
    assert "default-src 'none'" in page


@pytest.mark.skipif(chromium.PROGRAM is None, reason="needs chromium")
def test_a_person_labels_with_the_keyboard_and_exports_a_label_file(tmp_path: Path) -> None:
    made = sample()
    path = tmp_path / "review.html"
    path.write_text(render_review([made]))
    with chromium.chromium(tmp_path) as page:
        page.open(path.as_uri())
        page.run("document.getElementById('who').value = 'Ann B <ann@example.com>'")
        assert HOSTILE[0] == page.run("document.querySelector('.side pre').textContent")
        for key in "12" * len(HOSTILE):
            page.press(key)
        lines = page.run("document.getElementById('lines').value")
        place = page.run("document.getElementById('place').textContent")
        assert "12 of 12 labelled" == page.run("document.getElementById('count').textContent")
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
    name = file_name("abc", "Ann B <ann@example.com>")
    assert f"labels/helpful/{name}" == place
    assert lines == (tmp_path / "got" / name).read_text()
    labels = parse_labels(lines.encode(), name)
    assert [] == [error.message for line in lines.splitlines() for error in validator("label").iter_errors(json.loads(line))]
    assert [label.output for label in labels] == [output.digest for item in made.items for output in item.outputs]
    assert ["pass", "fail"] * len(HOSTILE) == [label.label for label in labels]
    assert [inputs_digest(item.case) for item in made.items for _ in item.outputs] == [label.inputs for label in labels]
    assert {item.case.id for item in made.items} == {label.case for label in labels}
