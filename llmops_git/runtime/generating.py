"""`request.generate`: guard the inputs, render, ask, call tools, guard the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops_git.runtime.guarding import BLOCKED

if TYPE_CHECKING:
    from llmops_git.providers.base import ProviderError, Reply
    from llmops_git.runtime.request import Request

FIRST_WAIT = 0.5  # seconds before a call is tried again
LONGEST_WAIT = 10.0
DEFAULT_STEPS = 6
Tools = Mapping[str, Callable[..., Any]]


def generate(request: Request, inputs: Mapping[str, Any], *, documents: Any, tools: Tools, retries: int) -> Reply:
    """The reply for some inputs. Raises LlmopsError, ProviderError, and what a tool raises."""
    from llmops_git.providers.base import Reply

    inputs, message = request.guard_inputs(inputs)
    if message is not None:
        return Reply(text=message, finish_reason=BLOCKED)
    messages = request.messages(inputs, documents=documents)
    reply = _asked(request, messages, retries)
    for _ in range(1, int(request.bundle.resolved.get("max_steps", DEFAULT_STEPS))):
        if not reply.tool_calls or not tools:
            break
        messages = [*messages, _said(reply), *(_told(request, call, tools) for call in reply.tool_calls)]
        reply = _asked(request, messages, retries)
    return _guarded(request, reply)


def _guarded(request: Request, reply: Reply) -> Reply:
    if not reply.text:
        return reply
    verdict = request.guard_output(reply.text)
    if not verdict.allowed:
        return replace(reply, text=verdict.text, finish_reason=BLOCKED, tool_calls=())
    return reply if verdict.text == reply.text else replace(reply, text=verdict.text)


def _asked(request: Request, messages: list[dict[str, Any]], retries: int) -> Reply:
    """Ask, and ask again what may go better the next time. Each time is a span."""
    from llmops_git.providers.base import ProviderError

    failures = 0
    while True:
        try:
            return request.ask(messages)
        except ProviderError as error:
            failures += 1
            wait = wait_after(error, failures)
            if failures > retries or wait is None:
                raise
        time.sleep(wait)


def wait_after(error: ProviderError, failures: int) -> float | None:
    """Seconds to wait before asking again; None where that is of no use, or would take longer than an application has."""
    wait = max(FIRST_WAIT * 2.0 ** (failures - 1), error.retry_after or 0.0)
    return wait if error.retryable and wait <= LONGEST_WAIT else None


def _said(reply: Reply) -> dict[str, Any]:
    """The assistant's message that calls tools."""
    calls = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for call in reply.tool_calls
    ]
    return {"role": "assistant", "content": reply.text, "tool_calls": calls}


def _told(request: Request, call: Mapping[str, Any], tools: Tools) -> dict[str, Any]:
    """The message with a tool's result. A call of no tool, or with arguments that are none, is the model's mistake, which it is
    told."""
    name, written = str(call["name"]), call["arguments"]
    try:
        arguments = json.loads(written or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if name not in tools:
        result: Any = f"error: there is no tool `{name}`"
    elif not isinstance(arguments, dict):
        result = "error: the arguments are no JSON object"
    else:
        result = request.tool(name, arguments, tools[name], id=str(call["id"]))
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    return {"role": "tool", "tool_call_id": call["id"], "content": text}
