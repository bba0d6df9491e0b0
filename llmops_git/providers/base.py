"""What every provider speaks: a request, a reply, and errors with a class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import rfc8785

from llmops_git.errors import NotMeasured

ErrorKind = Literal["rate_limit", "server", "timeout", "network", "auth", "bad_request", "replay_miss"]
_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
RETRYABLE: frozenset[ErrorKind] = frozenset({"rate_limit", "server", "timeout", "network"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call to a model, fully resolved: this is what reaches the model.

    `messages` are {"role", "content"} objects; in a tool loop also, as chat completions have them, {"role": "assistant",
    "content", "tool_calls": [{"id", "type": "function", "function": {"name", "arguments"}}]} and {"role": "tool",
    "tool_call_id", "content"}; `parameters` the sampling parameters of the config;
    `output_schema` a JSON Schema to constrain the reply where the API can; `tools` JSON tool definitions.
    `sample` says which draw of the same request this is: repeats are told apart by it and by nothing else, so a provider
    that is given a seed adds it to the seed.
    """

    provider: str
    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    sample: int = 0

    def key(self, sample: int) -> str:
        """Hex sha256 of the canonical JSON of the request and the sample index: equal keys are the same purchase."""
        parts = (  # sorted by name, as canonical JSON is
            ("messages", _canonical_messages(self.messages)),
            ("model", rfc8785.dumps(self.model)),
            ("output_schema", rfc8785.dumps(None if self.output_schema is None else dict(self.output_schema))),
            ("parameters", rfc8785.dumps(dict(self.parameters))),
            ("provider", rfc8785.dumps(self.provider)),
            ("sample", rfc8785.dumps(sample)),
            ("tools", rfc8785.dumps([dict(tool) for tool in self.tools])),
        )
        value = b",".join(b'"%b":%b' % (name.encode(), text) for name, text in parts)
        return hashlib.sha256(b"{%b}" % value).hexdigest()


def _canonical_messages(messages: tuple[Mapping[str, Any], ...]) -> bytes:
    """The canonical JSON of messages. For text alone the standard library writes the same bytes, ten times as fast."""
    plain = [dict(message) for message in messages]
    if all(name.isascii() and isinstance(text, str) for message in plain for name, text in message.items()):
        return _PLAIN.encode(plain).encode()
    return rfc8785.dumps(plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call; None means the provider did not say.

    `input_tokens` includes those read from a cache and those written to one; `output_tokens` includes the reasoning ones.
    Wires that count them apart are brought to this form.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """One limit as the server told it: `limit` per window, of which `remaining` are left; all of it is free again in
    `reset_seconds`. None means the server did not say. How long the window is no vendor tells."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What the headers of one response say about pace. `tokens` is the limit on all tokens together; a vendor that limits
    them apart fills `input_tokens` and `output_tokens`. `retry_after` is the server's hint in seconds."""

    requests: RateLimit | None = None
    tokens: RateLimit | None = None
    input_tokens: RateLimit | None = None
    output_tokens: RateLimit | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. `latency_seconds` is the time from the request's start to its last byte, without any waiting
    in our own queues; `engine` identifies the software that answered (version, architecture), as far as known."""

    text: str
    finish_reason: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    usage: Usage = Usage()
    latency_seconds: float = 0.0
    ttft_seconds: float | None = None  # time to the first token, None where the reply was not streamed
    model: str = ""
    engine: str = ""
    trace: tuple[Mapping[str, Any], ...] = ()  # the steps that an application told of itself
    rate_limits: RateLimits | None = None  # of the moment: neither cached nor recorded


class ProviderError(NotMeasured):
    """A call that gave no reply. `retry_after` is the server's hint in seconds, if it gave one; `charged` says that the
    server may have done the work, and billed it, although no reply came back; `rate_limits` is what its headers say."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_after: float | None = None,
        charged: bool = False,
        hint: str = "",
        rate_limits: RateLimits | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retry_after = retry_after
        self.charged = charged
        self.rate_limits = rate_limits

    @property
    def retryable(self) -> bool:
        return self.kind in RETRYABLE


class Provider(Protocol):
    """One wire to a model. `generate` is called from many threads at once, each thread with its own `worker` number."""

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""

    def fingerprint(self) -> str:
        """What answers: runtime name, version, architecture; recorded as evidence."""

    def generate(self, request: Request, *, worker: int) -> Reply:
        """Ask once, without retrying. Raises ProviderError."""

    def close(self) -> None:
        """Free connections and models."""
