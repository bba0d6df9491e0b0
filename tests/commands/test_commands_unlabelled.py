"""Cases that need a label: never scored, in no digest, and refused on the default branch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.release_project import CASES, Folder, Place, release_project

WAITING = {"id": "live-1", "inputs": {"message": "message 40"}, "needs_label": True, "observed": "no idea"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Place, Folder]]:
    with release_project(tmp_path) as made:
        yield made


def add(folder: Folder, *rows: dict[str, object]) -> None:
    with (folder.path / "evals" / "cases.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def check(folder: Folder, *arguments: str) -> tuple[int, list[tuple[str, int, str]]]:
    document = json.loads(folder.run("check", *arguments, "--format", "json")[1])
    code = folder.run("check", *arguments)[0]
    return code, [(problem["severity"], problem["line"], problem["pointer"]) for problem in document["problems"]]


ERROR = (2, [("error", CASES + 1, "$.needs_label")])
WARNING = (0, [("warning", CASES + 1, "$.needs_label")])


def test_check_refuses_them_on_the_default_branch_and_warns_elsewhere(project: tuple[Place, Folder]) -> None:
    _, clone = project
    assert (0, []) == check(clone)
    add(clone, WAITING)
    assert ERROR == check(clone)  # what is about to be committed to main
    clone.git("switch", "-q", "-c", "mined")
    clone.git("add", "-A")
    assert (WARNING, WARNING) == (check(clone), check(clone, "--index"))
    clone.commit("mined", push=False)
    assert (WARNING, (0, [])) == (check(clone, "--ref", "mined"), check(clone, "--ref", "main"))
    assert ERROR == check(clone, "--strict")


def test_a_detached_checkout_counts_by_its_commit(project: tuple[Place, Folder]) -> None:
    _, clone = project
    clone.git("switch", "-q", "-c", "mined")
    add(clone, WAITING)
    tip = clone.commit("mined", push=False)
    clone.git("switch", "-q", "--detach", "main")
    clone.git("merge", "-q", "--no-ff", "-m", "what a pull request's job checks out", "mined")
    merged = clone.git("rev-parse", "HEAD")
    assert WARNING == check(clone)
    clone.git("push", "-q", "origin", f"{merged}:main")  # a job that is started by the push has no branch checked out, either
    assert (ERROR, WARNING) == (check(clone), check(clone, "--ref", tip))


def test_before_the_first_commit_main_is_the_default_branch(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    folder = Folder(tmp_path)
    assert 0 == folder.run("init", "--no-workflows")[0]
    with (tmp_path / "evals" / "review-sentiment.jsonl").open("a") as file:
        file.write(json.dumps({"id": "x", "inputs": {"review": "It broke."}, "needs_label": True}) + "\n")
    assert 2 == folder.run("check")[0]
    folder.git("symbolic-ref", "HEAD", "refs/heads/topic")
    assert 0 == folder.run("check")[0]


def test_they_are_in_no_digest_and_are_no_change(project: tuple[Place, Folder]) -> None:
    _, clone = project
    before = clone.json("show", "router")
    add(clone, WAITING)
    after = clone.json("show", "router")
    assert before["eval_digest"] == after["eval_digest"]
    assert (CASES, 1) == (after["evaluation"]["cases"], after["evaluation"]["needs_label"])
    assert f"{CASES} cases (1 more need a label); scorers: queue (exact)" in clone.ok("show", "router")
    assert "No config changed" in clone.run("eval")[1]


def test_source_and_observed_are_in_no_digest(project: tuple[Place, Folder]) -> None:
    _, clone = project
    row = {"id": "live-1", "inputs": {"message": "message 7"}, "expected": "technical"}
    add(clone, row)
    labelled = clone.json("show", "router")["eval_digest"]
    path = clone.path / "evals" / "cases.jsonl"
    path.write_text(
        path.read_text().replace(
            '"expected": "technical"}\n', '"expected": "technical", "observed": "?", "source": {"trace_id": "a"}}\n'
        )
    )
    assert '"observed": "?"' in path.read_text()
    assert labelled == clone.json("show", "router")["eval_digest"]


def test_an_evaluation_leaves_them_out_and_says_so(project: tuple[Place, Folder]) -> None:
    place, clone = project
    clone.git("switch", "-q", "-c", "fix")
    add(clone, WAITING)
    clone.write("router", 90)
    code, out, err = clone.run("eval")
    assert 0 == code, err
    assert "note: 1 case of the eval set needs a label and is not scored" in " ".join(out.split())
    assert 2 * CASES == len(place.server.asked)


def test_with_a_label_the_case_is_scored(project: tuple[Place, Folder]) -> None:
    place, clone = project
    clone.git("switch", "-q", "-c", "fix")
    add(clone, {**{key: value for key, value in WAITING.items() if key != "needs_label"}, "expected": "technical"})
    clone.write("router", 90)
    code, out, _ = clone.run("eval")
    assert 0 == code
    assert "needs a label" not in out
    assert 2 * (CASES + 1) == len(place.server.asked)


def test_an_eval_set_of_nothing_else_is_no_safety(project: tuple[Place, Folder]) -> None:
    _, clone = project
    clone.git("switch", "-q", "-c", "fix")
    (clone.path / "evals" / "cases.jsonl").write_text(json.dumps(WAITING) + "\n")
    assert "every case needs a label: nothing is scored" in clone.ok("check")
    clone.write("router", 90)
    code, out, err = clone.run("eval")
    assert (3, True) == (code, "the eval set has no case" in out), err


def test_an_eval_set_can_be_a_list_of_files(project: tuple[Place, Folder]) -> None:
    _, clone = project
    config = clone.path / "prompts" / "router.yaml"
    config.write_text(config.read_text().replace("../evals/cases.jsonl", "[../evals/cases.jsonl, ../evals/live.jsonl]"))
    (clone.path / "evals" / "live.jsonl").write_text(json.dumps({**WAITING, "needs_label": False}) + "\n")
    assert CASES + 1 == clone.json("show", "router")["evaluation"]["cases"]
    (clone.path / "evals" / "live.jsonl").unlink()
    assert "live.jsonl" in clone.run("check")[1]
