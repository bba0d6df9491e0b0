"""What the wires share, pure: classes of statuses, texts without lone surrogates, counts, and what a dialect is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Request

CONTEXT_OVERFLOW = "context_length_exceeded"  # the prompt does not fit the model: the config's failure, not the provider's
CONTENT_FILTER = "content_filter"  # the prompt or the reply was blocked
DEFAULT_OUTPUT_TOKENS = 4096  # where an API must be told a limit and the config sets none
SHOWN = 300  # characters of a server's own words that go into a message
_COMPACT = json.JSONEncoder(separators=(",", ":"))
_REQUEST_TIMEOUT, _TOO_MANY, _SERVER = 408, 429, 500
_AUTH = frozenset({401, 402, 403})
_TRY_AGAIN = frozenset({409, 425})
NO_JSON = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)  # what reading foreign JSON raises


class Incoming(Protocol):
    """A reply that comes in events."""

    @property
    def started(self) -> bool:
        """Whether something of the answer itself is there: text, a refusal or a tool call, and not only reasoning."""

    @property
    def done(self) -> bool:
        """Whether the server said that nothing more follows."""

    def take(self, data: bytes) -> None:
        """One event. Raises ProviderError for one that is none, or that carries an error."""

    def reply(self) -> Reply:
        """The whole reply, without its times. Raises ProviderError where the stream ended before it was whole."""


class Dialect(Protocol):
    """How one API says things. It does no I/O."""

    name: str
    example: str  # a base address

    def path(self, request: Request, *, stream: bool) -> str:
        """What is added to the base address, query included. Raises ProviderError."""

    def headers(self, key: str) -> Mapping[str, str]:
        """Headers of every request; `key` is "" where there is none."""

    def body(self, request: Request, *, stream: bool) -> bytes:
        """The request's JSON. Raises ProviderError (bad_request) for what the API cannot say."""

    def reply(self, content: bytes, request: Request) -> Reply:
        """The reply in the body of a success, without its times. Raises ProviderError (server) when it is none."""

    def incoming(self, request: Request) -> Incoming:
        """A reader of a streamed success."""

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        """What a status that is not a success means: an error, or the reply of a config that asked for what it cannot have."""


def encoded(body: Mapping[str, Any]) -> bytes:
    """Compact JSON."""
    return _COMPACT.encode(body).encode()


def parameters_of(request: Request, reserved: frozenset[str]) -> dict[str, Any]:
    """The request's parameters with `extra` among them. Raises ProviderError where they set what is not theirs to set."""
    parameters = dict(request.parameters)
    parameters.update(parameters.pop("extra", None) or {})
    taken = sorted(reserved & parameters.keys())
    if taken:
        raise ProviderError("bad_request", f"parameters may not set {', '.join(taken)}")
    return parameters


def kind_of(status: int) -> ErrorKind:
    """The class of a status code that is not a success."""
    if status in _AUTH:
        return "auth"
    if status == _REQUEST_TIMEOUT:
        return "timeout"
    if status == _TOO_MANY:
        return "rate_limit"
    if status >= _SERVER or status in _TRY_AGAIN:
        return "server"
    return "bad_request"


def refusal_of(status: int, words: str, *, kind: ErrorKind | None = None, retry_after: float | None = None) -> ProviderError:
    """The error of a status that is not a success, in the server's words."""
    kind = kind or kind_of(status)
    hint = "check the key, and that its account may use this model and has money" if kind == "auth" else ""
    if 300 <= status < 400:  # noqa: PLR2004
        words = "it redirects, and the key goes nowhere else; set base_url to the final address"
    return ProviderError(kind, f"HTTP {status}: {words}", retry_after=retry_after, hint=hint)


def no_reply(content: bytes, what: str) -> NoReturn:
    """Raises the error of a success that holds something else."""
    raise ProviderError("server", f"the reply is not {what}: {shown(content)}", charged=True) from None


def cut_off() -> ProviderError:
    """The error of a stream that ended too soon. Part of a text is no text."""
    return ProviderError("server", "the stream ended before the reply was whole", charged=True)


def whole(text: Any) -> str:
    """Text without lone surrogates, which JSON can carry and UTF-8 cannot. Two that make one character become it."""
    if not isinstance(text, str):
        raise TypeError(f"expected text, found {type(text).__name__}")
    said: str = text
    try:
        said.encode()
    except UnicodeEncodeError:
        pairs = said.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return pairs.encode("utf-8", "replace").decode()
    return said


def count(value: Any) -> int | None:
    """A number of tokens; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def total(*counts: int | None) -> int | None:
    """The sum of the counts that are known; None where none is."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None


def error_object(content: bytes) -> Any:
    """The `error` of a JSON body; None where there is none. Some servers wrap the body in a list."""
    try:
        document = json.loads(content)
        return (document[0] if isinstance(document, list) else document)["error"]
    except NO_JSON:
        return None


def error_words(content: bytes) -> str:
    """What an error's body says, cut to a readable length."""
    error = error_object(content)
    message = error.get("message") if isinstance(error, dict) else error
    return whole(message)[:SHOWN] if message and isinstance(message, str) else shown(content)


def shown(content: bytes) -> str:
    """The beginning of a body."""
    return content[:SHOWN].decode("utf-8", "replace") or "(empty)"
