"""What a config asks the model for a case: the pure step from (config, case, documents) to a request."""

from __future__ import annotations

import json
from collections.abc import Sequence

from llmops_git.configs.template import render_messages
from llmops_git.configs.values import Case, Config, JsonObject
from llmops_git.providers.base import Request

DEFAULT_OUTPUT_TOKENS = 4096  # what a reply is reckoned with where the config sets no limit
_MESSAGE_TOKENS = 16  # reckoned per message for the marks that a chat format puts around it
CHARACTERS_PER_TOKEN = 4


def render_request(config: Config, case: Case, documents: Sequence[JsonObject] = ()) -> Request:
    """The request of a config for a case. Raises InvalidInput when a template fails on these inputs."""
    resolved = config.resolved
    if "target" in resolved:
        return _for_application(config, case)
    model, output = resolved["model"], resolved.get("output") or {}
    return Request(
        provider=model["provider"],
        model=model["id"],
        messages=render_messages(resolved, case.inputs, documents=tuple(documents)),
        parameters=model.get("parameters") or {},
        output_schema=output.get("schema"),
        tools=tuple(resolved.get("tools") or ()),
    )


def _for_application(config: Config, case: Case) -> Request:
    """What an application is asked: the inputs. The config goes with them as a bundle, which its digest stands for."""
    inputs = json.dumps(case.inputs, ensure_ascii=False, sort_keys=True)
    return Request(
        provider=config.answered_by,
        model=config.model,
        messages=({"role": "user", "content": inputs},),
        parameters={"bundle": config.digest},
    )


def output_token_limit(request: Request) -> int:
    """The most tokens that the reply can have."""
    parameters = request.parameters
    return int(parameters.get("max_completion_tokens") or parameters.get("max_tokens") or DEFAULT_OUTPUT_TOKENS)


def estimated_input_tokens(request: Request) -> int:
    """About how many tokens the request has: four characters each. For a plan, not for a bill."""
    return _characters(request, encoded=False) // CHARACTERS_PER_TOKEN + _MESSAGE_TOKENS * len(request.messages) // 4


def most_input_tokens(request: Request) -> int:
    """No tokenizer makes more tokens of the request than this: one for each byte, and the marks around messages."""
    return _characters(request, encoded=True) + _MESSAGE_TOKENS * (len(request.messages) + 1)


def _characters(request: Request, *, encoded: bool) -> int:
    texts = [str(message.get("content") or "") for message in request.messages]
    texts += [str(message["tool_calls"]) for message in request.messages if "tool_calls" in message]
    texts += [str(part) for part in (request.output_schema, *request.tools) if part is not None]
    return sum(len(text.encode(errors="replace")) if encoded else len(text) for text in texts)
