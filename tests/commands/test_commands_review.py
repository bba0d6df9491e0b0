"""`llmops-git review` on a real run: what is drawn, what is asked, and what is written."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from llmops_git.configs.schema import validator
from llmops_git.evals.people.labels import text_digest
from tests.commands.people_project import people_project, truth


def labels_in(folder: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for path in sorted(folder.glob("labels/*/*.jsonl")) for line in path.read_text().splitlines()]
    assert [] == [error.message for label in found for error in validator("label").iter_errors(label)]
    return found


def review(folder: Path, *arguments: str, keys: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process with these keys on standard input."""
    command = [sys.executable, "-c", "from llmops_git.cli import main; main()", "review", *arguments]
    return subprocess.run(command, cwd=folder, input=keys, capture_output=True, text=True, check=False)


def test_what_a_person_says_is_written_at_once_and_a_second_start_goes_on(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    first = review(repository, "-n", "6", keys="pass\n2\nn\nfar too short\n1\nq\n")
    assert 0 == first.returncode, first.stderr
    said = labels_in(repository)
    assert ["pass", "fail", "pass"] == [label["label"] for label in said]
    assert ["", "", "far too short"] == [label.get("note", "") for label in said]
    assert {"Test <test@example.com>"} == {label["who"] for label in said}
    second = review(repository, "-n", "6", keys="1\n" * 30)
    assert 0 == second.returncode, second.stderr
    everything = labels_in(repository)
    assert said == everything[:3]
    assert 6 == len({label["case"] for label in everything})
    assert len(everything) == len({(label["case"], label["output"]) for label in everything})
    third = review(repository, "-n", "6", keys="")
    assert "all of this sample is labelled" in third.stderr


def test_the_sample_is_the_same_everywhere_blind_and_mostly_what_moved(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    shown = review(repository, "-n", "12", keys="s\n" * 40)
    assert shown.stdout == review(repository, "-n", "12", keys="s\n" * 40).stdout
    assert not [word for word in ("base", "head", "flipped", "disputed", "close", "skill") if word in shown.stdout]
    review(repository, "-n", "12", keys="1\n" * 40)
    found = labels_in(repository)
    drawn = {label["case"]: label["drawn"]["stratum"] for label in found}  # type: ignore[index]
    assert list(drawn.values()).count("flipped") >= 5
    assert "other" in drawn.values()
    beside = [label for label in found if label.get("shown") == 1]
    firsts = {bool(str(label["output"]) == text_digest(f"no idea {str(label['case'])[1:]}")) for label in beside}
    assert {True, False} == firsts, "the sides are not always in the same order"


def test_going_back_lets_a_person_say_something_else(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    review(repository, "-n", "3", keys="pass\nb\nfail\nq\n")
    first, second = labels_in(repository)
    assert first["output"] == second["output"]
    assert ["pass", "fail"] == [first["label"], second["label"]]


def test_single_keys_are_read_from_a_terminal(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from llmops_git.cli import main; main()", "review", "-n", "2", "--who", "Bo"]
    with subprocess.Popen(command, cwd=repository, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        seen = b""
        for _ in range(300):  # a key that comes before the program listens is thrown away by the terminal
            try:
                if select.select([master], [], [], 0.2)[0]:
                    seen += os.read(master, 65536)
                else:
                    os.write(master, b"1")
            except OSError:  # the program has ended
                break
        process.wait(30)
    os.close(master)
    assert 0 == process.returncode, seen
    assert {"Bo"} == {label["who"] for label in labels_in(repository)}


def test_hostile_text_reaches_the_terminal_as_text(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        [run] = (repository / ".llmops" / "runs").iterdir()
        text = (run / "run.json").read_text()
        assert "no idea" in text
        (run / "run.json").write_text(text.replace("no idea", "\\u001b]0;x\\u0007\\u202e"))
    shown = review(repository, "-n", "20", keys="s\n" * 60)
    assert 0 == shown.returncode, shown.stderr
    assert "\x1b" not in shown.stdout
    assert "\\x1b]0;x\\x07\\u202e" in shown.stdout


def test_labels_are_not_written_through_a_link(repository: Path, tmp_path: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    (tmp_path / "elsewhere").mkdir()
    (repository / "labels").symlink_to(tmp_path / "elsewhere")
    refused = review(repository, "-n", "2", keys="1\n1\n")
    assert 2 == refused.returncode
    assert "is a link" in refused.stderr
    assert [] == list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--scorer", "speed"], "there is no scorer `speed`"), (["--config", "other"], "has no run of other")],
)
def test_a_question_that_is_not_there_is_refused(repository: Path, arguments: list[str], message: str) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
        code, _, error = clone.run("review", *arguments)
    assert 2 == code
    assert message in error


def test_a_run_whose_eval_set_is_gone_is_refused(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        (repository / "evals" / "router.jsonl").write_text('{"id": "x", "inputs": {"message": "message 1"}}\n')
        clone.run("eval")
        (repository / "evals" / "router.jsonl").write_text('{"id": "y", "inputs": {"message": "message 2"}}\n')
        code, _, error = clone.run("review", "--dry-run")
    assert 2 == code
    assert "is in none of the work tree" in error


def test_scorers_that_are_no_judge_are_asked_as_pass_or_fail(repository: Path) -> None:
    with people_project(repository) as (clone, _):
        clone.run("eval")
    review(repository, "--scorer", "right", "-n", "2", keys="pass\nfail\nq\n")
    found = labels_in(repository)
    assert ["router"] == [path.name for path in (repository / "labels").iterdir()]
    assert {None} == {label.get("judge") for label in found}
    assert truth(0, "billing") == "pass"
