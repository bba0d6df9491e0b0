"""The files that new cases change, and their proposal: a branch of the day, and a pull request that says why each is there."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.commands.mining_rows import Mined, row_of
from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from datetime import datetime

    from llmops_git.commands.mining_shown import Done
    from llmops_git.commands.project import Project
    from llmops_git.commands.proposing import Ground
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Case
    from llmops_git.forges.base import Forge, PullRequest
    from llmops_git.repo.proposal import Proposal

BRANCHES = "llmops/mine"
_A_DAY = 20  # proposals of one day
_TITLED = 3  # configs named in a title


def edits_of(project: Project, tree: Tree, mined: Sequence[Mined]) -> dict[str, bytes]:
    """The files that change in a tree: path -> content. Raises LlmopsError where a config is not in it, or cannot be edited."""
    from llmops_git.configs.live_rows import dataset_files, edits_for, target_of

    edits: dict[str, bytes] = {}
    for name in dict.fromkeys(one.config for one in mined):
        config = project.load(tree, name)
        paths = [path for path in (config.path, target_of(config), *dataset_files(config)) if tree.entry(path) is not None]
        contents = {**tree.read(paths), **edits}  # another config's rows may be in the same file
        rows = [row_of(one) for one in mined if one.config == name]
        edits |= edits_for(config, contents[config.path], contents, rows)
    return edits


def waiting_cases(project: Project, remote: str | None, names: Collection[str]) -> Iterator[tuple[str, Case]]:
    """The cases of these configs on branches that `mine` proposed and nobody has taken or deleted: (config, case).

    Raises NotMeasured when the remote cannot be read.
    """
    from llmops_git.repo.fetch import bring
    from llmops_git.repo.refs import list_remote

    git = project.git
    pattern = f"refs/heads/{BRANCHES}/*"
    if remote is None:
        lines = git.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCHES}/").decode().split()
        tips = dict.fromkeys(lines)
    else:
        tips = dict.fromkeys(list_remote(git, remote, pattern).values())
    for tip in tips:
        if remote is not None and git.try_run("cat-file", "-e", f"{tip}^{{commit}}").code:
            bring(git, remote, tip)
        for name in names:
            try:
                config = project.load(project.tree(tip), name)
            except LlmopsError:
                continue  # somebody works on it
            if config.evaluation is not None:
                yield from ((name, case) for case in (*config.evaluation.cases, *config.evaluation.unlabelled))


def propose(project: Project, ground: Ground, done: Done, *, branch: str, now: datetime, pull_request: bool) -> Done:
    """Push the cases on a branch and, if asked for, open its pull request. Nothing is published in a dry run."""
    from llmops_git.commands.forge_here import forge_here
    from llmops_git.releases.race import pause
    from llmops_git.repo.proposal import publish_proposal

    mined = done.dig.mined
    forge = forge_here(project.git, ground.remote, "mine").forge if pull_request and not done.dry_run else None
    proposal = _proposal(project, ground, mined, branch=branch, now=now)
    done = replace(done, branch=proposal.branch, commit=proposal.commit, base=ground.base)
    if done.dry_run:
        return done
    publish_proposal(project.git, ground.remote, proposal, wait=pause)
    done = replace(done, pushed=True)
    if forge is None:
        return done
    return replace(done, pull_request=_open(forge, ground, proposal, done).url)


def title_of(mined: Sequence[Mined]) -> str:
    """One line for the commit and the pull request."""
    names = list(dict.fromkeys(one.config for one in mined))
    who = ", ".join(names[:_TITLED]) + (f" and {len(names) - _TITLED} more" if len(names) > _TITLED else "")
    return f"Label {len(mined)} live failure{'' if len(mined) == 1 else 's'} of {who}"


def _proposal(project: Project, ground: Ground, mined: Sequence[Mined], *, branch: str, now: datetime) -> Proposal:
    """The commit, on the branch asked for or on the first one of the day that holds nothing else."""
    from llmops_git.repo.proposal import NotOurs, check_branch, make_proposal

    day = f"{BRANCHES}/{now:%Y-%m-%d}"
    names = [branch] if branch else [day, *(f"{day}-{number}" for number in range(2, _A_DAY + 1))]
    message = f"{title_of(mined)}\n\nMade by `{command_of(mined)}`.\n"
    for name in names:
        check_branch(project.git, name, default=ground.default)
        try:
            return make_proposal(
                project.git,
                ground.remote,
                name,
                ground.base,
                lambda commit: edits_of(project, project.tree(commit), mined),
                message=message,
                when=int(now.timestamp()),
            )
        except NotOurs:
            if name == names[-1]:
                raise
    raise AssertionError("the last name was tried")


def command_of(mined: Sequence[Mined]) -> str:
    """The command line that mines these configs."""
    return shlex.join(["llmops-git", "mine", *dict.fromkeys(one.config for one in mined)])


def _open(forge: Forge, ground: Ground, proposal: Proposal, done: Done) -> PullRequest:
    """Open the pull request; shorter where the forge does not take it all."""
    from llmops_git.commands.mining_shown import entries_of
    from llmops_git.forges.base import Rejected
    from llmops_git.reports.mined import render_mined
    from llmops_git.reports.sticky import SHORTER

    mined = done.dig.mined
    for limit in SHORTER:
        body = render_mined(
            entries_of(mined),
            files=sorted(done.edits),
            base=ground.base,
            command=command_of(mined),
            unseen=done.unseen,
            limit=limit,
        )
        try:
            return forge.open_pull_request(branch=proposal.branch, into=ground.default, title=title_of(mined), body=body)
        except Rejected as error:
            if limit == SHORTER[-1] or not error.too_long:
                raise
    raise AssertionError("the last limit was tried")
