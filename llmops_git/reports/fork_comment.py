"""The comment on a pull request from a fork, whose job has no secrets: the change as trusted code computed it, how a
maintainer gets it evaluated, and what the fork's own job measured, folded away and marked as not verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.values import Change
from llmops_git.reports import numbers
from llmops_git.reports.bases import shown_comparisons
from llmops_git.reports.details import Detail
from llmops_git.reports.escape import code, fence, prose
from llmops_git.reports.footer import links_line
from llmops_git.reports.markdown import LIMIT, NO_LINKS, SMALLEST_LIMIT, whole
from llmops_git.reports.marker import marker
from llmops_git.reports.sections import comparison_blocks, fields_fold, fold, problems, sentence, what_changed
from llmops_git.reports.values import ConfigReport, Report

WAITING, BROKEN = "\u23f3 ", "\u274c "
UNVERIFIED = (
    "The fork's own job measured these without this repository's secrets, with files that the pull request can change. "
    "They decide nothing."
)
_REMARKS = Detail(lists=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """How much of the comment is shown."""

    fields: bool = True
    unverified: bool = True
    rows: int = 200
    left_out: str = ""


_STEPS = (
    _Step(),
    _Step(fields=False, left_out="the changed fields"),
    _Step(fields=False, unverified=False, left_out="the changed fields and unverified numbers"),
    _Step(fields=False, unverified=False, rows=20, left_out="most configs"),
    _Step(fields=False, unverified=False, rows=0, left_out="the configs"),
)


def render_fork_comment(
    changes: Sequence[Change],
    *,
    reason: str,
    command_hint: str,
    key: str,
    head: str,
    run: str,
    unverified: Report | None = None,
    links: Mapping[str, str] = NO_LINKS,
    limit: int = LIMIT,
) -> str:
    """The comment for `changes`, which the caller computed from git objects, at most `limit` characters long.

    `reason` says in a sentence why nothing decides yet, `command_hint` how a maintainer gets this commit evaluated
    ("": there is nothing to evaluate).
    `unverified` is what the fork's job reported: only numbers of the very digests in `changes` are shown, and none of its
    texts. Raises ValueError for a limit below 2,000 and for a link that is not plain http(s).
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT}, not {limit}")
    first = marker(key=key, head=head, run=run)
    footer = links_line(links)
    measured = same_configs(changes, unverified)
    for step in _STEPS:
        said = _blocks(changes, step, reason=reason, command=command_hint, measured=measured, footer=footer)
        comment = whole(first, said, limit)
        if comment is not None:
            return comment
    raise AssertionError("the shortest comment is shorter than the smallest limit")


def same_configs(changes: Sequence[Change], report: Report | None) -> tuple[ConfigReport, ...]:
    """The configs of a report that measured exactly these changes, by digest, without the texts that the report brought."""
    found = []
    for change in changes:
        for config in report.configs if report else ():
            own = [
                replace(comparison, config=change.config, base_name="", flipped=(), unmeasured=(), errors={})
                for comparison in config.comparisons
                if change.head_digest is not None
                and (comparison.config, comparison.head_digest) == (change.config, change.head_digest)
                and comparison.base_digest == (change.base_digest or "")
            ]
            if own:
                found.append(replace(config, change=change, comparisons=tuple(own), notes=()))
    return tuple(found)


def _blocks(
    changes: Sequence[Change], step: _Step, *, reason: str, command: str, measured: Sequence[ConfigReport], footer: str
) -> Iterator[str]:
    asks = bool(changes and command)
    yield _title(changes, waiting=asks)
    yield sentence(reason)
    yield (
        f"**For a maintainer:** this evaluates exactly the commit that you have read.\n\n{fence(command, 'sh')}" if asks else ""
    )
    yield _table(changes, step.rows) if changes else ""
    for change in changes if step.fields else ():
        folded = fields_fold(change)
        yield f"#### {code(change.config)}\n\n{what_changed(change)}\n\n{folded}" if folded else ""
    found = [problem for change in changes for problem in change.problems]
    yield problems(found, Detail(lists=20 if step.unverified else 3 if step.rows else 0))
    if measured and step.unverified:
        body = [prose(UNVERIFIED), *(block for config in measured for block in _numbers(config))]
        yield fold("Numbers from the fork's own job, <strong>not verified</strong>", body)
    if step.left_out:
        yield _small(f"Too long for one comment, left out: {step.left_out}. All of it: {code('llmops-git diff')}")
    yield _small(footer)


def _title(changes: Sequence[Change], *, waiting: bool) -> str:
    if not changes:
        return "### \u2705 No config changed"
    changed = f"{numbers.count(len(changes), 'config')} changed"
    if any(problem.severity == "error" for change in changes for problem in change.problems):
        return f"### {BROKEN}{changed}, and some files are wrong"
    return f"### {WAITING}{changed}, not evaluated yet" if waiting else f"### \u2705 {changed}, nothing to evaluate"


def _table(changes: Sequence[Change], rows: int) -> str:
    lines = ["| config | change | touches | release | files |", "|:--|:--|:--|:--|--:|"]
    for change in changes[:rows]:
        touches = prose(", ".join(change.aspects)) or numbers.NONE
        bump = change.bump if change.bump != "none" else numbers.NONE
        files = len({chain[0] for chain in change.because if chain})
        lines.append(f"| {code(change.config)} | {change.status} | {touches} | {bump} | {files:,} |")
    if len(changes) > rows:
        lines.append(f"| and {len(changes) - rows:,} more | | | | |")
    return "\n".join(lines) if rows else ""


def _numbers(config: ConfigReport) -> Iterator[str]:
    """The tables of one config. Nothing here is green or red: it is not known to be true."""
    yield f"**{code(config.change.config)}**"
    for shown in shown_comparisons(config):
        plain = tuple(replace(scorer, notes=()) for scorer in shown.comparison.scorers)
        muted = replace(shown, gating=False, comparison=replace(shown.comparison, scorers=plain))
        yield from filter(None, comparison_blocks(muted, _REMARKS))


def _small(text: str) -> str:
    return f"<sub>{text}</sub>" if text else ""
