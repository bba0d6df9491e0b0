"""The command table, exit codes and what may be imported at start-up."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from llmops_git.cli import COMMANDS, run
from llmops_git.errors import EXIT_BROKEN_PIPE, EXIT_NOT_MEASURED, EXIT_USAGE

HEAVY = {"git", "httpx", "jinja2", "jsonschema", "ruamel", "asyncio", "xllamacpp"}
DOCS = Path(__file__).parents[1] / "docs" / "commands"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_the_table_exists_and_has_a_page(name: str) -> None:
    module = importlib.import_module(f"llmops_git.commands.{COMMANDS[name][0]}")
    assert isinstance(module.command, click.Command)
    assert name == module.command.name
    assert f"llmops-git {name}" in (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_on_its_page(name: str) -> None:
    module = importlib.import_module(f"llmops_git.commands.{COMMANDS[name][0]}")
    page = (DOCS / f"{name}.md").read_text()
    options = [option.opts[0] for option in module.command.params if isinstance(option, click.Option)]
    assert [] == [option for option in options if option not in page]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from llmops_git.cli import run\n"
        f"run({arguments!r})\n"
        f"print('loaded', sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.endswith("loaded []\n")


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert EXIT_USAGE == run(["evaluate"])
    assert "No such command" in capsys.readouterr().err


def test_outside_a_repository_the_error_has_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert EXIT_USAGE == run(["status"])
    assert "error: not inside a git repository\n\nhint: git init\n" == capsys.readouterr().err


def test_a_crash_never_looks_like_the_gates_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("llmops_git.commands.project.open_project", crash)
    assert EXIT_NOT_MEASURED == run(["eval"])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_folder_that_does_not_exist_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert EXIT_USAGE == run(["-C", "/does/not/exist", "status"])
    assert "/does/not/exist: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["show", "greet"], ["eval"]])
def test_a_closed_pipe_is_not_taken_for_the_gate_s_answer(tmp_path: Path, arguments: list[str]) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "greet.yaml").write_text(
        "model: {provider: local, id: smollm2-135m-instruct-q4_1}\nmessages: [{role: user, content: Hello}]\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        command = [sys.executable, "-m", "llmops_git", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert (EXIT_BROKEN_PIPE, "") == (done.returncode, done.stderr)
