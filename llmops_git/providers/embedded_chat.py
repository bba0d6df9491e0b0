"""The wire to llama.cpp's chat completions, in process: what a request becomes, and what its chunks mean. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Request, Usage

DEFAULT_MAX_TOKENS = 256
DEFAULT_SEED = 0
# name -> the Python types of its value; whatever is not here would be ignored by the runtime, so it is refused
_PARAMETERS: Mapping[str, tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "top_k": (int,),
    "min_p": (int, float),
    "max_tokens": (int,),
    "seed": (int,),
    "stop": (str, list),
    "frequency_penalty": (int, float),
    "presence_penalty": (int, float),
    "repeat_penalty": (int, float),
}
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
    if request.parameters.get("max_tokens", 1) < 1:
        _refuse(request, "parameter `max_tokens` must be at least 1")


def payload(request: Request, *, grammar: str, neutral: Callable[[str], str]) -> dict[str, Any]:
    """The body for /v1/chat/completions. `neutral` takes the control tokens out of a text."""
    parameters = dict(request.parameters)
    seed = parameters.pop("seed", DEFAULT_SEED)
    body: dict[str, Any] = {
        "messages": [{"role": message["role"], "content": neutral(message["content"])} for message in request.messages],
        "temperature": 0,
        "max_tokens": DEFAULT_MAX_TOKENS,
        **parameters,
        "seed": (seed + request.sample) % _SEEDS,
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
    """The reply that a stream of chunks makes. Raises ProviderError when the stream holds an error instead."""
    texts: list[str] = []
    reason, usage = "", Usage()
    for chunk in chunks:
        if "error" in chunk:
            raise error_of(request, chunk["error"])
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
    message = str(error.get("message", error))
    if error.get("type") == "exceed_context_size_error":
        asked, size = error.get("n_prompt_tokens"), error.get("n_ctx")
        message = f"the messages are {asked} tokens long, and its context holds {size}"
    kind: ErrorKind = "bad_request" if error.get("code") in range(400, 500) else "server"
    return ProviderError(kind, f"model `{request.model}`: {message}")


def _usage(said: Mapping[str, Any]) -> Usage:
    return Usage(
        input_tokens=said.get("prompt_tokens"),
        output_tokens=said.get("completion_tokens"),
        cached_input_tokens=(said.get("prompt_tokens_details") or {}).get("cached_tokens"),
    )


def _refuse(request: Request, message: str, *, hint: str = "") -> NoReturn:
    raise ProviderError("bad_request", f"model `{request.model}` runs in this process: {message}", hint=hint)
