"""GitPython's command runner, for everything that writes. Its object layer is used nowhere."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from llmops_git.errors import NotMeasured
from llmops_git.repo.git import Result, blanked_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmops_git.repo.git import Git


class Runner:
    """Runs git commands that write, through `git.Git.execute`, in the repository and environment of a `Git`."""

    def __init__(self, git: Git) -> None:
        import git as gitpython  # importing it costs more CPU than a whole reading command

        self._git = git
        self._runner = gitpython.Git(os.fspath(git.folder))

    def try_run(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> Result:
        """Run git and give back what happened. `options` come before the command (`-c name=value`)."""
        command = self._git.command(*options, *arguments)
        with tempfile.TemporaryFile() as source:
            source.write(stdin)
            source.seek(0)
            code, out, err = self._runner.execute(
                command,
                istream=source,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                # the runner adds all of our own environment, from which it can take nothing away
                env={**blanked_secrets(os.environ), **self._git.environment, **(environment or {})},
            )
        return Result(int(code), bytes(out), err)

    def run(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> bytes:
        """Run git; its standard output. Raises NotMeasured when git fails."""
        result = self.try_run(*arguments, stdin=stdin, environment=environment, options=options)
        if result.code:
            raise NotMeasured(f"git {arguments[0]} failed: {result.err.strip() or f'exit code {result.code}'}")
        return result.out
