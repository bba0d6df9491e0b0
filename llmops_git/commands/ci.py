"""`llmops-git ci`: what a CI job does, decided from the event that started it."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import show_error
from llmops_git.errors import EXIT_NOT_MEASURED, EXIT_OK, LlmopsError
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.forges.event import Event
    from llmops_git.forges.joblog import JobLog

# job -> (module, function); in the order of a change's life
JOBS: dict[str, tuple[str, str]] = {
    "evaluate": ("evaluate", "run"),
    "merge": ("merge", "run"),
    "comment": ("comment", "run"),
    "release": ("release", "run"),
    "promote": ("promote", "run"),
    "rollback": ("promote", "rollback"),
    "monitor": ("monitor", "run"),
    "upgrade": ("upgrade", "run"),
}
TOKEN = "LLMOPS_TOKEN"  # noqa: S105  # the name of a variable
_AUTO = {
    "pull request": "evaluate",
    "merge group": "evaluate",
    "workflow run": "comment",
    "push": "release",
    "schedule": "monitor",
}


def _words(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for item in value for word in item.split())


@click.command("ci")
@click.argument("job", type=click.Choice(["auto", *JOBS]), default="auto", envvar="LLMOPS_COMMAND")
@click.option("--config", "configs", multiple=True, envvar="LLMOPS_CONFIG", callback=_words, metavar="NAME",
              help="Only this config (repeatable; default: all that are concerned).")  # fmt: skip
@click.option("--base", default="", envvar="LLMOPS_BASE", metavar="ID",
              help="Compare with this commit, where the event names none.")  # fmt: skip
@click.option("--comment", type=click.Choice(["auto", "off"]), default="auto", show_default=True, envvar="LLMOPS_COMMENT",
              help="Whether to keep a comment on the pull request.")  # fmt: skip
@click.option("--comment-key", default="default", show_default=True, envvar="LLMOPS_COMMENT_KEY", metavar="KEY",
              help="Which of several comments, statuses and artifacts of one pull request this job keeps.")  # fmt: skip
@click.option("--mode", type=click.Choice(["auto", "live", "replay", "plan"]), default="auto", show_default=True,
              envvar="LLMOPS_MODE",
              help="Ask models, answer from recorded replies, or only plan. auto: ask where every key is there.")  # fmt: skip
@click.option("--replies", default="", envvar="LLMOPS_REPLIES", metavar="FOLDER",
              help="Recorded replies for --mode replay: a folder of the base commit.")  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0), envvar="LLMOPS_MAX_USD", metavar="USD", help="Spend at most this much.")
@click.option("--fail-on", type=click.Choice(["gate", "never"]), default="gate", show_default=True, envvar="LLMOPS_FAIL_ON",
              help="never: report the verdict and let the job pass.")  # fmt: skip
@click.option("--report-dir", type=click.Path(path_type=Path, file_okay=False), default=Path(".llmops/ci"), show_default=True,
              envvar="LLMOPS_REPORT_DIR", help="Where reports are written.")  # fmt: skip
@click.option("--environment", default="", envvar="LLMOPS_ENVIRONMENT", metavar="ENV", help="promote, rollback: where.")
@click.option("--version", default="", envvar="LLMOPS_VERSION", metavar="VERSION", help="promote, rollback: which release.")
@click.option("--reason", default="", envvar="LLMOPS_REASON", metavar="TEXT", help="promote, rollback: why.")
@click.option("--as-pull-request/--no-as-pull-request", default=False, envvar="LLMOPS_AS_PULL_REQUEST",
              help="promote, rollback: open a pull request into the environment's branch instead.")  # fmt: skip
@click.option("--pull-request", type=click.IntRange(1), envvar="LLMOPS_PULL_REQUEST", metavar="NUMBER",
              help="evaluate: a pull request of a fork, approved for evaluation with keys.")  # fmt: skip
@click.option("--commit", default="", envvar="LLMOPS_COMMIT", metavar="ID",
              help="evaluate: the commit of it that was approved.")  # fmt: skip
@click.option("--model", default="", envvar="LLMOPS_MODEL", metavar="ID", help="upgrade: the new model.")
@click.option("--shard", default="", envvar="LLMOPS_SHARD", metavar="I/N",
              help="evaluate: only the cases of the I-th of N shards; the job merge gives the verdict.")  # fmt: skip
@click.option("--shards", multiple=True, envvar="LLMOPS_SHARDS", callback=_words, metavar="FOLDER",
              help="merge: the report folders of all shards, or a folder that holds them (repeatable).")  # fmt: skip
@click.option("--dry-run/--no-dry-run", default=False, envvar="LLMOPS_DRY_RUN",
              help="Write files into the report folder instead of anything outside.")  # fmt: skip
def command(job: str, **options: Any) -> int:
    """Do what the event in GITHUB_EVENT_PATH asks for: evaluate, comment, release, promote, roll back or monitor.

    Every option can be given as a variable LLMOPS_<OPTION>; LLMOPS_TOKEN is the token, and is taken out of the environment.
    Exit code: as the command of that name; 0 where there was nothing to do.
    """
    from llmops_git.commands.jobs.opened import one_stream, open_log, open_session
    from llmops_git.commands.jobs.session import Inputs
    from llmops_git.forges.github_event import read_event_file

    token = os.environ.pop(TOKEN, "")
    inputs = Inputs(**options)
    with one_stream(), open_log(os.environ, sys.stdout) as log:
        try:
            event = read_event_file(os.environ)
            chosen = chosen_job(job, event)
            if not chosen:
                click.echo(f"nothing to do for the event `{clean(event.name)}`")
                return EXIT_OK
            return run_job(chosen, open_session(event, inputs, log, token))
        except LlmopsError as error:
            return failed(log, error)
        except Exception:  # noqa: BLE001  # a crash must not look like the gate's no, nor leave the log listening
            traceback.print_exc()
            click.echo("\nthis is a fault of llmops-git itself; please report it with the lines above", err=True)
            return EXIT_NOT_MEASURED


def chosen_job(job: str, event: Event) -> str:
    """The job that was asked for, or the one that fits the event; "" where none does. Raises LlmopsError for a dispatch, of
    which nobody but the caller knows what it is for."""
    if job != "auto":
        return job
    if event.kind == "dispatch":
        raise LlmopsError("a dispatched workflow can be for anything", hint=f"command: {' | '.join(JOBS)}")
    return _AUTO.get(event.kind, "")


def run_job(job: str, session: Session) -> int:
    """Run one job; its exit code."""
    module, function = JOBS[job]
    run: Callable[[Session], int] = getattr(importlib.import_module(f"llmops_git.commands.jobs.{module}"), function)
    return run(session)


def failed(log: JobLog, error: LlmopsError) -> int:
    """Say what was wrong, in the log and as annotations at the lines of the files that are; the error's exit code."""
    from llmops_git.commands.jobs.tell import problems_in
    from llmops_git.forges.github_job import PlainJob
    from llmops_git.reports.annotations import annotations_of_problems

    show_error(error)
    if not isinstance(log, PlainJob):  # on somebody's own machine it would be said twice
        for annotation in annotations_of_problems(problems_in(error)):
            log.annotate(annotation)
    return error.exit_code
