"""The wire to llama.cpp's chat completions, in process: what a request becomes, and what its chunks mean. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Request, Usage

DEFAULT_MAX_TOKENS = 256
DEFAULT_SEED = 0
CONTEXT_OVERFLOW = "context_length_exceeded"
# name -> the Python types of its value; whatever is not here would be ignored by the runtime, so it is refused
_PARAMETERS: Mapping[str, tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "min_p": (int, float),
    "max_tokens": (int,),
    "max_completion_tokens": (int,),
    "seed": (int,),
    "stop": (str, list),
    "frequency_penalty": (int, float),
    "presence_penalty": (int, float),
    "repeat_penalty": (int, float),
}
_ROLES = {"developer": "system"}  # one thing under two names; models that run here know the older one
_OVERFLOW = "exceed_context_size_error"
_SEEDS = 2**32 - 1  # the highest one means "random" to llama.cpp


def check_request(request: Request) -> None:
    """Raises ProviderError (bad_request) for what would be ignored or misread by the runtime."""
    if request.tools:
        _refuse(request, "it cannot call tools", hint="use an `api: openai` provider for a config with tools")
    for message in request.messages:
        if not isinstance(message.get("content"), str):
            _refuse(request, "it reads messages of text only")
    for name, value in request.parameters.items():
        kinds = _PARAMETERS.get(name)
        if kinds is None:
            _refuse(request, f"it has no parameter `{name}` (it has: {', '.join(_PARAMETERS)})")
        if not isinstance(value, kinds) or isinstance(value, bool):
            _refuse(request, f"parameter `{name}` cannot be {value!r}")
    if _most_tokens(request) < 1:
        _refuse(request, "a reply must have at least 1 token")


def payload(request: Request, *, grammar: str, neutral: Callable[[str], str]) -> dict[str, Any]:
    """The body for /v1/chat/completions. `neutral` takes the control tokens out of a text."""
    parameters = dict(request.parameters)
    parameters.pop("max_completion_tokens", None)
    body: dict[str, Any] = {
        "messages": [
            {"role": _ROLES.get(message["role"], message["role"]), "content": neutral(message["content"])}
            for message in request.messages
        ],
        "temperature": 0,
        **parameters,
        "max_tokens": _most_tokens(request),
        "seed": (parameters.get("seed", DEFAULT_SEED) + request.sample) % _SEEDS,
        "cache_prompt": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if grammar:
        body["grammar"] = grammar
    return body


def neutralizer(tokens: Sequence[str]) -> Callable[[str], str]:
    """A function that splits every control token in a text with a space after its first character.

    The runtime reads a prompt as one text, chat marks included, so a `<|im_end|>` in a customer's message would end that
    message for the model. Split in two it is plain text. A token of a single character is left out.
    """
    if not tokens:
        return lambda text: text
    longest_first = sorted((re.escape(token) for token in tokens), key=len, reverse=True)
    # a look-ahead finds overlapping tokens too: breaking one must not leave another whole
    found = re.compile(f"(?=({'|'.join(longest_first)}))(.)", re.DOTALL)
    return lambda text: found.sub(lambda match: f"{match[2]} " if len(match[1]) > 1 else "", text)


def reply_of(request: Request, chunks: Iterable[Mapping[str, Any]], *, latency_seconds: float, engine: str) -> Reply:
    """The reply that a stream of chunks makes; an empty one where the messages do not fit the model's context, which is
    the config's failure and is scored. Raises ProviderError when the stream holds another error."""
    texts: list[str] = []
    reason, usage = "", Usage()
    for chunk in chunks:
        if "error" in chunk:
            if chunk["error"].get("type") != _OVERFLOW:
                raise error_of(request, chunk["error"])
            reason = CONTEXT_OVERFLOW
        for choice in chunk.get("choices", ()):
            texts.append(choice.get("delta", {}).get("content") or "")
            reason = choice.get("finish_reason") or reason
        if "usage" in chunk:
            usage = _usage(chunk["usage"])
    return Reply(
        text="".join(texts),
        finish_reason=reason,
        usage=usage,
        latency_seconds=latency_seconds,
        model=request.model,
        engine=engine,
    )


def error_of(request: Request, error: Mapping[str, Any]) -> ProviderError:
    """What an error object of the runtime means: a request that cannot be answered, or a fault of the runtime."""
    kind: ErrorKind = "bad_request" if error.get("code") in range(400, 500) else "server"
    return ProviderError(kind, f"model `{request.model}`: {error.get('message', error)}")


def _most_tokens(request: Request) -> int:
    parameters = request.parameters
    return int(parameters.get("max_completion_tokens", parameters.get("max_tokens", DEFAULT_MAX_TOKENS)))


def _usage(said: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=said.get("prompt_tokens"),
        output_tokens=said.get("completion_tokens"),
        cached_input_tokens=(said.get("prompt_tokens_details") or {}).get("cached_tokens"),
    )


def _refuse(request: Request, message: str, *, hint: str = "") -> NoReturn:
    raise ProviderError("bad_request", f"model `{request.model}` runs in this process: {message}", hint=hint)
