"""`llmops-git report`: the real command on a real run folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from report_samples import improved, invalid, regressed

from llmops_git.cli import run
from llmops_git.commands.report import command
from llmops_git.evals.folder import read_runs
from llmops_git.reports.html import render_html
from llmops_git.reports.job_summary import render_summary
from llmops_git.reports.json_report import report_document, report_from_document
from llmops_git.reports.junit import render_junit
from llmops_git.reports.markdown import render_comment
from llmops_git.reports.terminal import render_report

SHOP = Path(__file__).parent / "shop"  # a real run of the examples on the embedded model


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "20261123T101500"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report_document(regressed())))
    return folder


def invoke(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False, catch_exceptions=False)


def test_text_is_the_default(run_folder):
    result = invoke(run_folder)
    assert render_report(regressed(), color=False, width=80).split("\n")[0] == result.stdout.split("\n")[0]
    assert 0 == result.return_value


def test_markdown_is_the_comment_of_the_run(run_folder):
    expected = render_comment(regressed(), key="nightly", run="20261123T101500")
    assert expected == invoke(run_folder, "--format", "markdown", "--key", "nightly").stdout
    assert "run=17.2 -->" in invoke(run_folder, "--format", "markdown", "--run-id", "17.2").stdout


def test_the_summary_is_the_page_of_a_run(run_folder):
    assert render_summary(regressed()) == invoke(run_folder, "--format", "summary").stdout


def test_junit_and_html_hold_every_case_of_the_run():
    report, runs = report_from_document(json.loads((SHOP / "report.json").read_text())), read_runs(SHOP)
    assert render_junit(report, runs) == invoke(SHOP, "--format", "junit").stdout
    assert render_html(report, runs) == invoke(SHOP / "report.json", "--format", "html").stdout


@pytest.mark.parametrize("form", ["junit", "html"])
def test_a_report_without_its_run_has_no_cases_to_list(run_folder, form, capsys):
    assert 2 == run(["report", str(run_folder), "--format", form])
    captured = capsys.readouterr()
    assert "run.json cannot be read: No such file or directory" in captured.err
    assert "" == captured.out


def test_json_is_the_document(run_folder):
    assert report_document(regressed()) == json.loads(invoke(run_folder, "--format", "json").stdout)


def test_the_file_itself_can_be_named(run_folder):
    assert invoke(run_folder).stdout == invoke(run_folder / "report.json").stdout


def test_the_newest_run_is_the_default(repository, monkeypatch):
    for name, made in (("20260101T000000", improved()), ("20260102T000000", invalid())):
        folder = repository / ".llmops" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps(report_document(made)))
    (repository / ".llmops" / "runs" / "20260103T000000").mkdir()  # a run that was cut short has no report
    monkeypatch.chdir(repository)
    assert "Not measured" in invoke().stdout.split("\n")[0]


def test_a_missing_folder_is_an_error_with_a_hint(tmp_path, capsys):
    assert 2 == run(["report", str(tmp_path / "none")])
    captured = capsys.readouterr()
    assert "none/report.json: No such file or directory" in captured.err
    assert "hint:" in captured.err
    assert "" == captured.out


def test_no_run_at_all_is_an_error_with_a_hint(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    assert 2 == run(["report"])
    assert "hint: llmops-git eval" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1,\n "x" 2}', "report.json:2:6: Expecting ':' delimiter"),
        ("[" * 100_000, "report.json: not JSON"),
        ("\udcff", "report.json: not JSON"),
        ("{}", "report.json: $ 'schema' is a required property"),
        ("1" * 5000, "report.json: not JSON"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_its_place(text, message, tmp_path, capsys):
    (tmp_path / "report.json").write_text(text, errors="surrogateescape")
    assert 2 == run(["report", str(tmp_path)])
    assert message in capsys.readouterr().err


def test_output_can_be_cut_short_by_its_reader(run_folder):
    done = subprocess.run(
        f"{sys.executable} -m llmops_git report {run_folder} --format json | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "{\n" == done.stdout
    assert "" == done.stderr
