"""Event payloads: GitHub's real examples (tests/contract/payloads) with the hub's names, numbers and object ids put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakehub import pulls, shapes
from fakehub.contract import FOLDER
from fakehub.gitstore import GitStore
from fakehub.records import Repository, Run

if TYPE_CHECKING:
    from fakehub.hub import Hub

ZEROS = "0" * 40


def build(hub: Hub, repo: Repository, kind: str, **facts: Any) -> dict[str, Any]:
    """The payload of an event. Kinds and facts (those with a value are optional):

    pull_request: number, action=opened, before="" (of synchronize), sender=author
    push: before="" (new branch), after="" (tip), ref=refs/heads/<default>, sender=owner
    merge_group: number (must be queued)
    workflow_run: run_id
    workflow_dispatch: inputs={}, ref=refs/heads/<default>, workflow=.github/workflows/llmops.yml, sender=owner
    schedule: cron="17 4 * * *", workflow=.github/workflows/llmops-monitor.yml
    """
    return _KINDS[kind](hub, repo, **facts)


def _pull_request(
    hub: Hub, repo: Repository, *, number: int, action: str = "opened", before: str = "", sender: str = ""
) -> dict[str, Any]:
    issue = repo.issues[number]
    pull = issue.pull
    assert pull is not None
    payload = _example(hub, repo, "pull_request.synchronize" if action == "synchronize" else "pull_request.opened")
    payload["pull_request"] = _overlay(payload["pull_request"], shapes.pull(hub, repo, issue, full=True))
    if action == "synchronize":
        payload |= {"before": before or pull.base_oid, "after": pull.head_oid}
    return payload | {"action": action, "number": number, "sender": shapes.user(hub, sender or issue.author)}


def _push(hub: Hub, repo: Repository, *, before: str = "", after: str = "", ref: str = "", sender: str = "") -> dict[str, Any]:
    store = hub.store(repo)
    ref = ref or f"refs/heads/{repo.default_branch}"
    after = after or store.oid(ref)
    payload = _example(hub, repo, "push")
    head = _commit(store, payload["head_commit"], after) if after != ZEROS else None
    facts = {
        "ref": ref,
        "before": before or ZEROS,
        "after": after,
        "base_ref": None,
        "created": before in {"", ZEROS},
        "deleted": after == ZEROS,
        "forced": before not in {"", ZEROS} and after != ZEROS and not store.is_ancestor(before, after),
        "commits": [head] if head else [],
        "head_commit": head,
        "sender": shapes.user(hub, sender or repo.owner),
    }
    return payload | facts


def _merge_group(hub: Hub, repo: Repository, *, number: int) -> dict[str, Any]:
    pull = repo.issues[number].pull
    assert pull is not None
    store = hub.store(repo)
    base = store.branch(pull.base_branch)
    ref = pulls.queue_ref(pull, number, base)
    oid = store.oid(ref)
    if not oid:
        raise ValueError(f"#{number} is not in the merge queue")
    payload = _example(hub, repo, "merge_group.checks_requested")
    group = payload["merge_group"]
    group |= {"head_sha": oid, "head_ref": ref, "base_sha": base, "base_ref": f"refs/heads/{pull.base_branch}"}
    group["head_commit"] = _commit(store, group["head_commit"], oid)
    return payload


def _workflow_run(hub: Hub, repo: Repository, *, run_id: int) -> dict[str, Any]:
    payload = _example(hub, repo, "workflow_run.completed")
    run = repo.runs[run_id]
    shape = shapes.run(hub, repo, run)
    shape["head_commit"] = _commit(hub.store(run.head_repository or repo), payload["workflow_run"]["head_commit"], run.head_oid)
    payload["workflow_run"] = _overlay(payload["workflow_run"], shape)
    payload["workflow"] |= {"name": run.name, "path": run.path}
    return payload | {"sender": shapes.user(hub, run.actor)}


def _workflow_dispatch(
    hub: Hub,
    repo: Repository,
    *,
    inputs: Mapping[str, Any] | None = None,
    ref: str = "",
    workflow: str = ".github/workflows/llmops.yml",
    sender: str = "",
) -> dict[str, Any]:
    payload = _example(hub, repo, "workflow_dispatch")
    facts = {"inputs": dict(inputs or {}), "ref": ref or f"refs/heads/{repo.default_branch}", "workflow": workflow}
    return payload | facts | {"sender": shapes.user(hub, sender or repo.owner)}


def _schedule(
    hub: Hub, repo: Repository, *, cron: str = "17 4 * * *", workflow: str = ".github/workflows/llmops-monitor.yml"
) -> dict[str, Any]:
    """There is no real example of this one: a dispatch's repository and owner, the cron line, and no sender."""
    payload = _example(hub, repo, "workflow_dispatch")
    for key in ("inputs", "ref", "sender"):
        payload.pop(key, None)
    return payload | {"schedule": cron, "workflow": workflow}


