"""`llmops-git diff`, as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from history import History, run_git
from jsonschema import Draft202012Validator
from small_project import FILES, edited

from tests.commands.release_project import release_project

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas/diff.schema.json").read_text())


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "r")
    made.commits([FILES, edited("prompts/shared/words.j2", "few", "many")])
    return made


def _run(folder: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from llmops_git.cli import main; main(sys.argv[1:])", "diff", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert code == done.returncode, done.stderr
    return done.stdout, done.stderr


def _json(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_run(folder, *arguments, "--format", "json", code=code)[0])
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_text_says_what_changed_and_why(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    out, _ = _run(history.folder, "main~1", "main")
    assert out.startswith("2 of 3 configs changed")
    assert "because  prompts/shared/words.j2 → prompts/shared/tone.j2 → prompts/help.yaml" in out
    assert "Use [-few-]{+many+} words." in out


def test_the_document_follows_its_schema_whatever_changed(history: History) -> None:
    history.commit(
        {
            "prompts/plain.yaml": None,
            "prompts/simple.yaml": FILES["prompts/plain.yaml"].replace("name: plain", "name: simple"),
            "prompts/new.yaml": FILES["prompts/plain.yaml"].replace("name: plain", "name: new").replace("hello", "x"),
            "prompts/shared/words.j2": None,
            **edited("corpora/one.md", "nine", "ten"),
        }
    )
    document = _json(history.folder, "main~1", "main", code=2)  # an include is gone, so two configs cannot be loaded
    assert {"help": "modified", "router": "modified", "new": "added", "simple": "renamed"} == {
        change["config"]: change["status"] for change in document["changes"]
    }
    assert (history.tip("main~1"), history.tip("main"), 4) == (document["base"], document["head"], document["configs"])
    assert document["changes"][0]["problems"]
    assert "plain" == document["changes"][-1]["renamed_from"]


def test_a_second_run_from_the_index_says_the_same(history: History) -> None:
    first = _run(history.folder, "main~1", "main", "--format", "json")
    assert first == _run(history.folder, "main~1", "main", "--format", "json")
    assert _run(history.folder, "main~1", "main") == _run(history.folder, "main~1", "main")


def test_without_a_base_a_branch_is_compared_with_where_it_left_main(history: History) -> None:
    history.check_out()
    history.git("checkout", "-q", "-b", "topic")
    history.commit(edited("prompts/plain.yaml", "hello", "bye"), branch="topic")
    history.git("reset", "-q", "--hard", "topic")
    history.write("corpora/one.md", "Closed.\n")
    document = _json(history.folder)
    assert ["help", "plain"] == [change["config"] for change in document["changes"]]
    assert (history.tip("main"), "worktree") == (document["base"], document["head"])


@pytest.mark.parametrize("folder", [".", "prompts/shared", "corpora"])
def test_from_any_folder_it_is_the_same_repository(history: History, folder: str) -> None:
    history.check_out()
    assert 2 == len(_json(history.folder / folder, "main~1")["changes"])


def test_git_dir_and_bare_repositories_and_worktrees_work(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_git(tmp_path, "clone", "-q", "--bare", str(history.folder), str(tmp_path / "bare.git"))
    assert 2 == len(_json(tmp_path / "bare.git", "HEAD~1")["changes"])
    history.git("worktree", "add", "-q", "--detach", str(tmp_path / "second"), "main")
    assert 2 == len(_json(tmp_path / "second", "main~1")["changes"])
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "bare.git"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert 2 == len(_json(elsewhere, "HEAD~1", "HEAD")["changes"])


def test_the_exit_code_can_tell(history: History) -> None:
    _run(history.folder, "main~1", "main", "--exit-code", code=1)
    _run(history.folder, "main", "main", "--exit-code", code=0)
    out, _ = _run(history.folder, "main", "main")
    assert "no config changed (3 configs" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "`nope` is not a commit"),
        (["--production"], "nothing runs in `production`"),
        (["main", "main", "--production"], "name only the other one"),
    ],
)
def test_what_cannot_be_answered_ends_with_two(history: History, arguments: list[str], message: str) -> None:
    out, err = _run(history.folder, *arguments, code=2)
    assert ("", True) == (out, message in err)


def test_production_is_compared_config_by_config_with_what_runs_there(tmp_path: Path) -> None:
    with release_project(tmp_path, "router", "other") as (_, alice):
        alice.ok("release", "--promote")
        alice.ok("promote", "router", "--to", "production")
        running = alice.git("rev-parse", "HEAD")
        alice.change(router=100)
        alice.ok("release", "--promote")
        document = alice.json("diff", "--production")
        assert ("production", "worktree", 2) == (document["base"], document["head"], document["configs"])
        assert [("other", "added", "none"), ("router", "modified", "patch")] == [
            (change["config"], change["status"], change["bump"]) for change in document["changes"]
        ]
        assert [["prompts/router.yaml"]] == document["changes"][1]["because"]
        assert [] == [
            change for change in alice.json("diff", "--production", running)["changes"] if change["config"] == "router"
        ]
        assert [] == alice.json("diff", "--environment", "staging")["changes"]


def test_hostile_names_and_texts_reach_the_terminal_harmless(history: History) -> None:
    history.commit({"corpora/\x1b[31m\n.md": "evil \u202e text", **edited("corpora/one.md", "nine", "\u202enine")})
    for form in ("text", "json"):
        out, _ = _run(history.folder, "main~1", "main", "--format", form)
        assert "help" in out
        assert "\x1b" not in out
        assert "\u202e" not in out


# what it costs


@contextmanager
def _counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `git` first on the PATH that writes down how it was called, and then is git."""
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    log = tmp_path / "calls"
    log.write_text("")
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield log


