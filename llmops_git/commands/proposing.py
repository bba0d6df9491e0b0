"""Proposes an upgrade: a branch with one commit, its evaluation, and a pull request that carries the evidence."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated
    from llmops_git.commands.upgrading import Upgrade
    from llmops_git.configs.pin_edit import PinEdit
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.upgrade import Wanted
    from llmops_git.forges.base import Forge, PullRequest
    from llmops_git.repo.proposal import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where proposals start: the remote (None: this repository), its default branch, and the commit to build on."""

    remote: str | None
    default: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """An upgrade as a commit that is not published yet (or is already, see `proposal`)."""

    upgrade: Upgrade
    proposal: Proposal
    title: str


def ground_of(project: Project, base: str = "") -> Ground:
    """The newest commit of the default branch as the remote has it, or the revision `base`. Raises LlmopsError."""
    from llmops_git.repo.default_branch import default_branch
    from llmops_git.repo.refs import remote_in_use

    policy = project.policy(project.tree("HEAD"))
    remote = remote_in_use(project.git, policy.remote)
    found = default_branch(project.git, remote, ask=True, name=policy.default_branch)
    if found is None:
        raise LlmopsError(
            "no default branch is known: a pull request has to go somewhere", hint="default_branch: main in llmops.yaml"
        )
    return Ground(remote=remote, default=found.name, base=project.git.resolve(base) if base else found.commit)


def propose_upgrade(
    project: Project, ground: Ground, wanted: Wanted, *, branch: str = "", now: datetime | None = None
) -> Proposed:
    """Make the commit; `now` is its time. Raises LlmopsError where `wanted` may not be, NotOurs for somebody's branch."""
    from llmops_git.commands.upgrading import plan_upgrade
    from llmops_git.configs.upgrade import branch_name, title_of
    from llmops_git.repo.proposal import check_branch, make_proposal

    upgrade = plan_upgrade(project, project.tree(ground.base), wanted)
    branch = branch or branch_name(wanted, upgrade.names)
    check_branch(project.git, branch, default=ground.default)
    title = title_of(upgrade.edits, upgrade.names)
    proposal = make_proposal(
        project.git,
        ground.remote,
        branch,
        ground.base,
        lambda commit: plan_upgrade(project, project.tree(commit), wanted).files,
        message=f"{title}\n\nMade by `{command_of(wanted)}`.\n",
        when=int(now.timestamp()) if now else None,
    )
    return Proposed(upgrade=upgrade, proposal=proposal, title=title)


def command_of(wanted: Wanted) -> str:
    """The command line that makes the same upgrade."""
    words = ["llmops-git", "upgrade", *wanted.configs]
    words += ["--from", wanted.old] if wanted.old else []
    words += ["--model", wanted.model]
    words += ["--provider", wanted.provider] if wanted.provider else []
    return shlex.join(words)


def publish(project: Project, ground: Ground, proposed: Proposed) -> None:
    """Push the branch, fast-forward. Raises NotMeasured."""
    from llmops_git.releases.race import pause
    from llmops_git.repo.proposal import publish_proposal

    publish_proposal(project.git, ground.remote, proposed.proposal, wait=pause)


def open_pull_request(
    forge: Forge, ground: Ground, proposed: Proposed, evaluated: Evaluated | None, *, reasons: Sequence[str] = (), run: str = ""
) -> PullRequest:
    """Open the pull request of a published proposal, or bring it up to date; shorter where the forge does not take it all."""
    from llmops_git.forges.base import Rejected
    from llmops_git.reports.sticky import SHORTER
    from llmops_git.reports.upgrade import render_upgrade

    report = evaluated.report if evaluated else None
    for limit in SHORTER:
        body = render_upgrade(
            report,
            proposed.upgrade.edits,
            base=ground.base,
            command=command_of(proposed.upgrade.wanted),
            reasons=reasons,
            run=run,
            limit=limit,
        )
        try:
            return forge.open_pull_request(
                branch=proposed.proposal.branch, into=ground.default, title=titled(proposed, evaluated), body=body
            )
        except Rejected as error:
            if limit == SHORTER[-1] or not error.too_long:
                raise
    raise AssertionError("the last limit was tried")


def titled(proposed: Proposed, evaluated: Evaluated | None) -> str:
    """The pull request's title; it says so when the gate says no."""
    if evaluated is None or evaluated.report.gate_passes:
        return proposed.title
    return f"{proposed.title} ({'not measured' if evaluated.report.verdict == 'invalid' else evaluated.report.verdict})"


def reasons_of(policy: Policy, edits: Sequence[PinEdit], today: date) -> list[str]:
    """Sentences that say why now: retirements of the models that are left, as far as they are known and near."""
    from llmops_git.configs.retirements import announcement, retirement_of

    left = dict.fromkeys((edit.provider_before, edit.model_before) for edit in edits)
    known = [(model, retirement_of(policy, provider, model)) for provider, model in left]
    return [text for model, retirement in known if retirement and (text := announcement(model, retirement, today))]
