"""What a call to a model says in its span: what was asked and answered, by whom, with how many tokens, for what money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llmops_git.runtime.steps import AsJson
from llmops_git.traces import attributes as names
from llmops_git.traces.content import input_parts, output_parts

if TYPE_CHECKING:
    from llmops_git.providers.base import Reply, Usage

CostOf = Callable[[str, str, "Usage"], float | None]  # provider, model, tokens -> US dollars


def chat_attributes(known: Mapping[str, Any], reply: Any, cost_of: CostOf) -> dict[str, Any]:
    """What a call says besides what is `known`. `reply` is whatever an SDK gave back; None where there was none."""
    from llmops_git.runtime.replies import reply_from

    said: dict[str, Any] = {}
    messages = known.get(names.INPUT_MESSAGES)
    if messages:
        said[names.INPUT_MESSAGES] = AsJson(input_parts([_mapping(message) for message in messages], str))
    if reply is None:
        return said
    answer = reply_from(reply)
    said |= reply_attributes(answer.reply)
    said[names.RESPONSE_ID] = answer.id or None
    if known.get(names.COST_USD) is None:
        cost = answer.cost_usd
        if cost is None:
            model = str(known.get(names.REQUEST_MODEL) or answer.reply.model)
            cost = cost_of(str(known.get(names.PROVIDER, "")), model, answer.reply.usage)
        said[names.COST_USD] = cost
    return said


def reply_attributes(reply: Reply) -> dict[str, Any]:
    """What a reply says of itself. What it does not know is None."""
    usage = reply.usage
    said: dict[str, Any] = {
        names.OUTPUT_MESSAGES: AsJson(output_parts(reply.text, reply.tool_calls, reply.finish_reason, str)),
        names.RESPONSE_MODEL: reply.model or None,
        names.ENGINE: reply.engine or None,
        names.FINISH_REASONS: (reply.finish_reason,) if reply.finish_reason else None,
        names.INPUT_TOKENS: usage.input_tokens,
        names.OUTPUT_TOKENS: usage.output_tokens,
        names.CACHED_INPUT_TOKENS: usage.cached_input_tokens,
        names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        names.REASONING_TOKENS: usage.reasoning_tokens,
    }
    if reply.ttft_seconds is not None:
        said[names.FIRST_CHUNK] = reply.ttft_seconds
    return said


def _mapping(message: Any) -> Mapping[str, Any]:
    """A message of a request; SDKs take back their own objects as messages."""
    if isinstance(message, Mapping):
        return message
    from llmops_git.runtime.replies import as_json

    return as_json(message)
