"""Commit statuses."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.api import Call, Problem, Reply, invalid, operation, text
from fakehub.records import Status

_MOST = 1000  # of one commit and context


@operation("repos/create-commit-status", needs="statuses=write")
def create_status(call: Call) -> Reply:
    oid = _full(call, call["sha"])
    context = call.body.get("context", "default")
    text(call.body.get("description"), "Status", most=140, field_name="description")
    text(context, "Status", most=255, field_name="context")
    url = call.body.get("target_url")
    if url and not url.startswith(("http://", "https://")):
        raise invalid("Status", "target_url", "custom", "target_url must use http(s) scheme")
    if sum(known.oid == oid and known.context == context for known in call.repo.statuses) >= _MOST:
        raise Problem(422, "Validation failed: This SHA and context has reached the maximum number of statuses.")
    known = Status(
        id=call.hub.next_id(),
        oid=oid,
        state=call.body["state"],
        context=context,
        description=call.body.get("description"),
        url=url,
        creator=call.login,
        created=call.hub.now(),
    )
    call.repo.statuses.append(known)
    return Reply(201, shapes.status(call.hub, call.repo, known))


@operation("repos/list-commit-statuses-for-ref", needs="statuses=read")
def list_statuses(call: Call) -> Reply:
    """Newest first, superseded ones too."""
    oid = _full(call, call["ref"])
    found = [known for known in reversed(call.repo.statuses) if known.oid == oid]
    shown, headers = call.page(found)
    return Reply(200, [shapes.status(call.hub, call.repo, known) for known in shown], headers)


@operation("repos/get-combined-status-for-ref", needs="statuses=read")
def combined_status(call: Call) -> Reply:
    oid = _full(call, call["ref"])
    latest = {known.context: known for known in call.repo.statuses if known.oid == oid}
    shown, headers = call.page([*latest.values()])
    states = {known.state for known in latest.values()}
    overall = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    body: dict[str, Any] = {
        "state": overall,
        "statuses": [shapes.simple_status(call.hub, call.repo, known) for known in shown],
        "sha": oid,
        "total_count": len(latest),
        "repository": shapes.repository(call.hub, call.repo),
        "commit_url": f"{call.hub.api_url}/repos/{call.repo.full_name}/commits/{oid}",
        "url": f"{call.hub.api_url}/repos/{call.repo.full_name}/commits/{oid}/status",
    }
    return Reply(200, body, headers)


def _full(call: Call, name: str) -> str:
    store = call.hub.store(call.repo)
    oid = (
        store.branch(name)
        or store.oid(f"refs/tags/{name}")
        or (store.oid(name) if len(name) >= 40 or name.startswith("refs/") else "")
    )
    if not oid:
        raise Problem(422, f"No commit found for SHA: {name}")
    return oid
