"""The run folder: four files, each whole, kept out of git, never through a link."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eval_material import FakeProvider, make_job
from jsonschema import Draft202012Validator

from llmops_git.configs.policy import Budget
from llmops_git.errors import LlmopsError
from llmops_git.evals.folder import read_runs, write_run_folder, write_whole
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.traces.otlp import from_otlp_line

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "run.schema.json").read_text())
REPORT = {"verdict": "improved", "text": "grüße"}


@pytest.fixture
def outcome() -> Outcome:
    return evaluate([make_job(), make_job()], providers={"fake": FakeProvider()}, cache=None, budget=Budget(), prices={})


def _write(folder: Path, outcome: Outcome) -> None:
    write_run_folder(folder, runs=outcome.runs, spans=outcome.spans, report=REPORT, comment="# done\n")


def test_a_run_folder_holds_evidence_report_comment_and_traces(tmp_path: Path, outcome: Outcome) -> None:
    folder = tmp_path / "runs" / "1"
    _write(folder, outcome)
    assert sorted(path.name for path in folder.iterdir()) == ["comment.md", "report.json", "run.json", "traces.jsonl"]
    assert read_runs(folder) == outcome.runs
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == REPORT
    assert (folder / "comment.md").read_text() == "# done\n"
    lines = (folder / "traces.jsonl").read_text().splitlines()
    assert len(lines) == 6  # a trace for each sample
    assert [span for line in lines for span in from_otlp_line(line)] == list(outcome.spans)


def test_the_evidence_file_follows_the_schema(tmp_path: Path, outcome: Outcome) -> None:
    _write(tmp_path, outcome)
    validator = Draft202012Validator({**SCHEMA, "$ref": "#/$defs/file"})
    validator.validate(json.loads((tmp_path / "run.json").read_text(encoding="utf-8")))


def test_writing_again_replaces_all_files(tmp_path: Path, outcome: Outcome) -> None:
    _write(tmp_path, outcome)
    _write(tmp_path, replace(outcome, runs=outcome.runs[:1]))
    assert read_runs(tmp_path) == outcome.runs[:1]


def test_git_does_not_see_run_folders(repository: Path, outcome: Outcome) -> None:
    _write(repository / ".llmops" / "runs" / "1", outcome)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, check=True)
    assert status.stdout == b""


def test_a_failure_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    path = tmp_path / "file"
    write_whole(path, ["old"])
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, broken())
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("file", "old")]


def test_a_link_in_the_way_is_refused(tmp_path: Path, outcome: Outcome) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for link in (tmp_path / "a" / ".llmops", tmp_path / "b" / ".llmops" / "runs", tmp_path / "c" / ".llmops" / "runs" / "1"):
        link.parent.mkdir(parents=True)
        link.symlink_to(elsewhere)
        with pytest.raises(LlmopsError, match="is a link"):
            _write(_run_path(link), outcome)
    assert list(elsewhere.iterdir()) == []


def _run_path(link: Path) -> Path:
    """A run folder below (or at) the link."""
    return {".llmops": link / "runs" / "1", "runs": link / "1", "1": link}[link.name]


def test_an_ignore_file_that_is_a_link_is_replaced_and_not_followed(tmp_path: Path, outcome: Outcome) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    home = tmp_path / ".llmops"
    home.mkdir()
    (home / ".gitignore").symlink_to(victim)
    _write(home / "runs" / "1", outcome)
    assert victim.read_text() == "precious"
    assert (home / ".gitignore").read_text() == "*\n"


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path, outcome: Outcome) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(LlmopsError, match="the run folder cannot be written"):
        _write(tmp_path / "run", outcome)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "llmops-git/runs/1", "runs": 5}', "[" * 100_000])
def test_a_broken_run_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(LlmopsError, match=r"run\.json is not a run file"):
        read_runs(tmp_path)


def test_missing_and_newer_run_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="cannot be read"):
        read_runs(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "llmops-git/runs/2", "runs": []}')
    with pytest.raises(LlmopsError, match="cannot read format 'llmops-git/runs/2'"):
        read_runs(tmp_path)
