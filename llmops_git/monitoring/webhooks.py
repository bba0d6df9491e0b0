"""Tells webhooks of alerts. It never fails a check: who could not be told is said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from llmops_git.configs.policy import Endpoint

_WAITS = (1.0, 3.0)  # seconds before the second and third try
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def post(
    endpoint: Endpoint, event: Mapping[str, Any], *, environ: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
) -> str:
    """Post an event as JSON; "" when it was taken (a status of 200 to 299), else why not, without address and key.

    Redirects are not followed: the policy names who is told.
    """
    import httpx

    headers = {"Content-Type": "application/json", "User-Agent": "llmops-git"}
    if endpoint.key_env:
        key = environ.get(endpoint.key_env, "")
        if not key:
            return f"{endpoint.key_env} is not set"
        headers["Authorization"] = f"Bearer {key}"
    content = json.dumps(event, ensure_ascii=False).encode()
    said = ""
    with httpx.Client(timeout=endpoint.timeout, follow_redirects=False) as client:
        for wait in (*_WAITS, None):
            try:
                status = client.post(endpoint.url, content=content, headers=headers).status_code
            except (httpx.LocalProtocolError, ValueError):  # a key that cannot be in a header
                return "the key cannot be sent"
            except httpx.HTTPError as error:
                said = type(error).__name__
            else:
                if 200 <= status < 300:  # noqa: PLR2004
                    return ""
                said = f"HTTP {status}"
                if status not in _AGAIN:
                    break
            if wait is not None:
                sleep(wait)
    return said
