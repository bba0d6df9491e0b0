"""The comment on a pull request from a fork, whose job has no secrets: the change as trusted code computed it, how a
maintainer gets it evaluated, and what the fork's own job measured, folded away and marked as not verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops_git.configs.values import Change
from llmops_git.errors import Problem
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
class _Found:
    """What changed, as trusted code computed it."""

    changes: Sequence[Change]
    packs: Sequence[str]
    broken: Sequence[Problem]

    @property
    def problems(self) -> list[Problem]:
        return [*(problem for change in self.changes for problem in change.problems), *self.broken]


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
    packs: Sequence[str] = (),
    broken: Sequence[Problem] = (),
    unverified: Report | None = None,
    links: Mapping[str, str] = NO_LINKS,
    limit: int = LIMIT,
) -> str:
    """The comment for `changes`, which the caller computed from git objects, at most `limit` characters long.

    `reason` says in a sentence why nothing decides yet, `command_hint` how a maintainer gets this commit evaluated
    ("": there is nothing to evaluate). `packs` are guardrail packs that changed, or whose suites did, and `broken` what is
    wrong with those that cannot be read.
    `unverified` is what the fork's job reported: only numbers of the very digests in `changes` are shown, and none of its
    texts. Raises ValueError for a limit below 2,000 and for a link that is not plain http(s).
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit must be at least {SMALLEST_LIMIT}, not {limit}")
    first = marker(key=key, head=head, run=run)
    footer = links_line(links)
    measured = same_configs(changes, unverified)
    found = _Found(changes=changes, packs=packs, broken=broken)
    for step in _STEPS:
        said = _blocks(found, step, reason=reason, command=command_hint, measured=measured, footer=footer)
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
    found: _Found, step: _Step, *, reason: str, command: str, measured: Sequence[ConfigReport], footer: str
) -> Iterator[str]:
    changes = found.changes
    asks = bool((changes or found.packs) and command)
    yield _title(found, waiting=asks)
    yield sentence(reason)
    yield (
        f"**For a maintainer:** this evaluates exactly the commit that you have read.\n\n{fence(command, 'sh')}" if asks else ""
    )
    yield _table(changes, step.rows) if changes else ""
    yield _packs(found.packs, step.rows)
    for change in changes if step.fields else ():
        folded = fields_fold(change)
        yield f"#### {code(change.config)}\n\n{what_changed(change)}\n\n{folded}" if folded else ""
    yield problems(found.problems, Detail(lists=20 if step.unverified else 3 if step.rows else 0))
    if measured and step.unverified:
        body = [prose(UNVERIFIED), *(block for config in measured for block in _numbers(config))]
        yield fold("Numbers from the fork's own job, <strong>not verified</strong>", body)
    if step.left_out:
        yield _small(f"Too long for one comment, left out: {step.left_out}. All of it: {code('llmops-git diff')}")
    yield _small(footer)


def _title(found: _Found, *, waiting: bool) -> str:
    counts = [(len(found.changes), "config"), (len(found.packs), "guardrail pack")]
    changed = " and ".join(numbers.count(count, what) for count, what in counts if count)
    if any(problem.severity == "error" for problem in found.problems):
        return f"### {BROKEN}{changed} changed, and some files are wrong" if changed else f"### {BROKEN}Some files are wrong"
    if not changed:
        return "### \u2705 No config changed"
    return (
        f"### {WAITING}{changed} changed, not evaluated yet"
        if waiting
        else f"### \u2705 {changed} changed, nothing to evaluate"
    )


def _packs(packs: Sequence[str], most: int) -> str:
    """A line that names the packs; "" where there are none."""
    if not packs or not most:
        return ""
    more = f" and {len(packs) - most:,} more" if len(packs) > most else ""
    return f"Guardrail packs, or their suites: {', '.join(code(pack) for pack in packs[:most])}{more}"


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
