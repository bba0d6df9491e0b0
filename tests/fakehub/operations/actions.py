"""Workflow runs, their artifacts, and dispatches."""

from __future__ import annotations

from fakehub import shapes
from fakehub.api import Call, Problem, Reply, operation
from fakehub.records import Dispatch, Run


@operation("actions/get-workflow-run", needs="actions=read")
def get_run(call: Call) -> Reply:
    return Reply(200, shapes.run(call.hub, call.repo, _run(call)))


@operation("actions/list-workflow-run-artifacts", needs="actions=read")
def list_artifacts(call: Call) -> Reply:
    run = _run(call)
    name = call.query.get("name")
    found = [known for known in call.repo.artifacts.values() if known.run == run.id and name in {None, known.name}]
    found.sort(key=lambda known: known.id, reverse=call.query.get("direction", "desc") == "desc")
    shown, headers = call.page(found)
    listed = [shapes.artifact(call.hub, call.repo, known) for known in shown]
    return Reply(200, {"total_count": len(found), "artifacts": listed}, headers)


@operation("actions/download-artifact", needs="actions=read")
def download(call: Call) -> Reply:
    """A redirect to another origin, to which the token must not go along. Public repositories want a token here too."""
    if call.token is None:
        raise Problem(401, "Requires authentication")
    known = call.repo.artifacts.get(call.number("artifact_id"))
    if known is None or call["archive_format"] != "zip":
        raise Problem(404, "Not Found")
    if known.expired:
        raise Problem(410, "Artifact has expired")
    return Reply(302, headers={"location": call.hub.storage.address(call.repo.full_name, known.id)})


@operation("actions/create-workflow-dispatch", needs="actions=write")
def dispatch(call: Call) -> Reply:
    store = call.hub.store(call.repo)
    ref = call.body["ref"]
    if not (store.branch(ref) or store.oid(f"refs/tags/{ref}") or (ref.startswith("refs/") and store.oid(ref))):
        raise Problem(422, f"No ref found for: {ref}")
    inputs = call.body.get("inputs", {})
    call.repo.dispatches.append(Dispatch(workflow=call["workflow_id"], ref=ref, inputs=inputs, login=call.login))
    return Reply(204)


def _run(call: Call) -> Run:
    known = call.repo.runs.get(call.number("run_id"))
    if known is None:
        raise Problem(404, "Not Found")
    return known
