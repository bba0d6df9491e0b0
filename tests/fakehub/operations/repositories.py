"""The repository itself, who may do what in it, its refs and rulesets; the caller and its rate limit."""

from __future__ import annotations

import time
from typing import Any

from fakehub import shapes
from fakehub.api import Call, Problem, Reply, operation


@operation("users/get-authenticated", needs="")
def me(call: Call) -> Reply:
    if call.token is None:
        raise Problem(401, "Requires authentication")
    if call.token.installation:
        raise Problem(403, "Resource not accessible by integration")
    shape = shapes.localised(call.hub, call.repo, call.hub.contract.example("users/get-authenticated"))
    return Reply(200, shape | shapes.user(call.hub, call.login))


@operation("rate-limit/get", needs="")
def rate_limit(call: Call) -> Reply:
    if call.hub.enterprise:
        raise Problem(404, "Rate limiting is not enabled.")
    rate = {
        "limit": call.hub.rate,
        "used": call.hub.used,
        "remaining": call.hub.rate - call.hub.used,
        "reset": int(time.time()) + 3600,
    }
    return Reply(200, {"resources": {"core": rate, "search": rate}, "rate": rate})


@operation("repos/get", needs="metadata=read")
def get_repository(call: Call) -> Reply:
    return Reply(200, shapes.repository(call.hub, call.repo, full=True))


@operation("repos/get-collaborator-permission-level", needs="metadata=read", role="write")
def permission(call: Call) -> Reply:
    if call.token is None:
        raise Problem(401, "Requires authentication")
    login = call["username"]
    if login not in call.hub.users:
        raise Problem(404, f"{login} is not a user")
    role = call.repo.role(login)
    flags = {
        "admin": role == "admin",
        "maintain": role == "admin",
        "push": role in {"write", "admin"},
        "triage": role in {"write", "admin"},
    }
    person: dict[str, Any] = shapes.user(call.hub, login)
    person |= {"permissions": {**flags, "pull": role != "none"}, "role_name": role}
    return Reply(200, {"permission": role, "role_name": role, "user": person})


@operation("git/get-ref", needs="contents=read")
def get_ref(call: Call) -> Reply:
    for found in call.hub.store(call.repo).refs(f"refs/{call['ref']}"):
        if found[0] == f"refs/{call['ref']}":
            return Reply(200, _ref(call, *found))
    raise Problem(404, "Not Found")


@operation("git/list-matching-refs", needs="contents=read")
def matching_refs(call: Call) -> Reply:
    """All of them, on one page."""
    return Reply(200, [_ref(call, *found) for found in call.hub.store(call.repo).refs(f"refs/{call['ref']}")])


@operation("git/get-tag", needs="contents=read")
def get_tag(call: Call) -> Reply:
    store = call.hub.store(call.repo)
    if not store.oid(call["tag_sha"], "tag"):
        raise Problem(404, "Not Found")
    head, _, message = store.run("cat-file", "tag", call["tag_sha"]).partition("\n\n")
    lines = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = lines["tagger"].partition(" <")
    url = f"{call.hub.api_url}/repos/{call.repo.full_name}/git"
    body = {
        "node_id": shapes.node("Tag", call.repo.id),
        "tag": lines["tag"],
        "sha": call["tag_sha"],
        "url": f"{url}/tags/{call['tag_sha']}",
        "message": message + "\n",
        "tagger": {"name": name, "email": rest.partition(">")[0], "date": "2026-01-02T03:04:05Z"},
        "object": {"type": lines["type"], "sha": lines["object"], "url": f"{url}/{lines['type']}s/{lines['object']}"},
        "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None},
    }
    return Reply(200, body)


@operation("repos/get-repo-rulesets", needs="metadata=read")
def list_rulesets(call: Call) -> Reply:
    """Without their rules, as GitHub lists them."""
    shown, headers = call.page([_ruleset(call, known) for known in call.repo.rulesets])
    return Reply(
        200, [{key: value for key, value in known.items() if key not in {"rules", "conditions"}} for known in shown], headers
    )


@operation("repos/create-repo-ruleset", needs="administration=write", role="admin")
def create_ruleset(call: Call) -> Reply:
    """From now on the pre-receive hook and merges obey it."""
    names = ((call.body.get("conditions") or {}).get("ref_name") or {}).get("include", [])
    if call.body.get("target", "branch") != "push" and any(not name.startswith(("refs/", "~")) for name in names):
        raise Problem(
            422,
            "Validation Failed",
            [{"resource": "Ruleset", "code": "custom", "message": f"Invalid target patterns: {names}"}],
        )
    return Reply(201, _ruleset(call, call.hub.add_ruleset(call.repo.full_name, call.body)))


def _ref(call: Call, name: str, oid: str, kind: str) -> dict[str, Any]:
    url = f"{call.hub.api_url}/repos/{call.repo.full_name}/git"
    target = {"type": kind, "sha": oid, "url": f"{url}/{kind}s/{oid}"}
    return {"ref": name, "node_id": shapes.node(name, call.repo.id), "url": f"{url}/{name}", "object": target}


def _ruleset(call: Call, known: dict[str, Any]) -> dict[str, Any]:
    return {"target": "branch", **known, "source": call.repo.full_name, "source_type": "Repository"}
