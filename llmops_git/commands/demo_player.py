"""Plays a story: says what comes, shows each command as a reader would type it, runs it, and stops when it surprises."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import click

from llmops_git.errors import EXIT_NOT_MEASURED, LlmopsError, NotMeasured
from llmops_git.reports.style import Paint

_WIDTH = 96
_LONG = 5.0  # seconds from which on it is said how long a command took


class DemoFailed(LlmopsError):
    """A step did something else than the story says: a bug, and not the reader's fault."""

    exit_code = 1


class Player:
    """Runs commands in one folder after the other. Output goes straight through, so progress bars know their terminal."""

    def __init__(self, folder: Path, environment: dict[str, str], *, color: bool) -> None:
        self.folder = folder
        self._environment = environment
        self._paint = Paint(color)

    def chapter(self, title: str) -> None:
        click.echo(f"\n{self._paint(f'== {title} ' + '=' * max(0, _WIDTH - len(title) - 4), 'bold')}")

    def say(self, text: str) -> None:
        """A paragraph."""
        click.echo("\n" + textwrap.fill(" ".join(text.split()), _WIDTH, break_on_hyphens=False))

    def llmops(self, *arguments: str, code: int = 0) -> None:
        """Run llmops-git with the interpreter that runs this. Raises DemoFailed when it ends otherwise than with `code`."""
        self._show(["llmops-git", *arguments])
        self._run([*_program(), *arguments], code)

    def git(self, *arguments: str) -> None:
        """Run git."""
        self._show(["git", *arguments])
        self._run(["git", *arguments], 0)

    def shell(self, shown: str, *command: str) -> None:
        """Run any other command, shown as the reader would type it."""
        self._show_line(shown)
        self._run(list(command), 0)

    def enter(self, folder: Path) -> None:
        """Go on in another folder."""
        self._show(["cd", os.path.relpath(folder, self.folder)])
        self.folder = folder

    def quiet_git(self, *arguments: str) -> None:
        """Run git without showing it: what makes the demo's repository independent of the reader's settings."""
        subprocess.run(["git", *arguments], cwd=self.folder, env=self._environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607

    def facts(self, *arguments: str) -> Any:
        """What llmops-git says as JSON, for checking the story and not for showing."""
        command = [*_program(), *arguments, "--format", "json"]
        done = subprocess.run(command, cwd=self.folder, env=self._environment, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise DemoFailed(f"`llmops-git {shlex.join(arguments)}` ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def require(self, condition: bool, what: str) -> None:
        """Raises DemoFailed where the story did not come true."""
        if not condition:
            raise DemoFailed(f"the demo expected something else: {what}")

    def _show(self, words: list[str]) -> None:
        self._show_line(shlex.join(words))

    def _show_line(self, line: str) -> None:
        click.echo("\n" + self._paint(f"$ {line}", "bold", "cyan"))
        sys.stdout.flush()

    def _run(self, command: list[str], code: int) -> None:
        started = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, env=self._environment, check=False)  # noqa: S603
        seconds = time.monotonic() - started
        notes = [f"{seconds:.0f} s"] if seconds >= _LONG else []
        if code:
            notes.append(f"exit code {done.returncode}")
        if notes:
            click.echo(self._paint(f"({', '.join(notes)})", "dim"))
        if done.returncode == code:
            return
        failure = NotMeasured if done.returncode == EXIT_NOT_MEASURED else DemoFailed
        raise failure(f"the command above ended with exit code {done.returncode}, and {code} was expected")


def _program() -> list[str]:
    # -P: a file of the repository must not be imported in place of a module
    return [sys.executable, "-P", "-m", "llmops_git"]
