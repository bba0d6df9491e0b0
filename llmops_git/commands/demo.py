"""`llmops-git demo`: the whole story in a new repository, on a real model, with the real commands."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.commands.demo_player import Player

_MODEL = "smollm2-135m-instruct-q4_1"


@click.command("demo")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Make the repository here (default: a temporary folder)."
)
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the folder at the end.")
def command(folder: Path | None, keep: bool) -> None:
    """Make a repository with three prompts, improve one, break one, and ship what is better.

    Takes about two minutes on two cores, and 93 MB of download the first time; needs no key and no account. Every command is
    shown as it runs and can be repeated by hand.

    Exit code: 0 all went as told, 1 a step did not, 3 the model could not be fetched.
    """
    from llmops_git.commands.demo_player import Player
    from llmops_git.commands.demo_story import play
    from llmops_git.commands.project import terminal

    place = _make(folder)
    started = time.monotonic()
    player = Player(place, _environment(os.environ), color=terminal()["color"])
    player.say(
        "This is the whole life of a prompt change, with the real commands and a real language model: SmolLM2-135M-Instruct,"
        " running on this machine. Its 135 million parameters prove that the plumbing works, not that the answers are good: it"
        " is wrong a lot. Watch what changes, and what the gate makes of it."
    )
    try:
        _fetch_model()
        play(player)
    except LlmopsError:
        if keep:
            click.echo(f"\nwhat is there so far: {place}", err=True)
        raise
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    _end(player, time.monotonic() - started)
    if keep:
        _next_steps(place / "shop")


def _make(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="llmops-git-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise LlmopsError(f"{folder} cannot be used: {error.strerror}") from None
    if taken:
        raise LlmopsError(f"{folder} is not empty", hint="name a folder that does not exist yet")
    return folder.resolve()


def _fetch_model() -> None:
    """Find the runtime and the weights before the story begins, so that a missing one is the first thing said."""
    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.embedded import EmbeddedProvider
    from llmops_git.providers.weights import known_weights

    EmbeddedProvider(ProviderSettings(name="local", api="embedded")).close()
    known_weights(_MODEL, "local", os.environ)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what git was told about another repository, identity or pager."""
    from llmops_git.repo.git import clean_environment

    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")}
    return {**clean_environment(kept), "GIT_PAGER": "cat"}


def _end(player: Player, seconds: float) -> None:
    minutes, rest = divmod(round(seconds), 60)
    player.chapter("That was it")
    player.say(
        f"{minutes} min {rest} s. The gate let the better prompt through and stopped the worse one, on answers computed here."
        " Another processor may round differently and flip a case or two; the gate is made for that."
    )


def _next_steps(shop: Path) -> None:
    click.echo(f"""
The repository is kept, and yours to play with:

  cd {shlex.quote(str(shop))}
  git log --oneline --graph --all                        releases are tags, environments are branches
  git show llmops/date-extractor/v1.0.1                  a release carries its evidence
  git log -p origin/llmops/env/production                what ran in production, and when
  llmops-git eval --base main --head warmer-greeting     once more: what was paid for is not paid again
  less .llmops/runs/warmer-greeting/comment.md           the comment, with every answer that flipped

Edit a file under prompts/, then try `llmops-git diff` and `llmops-git eval`.
In a repository of your own, begin with `llmops-git init`.""")