def _calls(log: Path) -> list[str]:
    return [next(word for word in line.split() if word[0] != "-" and "=" not in word) for line in log.read_text().splitlines()]


def test_a_warm_diff_starts_three_git_processes(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(history.folder, "main~1", "main")
    with _counting(tmp_path, monkeypatch) as log:
        _run(history.folder, "main~1", "main")
    assert ["rev-parse", "cat-file", "diff-tree"] == _calls(log)


def test_a_warm_diff_of_new_commits_starts_three_git_processes(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(history.folder, "main~1", "main")
    history.commit({**edited("prompts/plain.yaml", "hello", "bye"), "corpora/three.md": "New."})
    with _counting(tmp_path, monkeypatch) as log:
        assert "2 of 3 configs changed" in _run(history.folder, "main~1", "main")[0]
    assert ["rev-parse", "cat-file", "diff-tree"] == _calls(log)


def test_a_warm_diff_of_the_work_tree_starts_five(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.check_out()
    history.git("checkout", "-q", "-b", "topic")
    history.commit(edited("prompts/plain.yaml", "hello", "bye"), branch="topic")
    history.git("reset", "-q", "--hard", "topic")
    history.write("corpora/one.md", "Closed.\n")
    _run(history.folder)
    with _counting(tmp_path, monkeypatch) as log:
        assert "2 of 3 configs changed" in _run(history.folder)[0]
    assert ["rev-parse", "cat-file", "status", "merge-base", "diff-tree"] == _calls(log)


def test_the_number_of_processes_does_not_grow_with_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for size in (2, 60):
        history = History(tmp_path / f"r{size}")
        more = {
            f"prompts/c{number}.yaml": FILES["prompts/plain.yaml"]
            .replace("name: plain", f"name: c{number}")
            .replace("content: Say hello.", f"file: c{number}/t.j2")
            for number in range(size)
        }
        templates = {f"prompts/c{number}/t.j2": "{% include '../shared/words.j2' %}" for number in range(size)}
        history.commits([FILES | more | templates, edited("prompts/shared/words.j2", "few", "many")])
        with _counting(tmp_path, monkeypatch) as log:
            assert f"{size + 2} of {size + 3} configs changed" in _run(history.folder, "main~1", "main")[0]
        counts.append(len(_calls(log)))
    assert counts[0] == counts[1] <= 8


def test_a_warm_diff_imports_nothing_heavy(history: History) -> None:
    _run(history.folder, "main~1", "main")
    script = (
        "import sys; from llmops_git.cli import run; code = run(['diff', 'main~1', 'main']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1].split())), file=sys.stderr)"
    )
    heavy = "git httpx jinja2 jsonschema ruamel asyncio rfc8785 xllamacpp regex"
    done = subprocess.run([sys.executable, "-c", script, heavy], cwd=history.folder, capture_output=True, text=True, check=True)
    assert "[]\n" == done.stderr


def test_a_diff_never_imports_the_network_or_gitpython_or_a_validator(history: History) -> None:
    script = (
        "import sys; from llmops_git.cli import run; code = run(['diff', 'main~1', 'main']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1].split())), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "git httpx jsonschema asyncio xllamacpp"],
        cwd=history.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]\n" == done.stderr
