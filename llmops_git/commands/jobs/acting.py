"""What the jobs that write to git start from: who acts, under which name git commits, and the state of the remote."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.commands.project import Project
    from llmops_git.commands.state import State
    from llmops_git.repo.git import Git
    from llmops_git.repo.mainline import Mainline

NAME = "llmops-git"
_ROLES = ("AUTHOR", "COMMITTER")
_NOT_IN_AN_ADDRESS = re.compile(r"[^A-Za-z0-9._+\[\]-]")


def acting_project(session: Session) -> Project:
    """The project in the working directory, whose git children may write as the token may, under a name."""
    from llmops_git.commands.jobs.opened import session_project

    project = session_project(session)
    project.git.environment.update(missing_identity(project.git, session))
    return project


def acting_state(session: Session, project: Project | None = None) -> State:
    """What the remote has now, with the person behind the event as the actor. Raises what `read_state` raises."""
    from llmops_git.commands.state import read_state

    return replace(read_state(fetch=True, project=project or acting_project(session)), actor=session.event.actor)


class Elsewhere(LlmopsError):
    """The event is about another branch than the default one."""


def on_default_branch(session: Session, state: State) -> tuple[State, Mainline]:
    """The state under the policy of the default branch's newest commit, and where that is; the commit is here by now.

    What the checkout holds does not count: it may be older, or another branch, which must not bring its own rules. Raises
    Elsewhere for an event of another branch.
    """
    from llmops_git.commands.candidates import with_limits
    from llmops_git.commands.jobs.roots import policy_root_of
    from llmops_git.commands.mainline import mainline_of
    from llmops_git.repo.deepen import ensure_commits

    mainline = mainline_of(state)
    if session.event.ref not in ("", f"refs/heads/{mainline.default}"):
        message = f"this is done from `{mainline.default}`, and the event is about {session.event.ref}"
        raise Elsewhere(message, hint=f"run the workflow on `{mainline.default}`")
    project, commit = state.project, mainline.tip
    ensure_commits(project.git, state.remote, [commit])
    project.root = policy_root_of(project, commit, commit)
    policy = with_limits(project.policy(project.tree(commit)), max_usd=session.inputs.max_usd, max_requests=None)
    return replace(state, policy=policy), mainline


def missing_identity(git: Git, session: Session) -> dict[str, str]:
    """Variables (git, ENVIRONMENT VARIABLES) for those parts of git's identity that nobody configured.

    Only for jobs: on a person's own machine, a release or deployment that nobody signs with their name is refused.
    """
    names = r"^(user|author|committer)\.(name|email)$"
    known = set(git.try_run("config", "--null", "--name-only", "--get-regexp", names).out.decode(errors="replace").split("\0"))
    host = urlsplit(session.server).hostname or "localhost"
    email = f"{_NOT_IN_AN_ADDRESS.sub('', session.event.actor) or NAME}@users.noreply.{host}"
    found = {}
    for role in _ROLES:
        for part, value in (("name", NAME), ("email", email)):
            variable = f"GIT_{role}_{part.upper()}"
            given = {f"user.{part}", f"{role.lower()}.{part}"} & known
            if not given and not git.environment.get(variable):
                found[variable] = value
    return found
