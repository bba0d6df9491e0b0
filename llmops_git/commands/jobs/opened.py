"""What `ci` opens around a job: the log of the step, the forge, and the project with authenticated git children."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, TextIO

from llmops_git.commands.jobs.session import Inputs, Session
from llmops_git.commands.project import Project, open_project
from llmops_git.repo.credentials import authenticated_environment

if TYPE_CHECKING:
    from llmops_git.forges.base import Forge
    from llmops_git.forges.event import Event
    from llmops_git.forges.joblog import JobLog

SERVER = "https://github.com"
_STDOUT, _STDERR = 1, 2  # file descriptors


@contextmanager
def one_stream() -> Iterator[None]:
    """Lead standard error into standard output, for children and libraries as well: what is said on two streams may arrive
    after the word that makes the log listen to commands again."""
    with redirect_stderr(sys.stdout):
        sys.stdout.flush()
        kept = os.dup(_STDERR)
        os.dup2(_STDOUT, _STDERR)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(kept, _STDERR)
            os.close(kept)


@contextmanager
def open_log(environ: Mapping[str, str], stream: TextIO) -> Iterator[JobLog]:
    """The log of this step. While it is open, nothing that is printed acts as a command of the service."""
    from llmops_git.forges.github_job import GithubJob, PlainJob

    log: JobLog = GithubJob(environ, stream) if environ.get("GITHUB_ACTIONS") == "true" else PlainJob(stream)
    log.quiet()
    try:
        yield log
    finally:
        stream.flush()
        log.loud()


def open_session(event: Event, inputs: Inputs, log: JobLog, token: str) -> Session:
    """The session of a job."""
    server = os.environ.get("GITHUB_SERVER_URL") or SERVER
    return Session(
        event=event, forge=_forge(event, inputs, token), log=log, inputs=inputs, token=token, server=server, environ=os.environ
    )


def session_project(session: Session) -> Project:
    """The project in the working directory; its git children may read and write the repository as the token may."""
    return open_project(extra=authenticated_environment(session.server, session.token, os.environ))


def _forge(event: Event, inputs: Inputs, token: str) -> Forge | None:
    from llmops_git.forges.table import open_forge

    if not token and not inputs.dry_run:
        return None
    folder = inputs.report_dir / "dry-run" if inputs.dry_run else None
    return open_forge(os.environ, token=token, repository=event.repository, dry_run=folder)
