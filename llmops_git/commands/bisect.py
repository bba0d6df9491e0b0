"""`llmops-git bisect`: the commit that moved a score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.state import State

_EXIT_CODES = {"found": EXIT_OK, "narrowed": EXIT_OK, "same": EXIT_GATE, "cannot tell": EXIT_NOT_MEASURED}


@click.command("bisect")
@click.argument("config")
@click.argument("scorer")
@click.option(
    "--good", metavar="REV", help="Where the score was as it should be (default: the newest release of other content)."
)
@click.option("--bad", metavar="REV", default="HEAD", show_default=True, help="Where it has moved.")
@click.option("--max-usd", type=click.FloatRange(0), metavar="USD", help="Spend at most this much on each version.")
@format_option()
def command(config: str, scorer: str, good: str | None, bad: str, max_usd: float | None, form: str) -> int:
    """Find the first commit at which SCORER of CONFIG differs from --good as --bad does, for the worse or the better.

    Exit code: 0 found, or narrowed down to versions that cannot be told apart; 1 the score did not move; 2 files or usage are
    wrong; 3 the ends could not be told apart or measured.
    """
    from llmops_git.commands.bisecting import Trial, bisect_document, versions_between
    from llmops_git.commands.candidates import with_limits
    from llmops_git.commands.state import read_state

    state = read_state(fetch=False)
    project = state.project
    last = project.git.resolve(bad)
    first = project.git.resolve(good) if good else _good(state, config, last)
    versions = versions_between(project, config, first, last)
    evaluation = versions[-1].config.evaluation
    names = [each.name for each in evaluation.scorers] if evaluation else []
    if scorer not in names:
        raise LlmopsError(f"`{config}` has no scorer `{scorer}` at {last[:12]}", hint=f"it has {', '.join(names) or 'none'}")
    policy = with_limits(project.policy(project.tree(last)), max_usd=max_usd, max_requests=None)
    document = bisect_document(Trial(project=project, policy=policy, scorer=scorer, versions=versions))
    if form == "json":
        emit_json(document)
    else:
        for line in bisect_lines(document, _subjects(state, document)):
            click.echo(line)
    return _EXIT_CODES[document["answer"]]


def _good(state: State, name: str, bad: str) -> str:
    """The commit of the newest release whose content is not that of `bad`."""
    now = state.project.load(state.project.tree(bad), name).digest
    for release in reversed(state.registry.releases.get(name, ())):
        if release.digest != now:
            return release.commit
    raise LlmopsError(f"no release of `{name}` differs from what is there now", hint="--good REV")


def _subjects(state: State, document: Mapping[str, Any]) -> dict[str, str]:
    commits = {document[name] for name in ("good", "bad", "first", "last") if document[name]} | set(document["cannot_tell"])
    output = state.project.git.run("log", "--no-walk=unsorted", "--format=%H %s", *sorted(commits)).decode(errors="replace")
    pairs = (line.partition(" ") for line in output.splitlines())
    return {commit: subject for commit, _, subject in pairs}


def bisect_lines(document: Mapping[str, Any], subjects: Mapping[str, str]) -> list[str]:
    """The same for people; `subjects` are the first lines of the commits' messages."""
    from llmops_git.reports.clean import clean

    tested = {row["commit"]: row for row in document["tested"]}
    scorer, good, bad = document["scorer"], document["good"][:12], document["bad"][:12]

    def named(commit: str) -> str:
        return f"{commit[:12]} {subjects.get(commit, '')}".strip()

    if document["answer"] == "same":
        lines = [f"{scorer} did not move between {good} and {bad}{_moved(tested.get(document['bad']))}"]
    elif document["answer"] == "cannot tell":
        lines = [
            f"{scorer}: {good} and {bad} cannot be told apart{_moved(tested.get(document['bad']))}: more cases or repeats help"
        ]
    else:
        lines = [f"{scorer} moved with {named(document['first'])}{_moved(tested.get(document['first']))}"]
        lines.append(f"  it was still as at {good} with {named(document['last'])}{_moved(tested.get(document['last']))}")
        lines += [f"  or with {named(commit)}, which cannot be told" for commit in document["cannot_tell"]]
    lines.append(f"{len(tested)} of {document['versions']} versions measured, {document['requests_sent']} requests sent")
    return [clean(line) for line in lines]


def _moved(row: Mapping[str, Any] | None) -> str:
    if row is None or row["delta"] is None or row["low"] is None or row["high"] is None:
        return ""
    return f": {row['base']:.3g} -> {row['head']:.3g}, {row['delta']:+.3g} [{row['low']:+.3g}, {row['high']:+.3g}]"
