"""What happened, as a CI service tells it in its event payload: the facts that `ci` decides from. Pure values.

The payload says what the event was about; environment variables only say which run this is. On GitHub, GITHUB_SHA of a
pull request is a merge commit, and GITHUB_REF of a merge group depends on who emulates it: neither is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal["pull request", "merge group", "push", "dispatch", "schedule", "workflow run", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """The run that a `workflow run` event is about. What its job wrote is not to be trusted; these facts are the forge's."""

    id: str
    attempt: int
    event: str  # name of the event that started it, as `pull_request`
    head_oid: str
    head_branch: str
    head_repository: str  # "owner/name"; "" when the fork was deleted
    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. Ids are full hex object ids, or "" where the event has none."""

    kind: EventKind
    name: str  # as the service calls it
    repository: str  # "owner/name" of the repository whose workflow runs
    default_branch: str
    actor: str
    run_id: str
    attempt: int
    run_url: str
    action: str = ""  # opened, synchronize, checks_requested…
    base_oid: str = ""  # pull request: tip of the base branch; merge group: its base; push: before ("" for a new branch)
    base_branch: str = ""
    head_oid: str = ""  # pull request: its own head; merge group: the merged result; push: after
    ref: str = ""  # push and dispatch: full name of the ref
    number: int | None = None  # of the pull request
    fork: bool = False  # the pull request comes from another repository (or one that was deleted)
    trusted: bool = True  # False where the service withholds secrets: forks, and bots such as dependabot
    inputs: Mapping[str, str] = field(default_factory=dict)  # dispatch
    workflow_run: WorkflowRun | None = None
