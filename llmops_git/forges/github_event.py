"""Reads GitHub's event payload into an Event. Pure, but for `read_event_file`.

Shapes: https://docs.github.com/en/webhooks/webhook-events-and-payloads. Everything comes from the payload; the environment
says only which run this is, and whose, where a payload (of a schedule) is almost empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.forges.event import Event, WorkflowRun
from llmops_git.forges.github_payload import Node, branch_of, login_in, oid, owner_name, ref_of
from llmops_git.forges.text import one_line

MOST_BYTES = 32 * 1024 * 1024  # GitHub delivers no payload above 25 MB
_WITHOUT_SECRETS = frozenset({"dependabot[bot]"})
_OUTSIDE = "`llmops-git ci` reads what GitHub Actions tells a job; on your own machine use `llmops-git eval`"


def read_event_file(environ: Mapping[str, str]) -> Event:
    """The event of the job that this process is part of. Raises LlmopsError when it is part of none, or cannot be read."""
    name, path = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_EVENT_PATH", "")
    if not name or not path:
        missing = "GITHUB_EVENT_PATH" if name else "GITHUB_EVENT_NAME"
        raise LlmopsError(f"{missing} is not set: this is no job of GitHub Actions", hint=_OUTSIDE)
    return read_event(name, _payload(Path(path)), environ)


def read_event(name: str, payload: Mapping[str, Any], environ: Mapping[str, str]) -> Event:
    """The facts of event `name`. Raises LlmopsError for a payload that cannot be one of GitHub's."""
    top = Node(f"event `{one_line(name, 40)}`", payload)
    event = _common(name, top, environ)
    fill = _KINDS.get(name)
    return event if fill is None else fill(event, top)


def _common(name: str, top: Node, environ: Mapping[str, str]) -> Event:
    home = top.node("repository") if top.has("repository") else None
    repository = home.text("full_name") if home and home.has("full_name") else environ.get("GITHUB_REPOSITORY", "")
    repository = owner_name(repository, "the repository of the event (payload, or GITHUB_REPOSITORY)")
    actor = login_in(top, "sender") or environ.get("GITHUB_ACTOR", "")
    run_id, attempt = _number(environ, "GITHUB_RUN_ID"), _number(environ, "GITHUB_RUN_ATTEMPT")
    server = environ.get("GITHUB_SERVER_URL", "").rstrip("/") or "https://github.com"
    dependent = not {actor, environ.get("GITHUB_ACTOR", "")}.isdisjoint(_WITHOUT_SECRETS)
    return Event(
        kind="other",
        name=name,
        repository=repository,
        default_branch=home.text("default_branch") if home and home.has("default_branch") else "",
        actor=actor,
        run_id=run_id,
        attempt=int(attempt or "1"),
        run_url=f"{server}/{repository}/actions/runs/{run_id}/attempts/{attempt or 1}" if run_id else "",
        action=top.text("action") if top.has("action") else "",
        trusted=not dependent,
    )


def _pull_request(event: Event, top: Node) -> Event:
    pull = top.node("pull_request")
    head, base = pull.node("head"), pull.node("base")
    fork = _repository_of(head, "repo") != event.repository
    return replace(
        event,
        kind="pull request",
        number=pull.number("number"),
        base_oid=oid(base, "sha"),
        base_branch=ref_of(base, "ref"),
        head_oid=oid(head, "sha"),
        fork=fork,
        trusted=event.trusted and not fork,
    )


def _merge_group(event: Event, top: Node) -> Event:
    group = top.node("merge_group")
    return replace(
        event,
        kind="merge group",
        base_oid=oid(group, "base_sha"),
        base_branch=branch_of(ref_of(group, "base_ref")),
        head_oid=oid(group, "head_sha"),
        ref=ref_of(group, "head_ref"),
    )


def _push(event: Event, top: Node) -> Event:
    return replace(
        event,
        kind="push",
        base_oid=oid(top, "before", zeros=True),
        head_oid=oid(top, "after", zeros=True),
        ref=ref_of(top, "ref"),
    )


def _dispatch(event: Event, top: Node) -> Event:
    given = top.node("inputs") if top.has("inputs") else None
    inputs = {} if given is None else {name: _input(given, name) for name in given.names()}
    return replace(event, kind="dispatch", ref=ref_of(top, "ref"), inputs=inputs)


def _input(given: Node, name: str) -> str:
    """An input as a string, as a workflow would see it: `true`, `3`, ``."""
    match given.value(name):
        case None:
            return ""
        case bool() as answer:
            return "true" if answer else "false"
        case int() | float() | str() as value:
            return str(value)
        case _:
            raise given.wrong(name, "text, a number or a boolean")


def _schedule(event: Event, _top: Node) -> Event:
    return replace(event, kind="schedule")


def _workflow_run(event: Event, top: Node) -> Event:
    run = top.node("workflow_run")
    facts = WorkflowRun(
        id=str(run.number("id")),
        attempt=run.number("run_attempt") if run.has("run_attempt") else 1,
        event=run.text("event"),
        head_oid=oid(run, "head_sha"),
        head_branch=ref_of(run, "head_branch") if run.has("head_branch") else "",
        head_repository=_repository_of(run, "head_repository"),
        conclusion=run.text("conclusion") if run.has("conclusion") else "",
    )
    fork = facts.head_repository != event.repository
    return replace(event, kind="workflow run", workflow_run=facts, fork=fork, trusted=event.trusted and not fork)


def _repository_of(node: Node, name: str) -> str:
    """`owner/name`, or "" when it was deleted."""
    return owner_name(node.node(name).text("full_name"), f"`{name}.full_name`") if node.has(name) else ""


def _number(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) <= 20):  # noqa: PLR2004
        raise LlmopsError(f"{name} is `{one_line(value, 40)}`, which is not a number")
    return value


_KINDS: dict[str, Callable[[Event, Node], Event]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "merge_group": _merge_group,
    "push": _push,
    "workflow_dispatch": _dispatch,
    "schedule": _schedule,
    "workflow_run": _workflow_run,
}


def _payload(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise LlmopsError(f"cannot read the event file {one_line(str(path), 200)}: {reason}", hint=_OUTSIDE) from None
    if len(content) > MOST_BYTES:
        raise LlmopsError(f"{path}: an event of more than {MOST_BYTES:,} bytes is none of GitHub's")
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError):
        raise LlmopsError(f"{path} is not JSON", hint="GITHUB_EVENT_PATH must name the event file of this job") from None
    if not isinstance(payload, dict):
        raise LlmopsError(f"{path} is not a JSON object", hint="GITHUB_EVENT_PATH must name the event file of this job")
    return payload
