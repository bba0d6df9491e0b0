"""The bot and the one-liner of the page on review bots, run as they are printed there."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "review-bots.md").read_text()
RUN = ROOT / "tests" / "reports" / "shop" / "report.json"
CASES = ("return-window", "damaged-photo")


def printed(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return found


def reviewed(report: Path, folder: Path) -> dict[str, str]:
    bot = folder / "review_bot.py"
    bot.write_text(printed("python"))
    done = subprocess.run([sys.executable, "-I", bot, report], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def changed(folder: Path, **values: object) -> Path:
    """The report of the real run with other values at its top."""
    file = folder / "report.json"
    file.write_text(json.dumps({**json.loads(RUN.read_text()), **values}))
    return file


def test_the_report_it_reads_is_of_the_published_schema() -> None:
    schema = json.loads((ROOT / "schemas" / "report.schema.json").read_text())
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(RUN.read_text()))]


def test_the_bot_asks_for_changes_where_the_gate_says_no(tmp_path: Path) -> None:
    review = reviewed(RUN, tmp_path)
    assert ("REQUEST_CHANGES", json.loads(RUN.read_text())["head"]) == (review["event"], review["commit_id"])
    assert "**<code>help-answer</code>: regressed**" in review["body"]
    assert "- <code>answer</code> 0.645 to 0.129 over 31 cases, could not have seen less than 0.307" in review["body"]
    assert all(f"- look at <code>{case}</code>: answered <code>" in review["body"] for case in CASES)


def test_the_bot_approves_only_what_is_proven(tmp_path: Path) -> None:
    improved = [config for config in json.loads(RUN.read_text())["configs"] if config["verdict"] == "improved"]
    proven = changed(tmp_path, configs=improved, verdict="improved", gate_passes=True)
    assert "APPROVE" == reviewed(proven, tmp_path)["event"]
    unsure = changed(tmp_path, verdict="inconclusive", gate_passes=True)
    assert "COMMENT" == reviewed(unsure, tmp_path)["event"]
    unproven = changed(tmp_path, configs=[{**improved[0], "evaluated": False}], verdict="improved", gate_passes=True)
    assert "COMMENT" == reviewed(unproven, tmp_path)["event"]
    assert "No config changed." == reviewed(changed(tmp_path, configs=[]), tmp_path)["body"]


def test_the_bot_refuses_a_document_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        reviewed(changed(tmp_path, schema="llmops-git/report/2"), tmp_path)


@pytest.mark.parametrize(
    "name", ["</code>@team <img src=x> `x`", "a\n\n# b\n- [x](javascript:x) #1 **c**", "www.example.com _a_"]
)
def test_names_from_a_pull_request_stay_names(name: str, tmp_path: Path) -> None:
    document = json.loads(RUN.read_text())
    document["configs"][0]["config"] = name
    body = reviewed(changed(tmp_path, configs=document["configs"]), tmp_path)["body"]
    first = cmarkgfm.github_flavored_markdown_to_html(body.splitlines()[0], Options.CMARK_OPT_UNSAFE)
    shown = re.fullmatch(r"<p><strong><code>(.*)</code>: improved</strong></p>\n", first)
    assert shown is not None
    assert " ".join(name.split()) == html.unescape(shown[1])
    assert "<" not in shown[1]


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_one_liner_lists_what_got_worse(tmp_path: Path) -> None:
    shutil.copy(RUN, tmp_path)
    done = subprocess.run(["sh", "-c", printed("sh")], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "help-answer\tanswer\treturn-window" == lines[0]
    assert 16 == sum(line.startswith("help-answer\t") for line in lines[:16])


def test_the_outputs_it_names_are_those_of_the_action() -> None:
    action = (ROOT / "action.yml").read_text()
    outputs = action[action.index("\noutputs:") :]
    named = {
        *re.findall(r"steps\.gate\.outputs\.([\w-]+)", PAGE),
        "verdict",
        "gate-passes",
        "changed",
        "cost-usd",
        "comment-url",
    }
    assert [] == [name for name in named if f"\n  {name}:" not in outputs]


def test_the_picture_of_the_comment_is_small_enough_for_a_readme() -> None:
    picture = (ROOT / "docs" / "images" / "comment.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= 300_000
