"""How another process asks a hub for things: POST /_hub/<method> with the arguments as a JSON object. Loopback only."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from fakehub.githttp import Answer

if TYPE_CHECKING:
    from fakehub.hub import Hub

METHODS = frozenset(
    {
        "add_artifact",
        "add_comment",
        "add_issue",
        "add_ruleset",
        "add_run",
        "add_user",
        "commit",
        "create_repository",
        "delete_repository",
        "event_payload",
        "fail",
        "finish_queue",
        "fork",
        "merge",
        "open_pull_request",
        "queue",
        "status",
        "token",
        "twice",
    }
)
ATTRIBUTES = frozenset({"violations", "log", "server_url", "api_url"})


def serve(hub: Hub, method: str, path: str, body: bytes) -> Answer | None:
    name = path.removeprefix("/_hub/")
    if method == "GET" and name in ATTRIBUTES:
        return _json(200, getattr(hub, name))
    if method != "POST" or name not in METHODS:
        return None
    try:
        with hub.lock:
            return _json(200, getattr(hub, name)(**json.loads(body or b"{}")))
    except (ValueError, TypeError, KeyError) as why:
        return _json(400, {"error": f"{type(why).__name__}: {why}"})


def _json(status: int, value: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(value, default=_plain).encode())


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
