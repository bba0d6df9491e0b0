"""Decides what `eval` evaluates: the changed configs of two trees, each with the bases it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.commands.evaluate import change_between
from llmops_git.commands.trial import Base, Candidate
from llmops_git.errors import InvalidInput, LlmopsError, NotMeasured

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.values import Change, Config
    from llmops_git.repo.changes import ChangeSet

PRODUCTION = "production"


def candidates_of(
    project: Project, changes: ChangeSet, *, names: Sequence[str], policy: Policy, environment: str | None
) -> tuple[Candidate, ...]:
    """The candidates among the changes, or the configs named, changed or not. Raises InvalidInput when a head is broken."""
    concerned = [change for change in changes.changes if not names or change.config in names]
    # a base that cannot be loaded is a warning: the change may be the repair
    broken = [problem for change in concerned for problem in change.problems if problem.severity == "error"]
    if broken:
        raise InvalidInput(broken, hint="llmops-git check")
    chosen = _named(project, changes, names) if names else [change for change in changes.changes if concerns_evaluation(change)]
    running = _Running(project, policy, production_environment(policy, environment))
    return tuple(_candidate(change, change.head, changes.base_oid, running) for change in chosen if change.head is not None)


def concerns_evaluation(change: Change) -> bool:
    """Whether anything changed that reaches the model or the way it is scored."""
    return change.head is not None and any(aspect != "metadata" for aspect in change.aspects)


def production_environment(policy: Policy, asked: str | None) -> str:
    """The environment that counts as production: the one asked for, `production`, or the last one declared; "" if none."""
    if asked is not None:
        if asked not in policy.environments:
            known = ", ".join(policy.environments) or "none"
            raise LlmopsError(f"there is no environment `{asked}` in llmops.yaml (known: {known})")
        return asked
    if PRODUCTION in policy.environments or not policy.environments:
        return PRODUCTION
    return list(policy.environments)[-1]


def _named(project: Project, changes: ChangeSet, names: Sequence[str]) -> list[Change]:
    """The configs named: with their change where they changed, as an unchanged pair of base and head otherwise."""
    changed = {change.config: change for change in changes.changes}
    tree = project.tree(None if changes.head_name == "worktree" else changes.head_name)
    base_tree = project.tree(changes.base_oid) if changes.base_oid else None
    found = []
    for name in names:
        if name in changed:
            found.append(changed[name])
            continue
        head = project.load(tree, name)
        base = project.load(base_tree, head.name) if base_tree and head.name in project.configs(base_tree) else None
        found.append(change_between(base, head))
    return found


def _candidate(change: Change, head: Config, base_oid: str, running: _Running) -> Candidate:
    bases = [Base(config=change.base, against="merge base" if change.base else "nothing", name=base_oid if change.base else "")]
    notes = []
    try:
        production = running.config(head.name)
    except (LlmopsError, NotMeasured) as error:
        production = None
        notes.append(f"production could not be read: {error.message}")
    if production is not None:
        bases.append(production)
    if change.base is None and production is not None:
        bases = [production]
    return Candidate(change=change, head=head, bases=tuple(bases), notes=tuple(notes))


class _Running:
    """What runs in production, read once and loaded on demand."""

    def __init__(self, project: Project, policy: Policy, environment: str) -> None:
        from llmops_git.releases.environments import running_configs

        self._project = project
        self._running = running_configs(project.git, environment, remote=policy.remote)

    def config(self, name: str) -> Base | None:
        from llmops_git.commands.neighbours import config_at

        running = self._running.get(name)
        if running is None:
            return None
        config = config_at(self._project, running.commit, name, running.digest)
        return Base(config=config, against="production", name=running.release)


def with_limits(policy: Policy, *, max_usd: float | None, max_requests: int | None) -> Policy:
    """The policy with the limits of the command line; they may only be lower than the policy's own. Raises LlmopsError."""
    budget = policy.budget
    if max_usd is not None and math.isnan(max_usd):  # neither lower nor higher than anything: it would lift the limit
        raise LlmopsError("--max-usd must be a number")
    if max_usd is not None:
        budget = replace(budget, max_usd=max_usd if budget.max_usd is None else min(max_usd, budget.max_usd))
    if max_requests is not None:
        budget = replace(
            budget, max_requests=max_requests if budget.max_requests is None else min(max_requests, budget.max_requests)
        )
    return replace(policy, budget=budget)
