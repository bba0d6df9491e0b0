"""The command line: a lazy table of commands, and errors turned into exit codes.

Nothing heavy is imported until a command runs: `--help` costs what click costs.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import Any

import click

from llmops_git import __version__
from llmops_git.errors import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, EXIT_NOT_MEASURED, LlmopsError

# name -> (module, what it does); the order is the order of a prompt's life
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Play the whole story in a new repository, on a real model."),
    "init": ("init", "Start a project in this repository."),
    "check": ("check", "Validate configs, eval sets and policy; show every problem at once."),
    "show": ("show", "Show a config: resolved value, digests and the files it reads."),
    "render": ("render", "Show the messages exactly as the model gets them."),
    "diff": ("diff", "Show which configs changed, how, and why."),
    "eval": ("eval", "Evaluate changed configs on both sides and gate the change."),
    "merge": ("merge", "Put the shards of a run together, and gate the change on all of them."),
    "report": ("report", "Render a run folder again, in another format."),
    "review": ("review", "Show people the cases that teach most, and write down what they say."),
    "trace": ("trace", "Show what happened to one sample, step by step."),
    "calibrate": ("calibrate", "Compare a judge with the labels that people gave the same outputs."),
    "guardrails": ("guardrails", "Measure guardrail packs on suites, watch them live, and label where they were wrong."),
    "upgrade": ("upgrade", "Pin configs to another model, evaluate that, and propose it with the evidence."),
    "release": ("release", "Tag the next version of every config that changed and passes."),
    "promote": ("promote", "Make a release run in an environment."),
    "rollback": ("rollback", "Go back to the release that ran before."),
    "status": ("status", "Show what is released and what runs where."),
    "log": ("log", "Show the history of a config or an environment."),
    "bisect": ("bisect", "Find the commit that moved a score."),
    "mine": ("mine", "Make cases of live failures, and propose them for a label."),
    "resolve": ("resolve", "Print what a deploy script needs to know about a release."),
    "export": ("export", "Write a release's bundle."),
    "traces": ("traces", "Read in, find, show, compare, run again and delete what was recorded of live requests."),
    "dashboard": ("dashboard", "Write or serve a page with live quality, cost, latency, safety and user signals."),
    "monitor": ("monitor", "Watch live traffic by rules: alerts as code, one issue for each."),
    "ci": ("ci", "Do what a CI job's event asks for: evaluate, comment, release, promote, monitor."),
    "doctor": ("doctor", "Say how far the repository is, by what, and what the next step is."),
    "verify": ("verify", "Recompute every digest and check tags, history and deployments."),
}


class _ReaderLeft(Exception):
    """Nobody reads standard output any more."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def invoke(self, ctx: click.Context) -> Any:
        """As always; but click ends with 1 on a closed pipe, and 1 is the gate's no."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderLeft from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"llmops_git.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="llmops-git", message="%(prog)s %(version)s")
@click.option("-C", "folder", metavar="DIR", help="Run as if started in DIR.")
def cli(folder: str | None) -> None:
    """Git-native change control for LLM applications.

    Configs live in your repository; pull requests are evaluated against production; merges become
    immutable releases; environments are branches that say what runs.
    """
    if folder:
        try:
            os.chdir(folder)
        except OSError as error:
            raise click.BadParameter(f"{folder}: {error.strerror}", param_hint="-C") from None


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `llmops-git` and `git llmops`."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a pipe that is not UTF-8 shows codes instead of failing
    try:
        result: Any = cli.main(args=arguments, prog_name="llmops-git", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except LlmopsError as error:
        from llmops_git.commands.project import show_error

        show_error(error)
        return error.exit_code
    except _ReaderLeft:
        # the reader of a pipe went away (`| head`): leave quietly, and keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception:  # noqa: BLE001  # a crash must never look like the gate's answer, which is exit code 1
        click.echo(_harmless(traceback.format_exc()), err=True, nl=False)
        click.echo("\nthis is a fault of llmops-git itself; please report it with the lines above", err=True)
        return EXIT_NOT_MEASURED
    return result if isinstance(result, int) else 0


def _harmless(text: str) -> str:
    """A traceback quotes texts of strangers."""
    from llmops_git.reports.escape import inert

    return inert(text)
