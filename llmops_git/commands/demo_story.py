"""The story of the demo, told with the real commands: released, improved, regressed, deployed, rolled back."""

from __future__ import annotations

from pathlib import Path

from llmops_git.commands.demo_files import apply_change, copy_project, deploy_script
from llmops_git.commands.demo_player import Player

CONFIGS = ("date-extractor", "help-answer", "support-router")
_RUNS = ".llmops/runs"
_BETTER, _WORSE = "show-two-examples", "warmer-greeting"
_FOLDED = "<details>"


def play(player: Player) -> None:
    """Tell it all. Raises DemoFailed at the first thing that did not happen as told, NotMeasured when nothing could."""
    repository(player)
    first_releases(player)
    improvement(player)
    regression(player)
    delivery(player)
    rollback(player)


def repository(player: Player) -> None:
    player.chapter("1. Three prompts in a repository")
    player.say(
        "A coffee shop keeps three LLM configurations in git: one routes customer messages, one extracts dates as JSON, one"
        " answers questions from help pages that it looks up. Each has an eval set of 26 to 31 cases."
    )
    player.git("init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    player.git("init", "--quiet", "--initial-branch=main", "shop")
    player.enter(player.folder / "shop")
    copy_project(player.folder)
    _settle(player)
    player.git("add", ".")
    player.git("commit", "--quiet", "-m", "Three prompts, their eval sets and the help pages")
    player.git("remote", "add", "origin", "../remote.git")
    player.git("push", "--quiet", "--set-upstream", "origin", "main")
    player.llmops("check")
    player.llmops("render", "help-answer", "--case", "damaged-photo")


def first_releases(player: Player) -> None:
    player.chapter("2. Released, and running in production")
    player.say(
        "A release is an annotated tag that carries its evidence. There is none yet, so every config is measured: the model"
        " answers every case now, in this process. Environments are branches that say what runs; staging follows by itself,"
        " production is promoted by hand."
    )
    player.llmops("release", "--promote")
    for config in CONFIGS:
        player.llmops("promote", config, "--to", "production")
    player.llmops("status")
    for config in CONFIGS:
        _require_running(player, config, "1.0.0")


def improvement(player: Player) -> None:
    player.chapter("3. A branch that helps")
    player.say(
        "The date extractor is told what to do, and still gets two dates in five wrong. A colleague puts two examples in front"
        " of the question."
    )
    _branch(player, _BETTER, "improve", "Show the date extractor two examples")
    player.llmops("diff", "main", _BETTER)
    player.say(
        "Both sides are measured on the same cases, against main and against production. The old prompt's answers are known"
        " from its release, so only the new one costs anything. The gate compares case by case."
    )
    player.llmops("eval", "--base", "main", "--head", _BETTER, "--output", f"{_RUNS}/{_BETTER}")
    _comment(player, _BETTER, "improved")


def regression(player: Player) -> None:
    player.chapter("4. A branch that hurts")
    player.say(
        "Another colleague wants warmer answers, and lets the example in the prompt begin with a thank-you. It reads well in"
        " review. The small model copies the tone and loses the facts."
    )
    player.git("switch", "--quiet", "main")
    _branch(player, _WORSE, "regress", "Greet customers more warmly")
    player.llmops("diff", "main", _WORSE)
    player.llmops("eval", "--base", "main", "--head", _WORSE, "--output", f"{_RUNS}/{_WORSE}", code=1)
    _comment(player, _WORSE, "regressed")
    player.say("Exit code 1: in a pull request this is a red check, and the branch stays where it is.")


def delivery(player: Player) -> None:
    player.chapter("5. Merged, released, deployed")
    player.say(
        "The good branch is merged. `release` finds the one config that changed, takes the evidence that is there, and tags the"
        " next version: nothing that reaches the caller's contract changed, so it is a patch."
    )
    player.git("switch", "--quiet", "main")
    player.git("merge", "--quiet", "--no-ff", "-m", "Merge: show the date extractor two examples", _BETTER)
    player.git("push", "--quiet")
    player.llmops("release", "--promote")
    player.llmops("promote", "date-extractor", "--to", "production")
    _require_running(player, "date-extractor", "1.0.1")
    player.llmops("resolve", "date-extractor", "--environment", "production")
    player.llmops("export", "date-extractor", "--environment", "production", "--output", "../date-extractor.json")
    player.require((player.folder.parent / "date-extractor.json").is_file(), "export wrote no bundle")
    player.say("Every digest can be computed again from the files, and every deployment from its branch:")
    player.llmops("verify")
    player.say("The application's machine needs none of this, only git and a shell. This script follows the environment:")
    _deploy(player)


def rollback(player: Player) -> None:
    player.chapter("6. And back")
    player.llmops("rollback", "date-extractor", "--in", "production", "--reason", "Rehearse the way back")
    _require_running(player, "date-extractor", "1.0.0")
    _deploy(player)
    player.llmops("status")
    player.llmops("log", "date-extractor", "-n", "3")


def _settle(player: Player) -> None:
    """Settings of the reader that would change the story: signing, hooks, line ends, and who they are."""
    for key, value in (
        ("user.name", "Sam"),
        ("user.email", "sam@shop.example"),
        ("commit.gpgSign", "false"),
        ("tag.gpgSign", "false"),
        ("core.hooksPath", ".git/hooks"),
        ("core.autocrlf", "false"),
    ):
        player.quiet_git("config", key, value)


def _branch(player: Player, name: str, change: str, message: str) -> None:
    player.git("switch", "--quiet", "--create", name)
    paths = apply_change(change, player.folder)
    player.git("diff", "--unified=0", "--", *paths)
    player.git("commit", "--quiet", "--all", "-m", message)


def _comment(player: Player, branch: str, verdict: str) -> None:
    """Show the top of the pull-request comment, down to the first folded part, and hold the run to the story."""
    run = Path(_RUNS, branch)
    player.say("This is the comment that the pull request gets, down to its folded parts:")
    lines = (player.folder / run / "comment.md").read_text(encoding="utf-8").splitlines()
    top = next((number for number, line in enumerate(lines) if line.startswith(_FOLDED)), len(lines))
    while top and not lines[top - 1]:
        top -= 1
    player.shell(f"head -n {top} {run.as_posix()}/comment.md", "head", "-n", str(top), str(run / "comment.md"))
    found = player.facts("report", run.as_posix())["verdict"]
    player.require(found == verdict, f"the verdict on {branch} is {found}, not {verdict}")


def _deploy(player: Player) -> None:
    script = deploy_script()
    arguments = ("../remote.git", "production", "date-extractor", "../server")
    player.shell(f"sh {script} {' '.join(arguments)}", "sh", str(script), *arguments)


def _require_running(player: Player, config: str, version: str) -> None:
    found = player.facts("resolve", config, "--environment", "production")["version"]
    player.require(found == version, f"production runs {config} {found}, not {version}")
