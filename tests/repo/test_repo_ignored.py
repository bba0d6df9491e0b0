"""What lies in `.llmops` is not for git: runs, live traces, pages that name users."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmops_git.monitoring.store import open_store
from llmops_git.repo.ignored import home_of, keep_out_of_git
from llmops_git.runtime.file_sink import FileSink


def untracked(folder: Path) -> str:
    done = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_git_does_not_see_what_is_written(repository: Path) -> None:
    inside = repository / ".llmops" / "traces" / "raw"
    inside.mkdir(parents=True)
    (inside / "x.jsonl").write_text("{}\n")
    assert ".llmops" in untracked(repository)
    keep_out_of_git(inside)
    assert "" == untracked(repository)


def test_a_folder_of_ones_own_is_left_as_it_is(tmp_path: Path) -> None:
    keep_out_of_git(tmp_path)
    assert home_of(tmp_path) is None
    assert [] == list(tmp_path.iterdir())


def test_an_ignore_file_that_is_there_stays_and_a_link_is_replaced(tmp_path: Path) -> None:
    home = tmp_path / ".llmops"
    home.mkdir()
    (home / ".gitignore").write_text("mine\n")
    keep_out_of_git(home)
    assert "mine\n" == (home / ".gitignore").read_text()
    (home / ".gitignore").unlink()
    precious = tmp_path / "precious"
    precious.write_text("keep\n")
    (home / ".gitignore").symlink_to(precious)
    keep_out_of_git(home)
    assert ("keep\n", "*\n") == (precious.read_text(), (home / ".gitignore").read_text())


@pytest.mark.parametrize("writer", ["runtime", "store"])
def test_whoever_writes_traces_first_keeps_them_out(repository: Path, writer: str) -> None:
    folder = repository / ".llmops" / "traces"
    if writer == "store":
        open_store(folder).files.write("raw/a.jsonl", b"{}\n")
    else:
        sink = FileSink(folder / "raw")
        sink._begin(0)
        sink.close()
    assert (repository / ".llmops" / ".gitignore").is_file()
    assert "" == untracked(repository)