_KINDS = {
    "pull_request": _pull_request,
    "push": _push,
    "merge_group": _merge_group,
    "workflow_run": _workflow_run,
    "workflow_dispatch": _workflow_dispatch,
    "schedule": _schedule,
}


def job_environ(
    hub: Hub, repo: Repository, folder: Path, event: str, payload: Mapping[str, Any], run: Run | None
) -> dict[str, str]:
    """GITHUB_SHA and GITHUB_REF are what GitHub sets: for a pull request the merge commit, not its head."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "GITHUB_EVENT_PATH": "event.json",
        "GITHUB_OUTPUT": "output",
        "GITHUB_STEP_SUMMARY": "summary.md",
        "GITHUB_ENV": "env",
    }
    for name in files.values():
        (folder / name).touch()
    (folder / "event.json").write_text(json.dumps(payload), encoding="utf-8")
    ref = _ref_of(event, payload, repo)
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": payload.get("sender", {"login": repo.owner})["login"],
        "GITHUB_API_URL": hub.api_url,
        "GITHUB_SERVER_URL": hub.server_url,
        "GITHUB_REPOSITORY": repo.full_name,
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": ref,
        "GITHUB_SHA": hub.store(repo).oid(ref),
        "GITHUB_RUN_ID": str(run.id if run else hub.next_id()),
        "GITHUB_RUN_ATTEMPT": str(run.attempt if run else 1),
        "GITHUB_WORKSPACE": str(folder),
        "RUNNER_TEMP": str(folder),
        **{name: str(folder / file) for name, file in files.items()},
    }


def _ref_of(event: str, payload: Mapping[str, Any], repo: Repository) -> str:
    if event == "pull_request":
        return f"refs/pull/{payload['number']}/merge"
    if event == "merge_group":
        return str(payload["merge_group"]["head_ref"])
    return str(payload.get("ref", f"refs/heads/{repo.default_branch}"))


def _example(hub: Hub, repo: Repository, name: str) -> dict[str, Any]:
    """A real example whose repository, organization and sender are ours; it comes without an installation."""
    payload = shapes.localised(hub, repo, json.loads((FOLDER / "payloads" / f"{name}.json").read_bytes()))
    payload.pop("installation", None)
    payload["repository"] = _overlay(payload["repository"], shapes.repository(hub, repo))
    payload["sender"] = shapes.user(hub, repo.owner)
    if hub.user(repo.owner).type == "Organization" and "organization" in payload:
        payload["organization"] |= {"login": repo.owner, "id": hub.user(repo.owner).id}
    else:
        payload.pop("organization", None)
    return payload


def _commit(store: GitStore, example: Mapping[str, Any], oid: str) -> dict[str, Any]:
    message = store.run("log", "-1", "--format=%B", oid)
    return {**example, "id": oid, "tree_id": store.oid(oid, "tree"), "message": message}


def _overlay(example: Any, ours: Any) -> Any:
    """Our values for the keys that the real example has, at every depth; what is not an object there is ours."""
    if not isinstance(example, dict) or not isinstance(ours, dict):
        return ours
    newer = {key: ours[key] for key in _NEWER & ours.keys()}
    return newer | {key: _overlay(value, ours[key]) if key in ours else value for key, value in example.items()}


# required by today's description, and younger than some of the examples
_NEWER = {"auto_merge", "has_discussions", "actor", "path", "triggering_actor"}
