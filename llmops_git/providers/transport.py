"""An httpx transport over the standard library: one keep-alive connection, a deadline, and honest times.

Why not httpx's own: a worker here needs exactly one connection, and its pool costs several times the CPU of
`http.client`; under 128 threads that CPU time is queueing, and it would be reported as the model's latency. The times are
taken at the socket: from the first byte of the request handed to the system to the last byte of the reply taken from it,
without connecting. It speaks HTTP/1.1 to the server itself; where a proxy is configured, httpx's transport is used.
"""

from __future__ import annotations

import http
import http.client
import io
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import httpx

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SECONDS = "llmops.seconds"  # response extension: seconds from first byte out to last byte in
WATCH = "llmops.watch"  # request extension: a Watch, which gets the pieces of an event stream as they come
STREAMED = "llmops.streamed"  # response extension: the body went to the watch
EVENT_STREAM = "text/event-stream"
# Gets a piece and the seconds at which it came. "first" as long as the time of the next piece matters, "more" when only the
# end does, "whole" when nothing more is wanted.
Watch = Callable[[bytes, float], Literal["first", "more", "whole"]]
_PIECE = 65_536
_REST = 0.025  # seconds between reads of a stream that is under way: waking up for each token is what streaming costs
_HAS_AGE = sys.platform == "linux"
_LAST_DATA = 52  # where the kernel's tcp_info has tcpi_last_data_recv, in milliseconds (linux/tcp.h)
_LINGER = 0.5  # seconds for which the end of a stream is waited for, so that its connection can be used again
_FORBIDDEN = (b"\r", b"\n", b"\0")


class ReplyTooLarge(httpx.TransportError):
    """The reply is larger than we are willing to hold."""


class DirectTransport(httpx.BaseTransport):
    """One connection to one server at a time; not to be shared between threads.

    `timeout` bounds a whole request in seconds, connecting included; `max_bytes` bounds the body of the reply, and
    `max_stream_bytes` that of a streamed one.
    """

    def __init__(
        self, *, timeout: float, max_bytes: int, max_stream_bytes: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._max_stream_bytes = max_stream_bytes or max_bytes
        self._context = context
        self._wire: _Wire | None = None
        self._origin: tuple[str, str, int] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and read the whole reply. Raises httpx.TransportError, and what a watch raises."""
        watch: Watch | None = request.extensions.get(WATCH)
        deadline = time.monotonic() + self._timeout
        head = _head(request)
        body = request.read()
        wire = self._connected(request.url, deadline)
        try:
            started = time.perf_counter()
            wire.send(head + body)
            reply = http.client.HTTPResponse(wire, method=request.method)  # type: ignore[arg-type]
            reply.begin()
            streamed = watch is not None and is_event_stream(reply.status, reply.getheader("content-type", ""))
            content = b""
            if watch is not None and streamed:
                seconds = self._stream(reply, wire, watch, started)
            else:
                content = self._content(reply)
                seconds = wire.last_byte - started
        except BaseException as error:
            self.close()
            translated = _translated(error)
            if translated is error:
                raise
            raise translated from error
        if reply.will_close:
            self.close()
        return httpx.Response(
            reply.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.getheaders()],
            stream=httpx.ByteStream(content),
            extensions={SECONDS: seconds, STREAMED: streamed},
        )

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _connected(self, url: httpx.URL, deadline: float) -> _Wire:
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80))
        if self._wire is None or self._origin != origin or self._wire.stale():
            self.close()
            self._wire = _Wire(_connect(origin, self._context, deadline))
            self._origin = origin
        self._wire.deadline = deadline
        self._wire.unhurried = False
        return self._wire

    def _stream(self, reply: http.client.HTTPResponse, wire: _Wire, watch: Watch, started: float) -> float:
        """Hand the body to the watch; the seconds at which the last piece that it wanted came."""
        size = 0
        for piece in _pieces(reply):
            size += len(piece)
            if size > self._max_stream_bytes:
                raise ReplyTooLarge(f"the reply is larger than {self._max_stream_bytes} bytes")
            seconds = wire.last_byte - started
            wanted = watch(piece, seconds)
            if wanted == "whole":
                self._finish(reply, wire)
                return seconds
            wire.unhurried = wanted == "more" and _HAS_AGE
        return wire.last_byte - started

    def _finish(self, reply: http.client.HTTPResponse, wire: _Wire) -> None:
        """Read what follows the end of a stream, which is nothing but the end of the body; else the connection is given up."""
        wire.unhurried = False
        wire.deadline = min(wire.deadline, time.monotonic() + _LINGER)
        try:
            if reply.length is not None or reply.read1(_PIECE):
                self.close()
        except (OSError, http.client.HTTPException):
            self.close()

    def _content(self, reply: http.client.HTTPResponse) -> bytes:
        length = reply.length
        if length is not None and length > self._max_bytes:
            raise ReplyTooLarge(f"the reply is larger than {self._max_bytes} bytes")
        content = reply.read(self._max_bytes + 1 if length is None else length)
        if length is not None and len(content) < length:
            raise http.client.IncompleteRead(content, length - len(content))
        if len(content) > self._max_bytes:
            raise ReplyTooLarge(f"the reply is larger than {self._max_bytes} bytes")
        return content


class _Wire:
    """A socket as `http.client` reads it, with a deadline on every wait and the time of the last byte."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.deadline = 0.0
        self.last_byte = 0.0
        self.unhurried = False  # rest before reading, so that tokens are not read one by one

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def receive(self, buffer: WriteableBuffer) -> int:
        rested = self.unhurried and not self._readable()
        if rested:
            time.sleep(_REST)
        self._socket.settimeout(self._left())
        count = self._socket.recv_into(buffer)
        now = time.perf_counter()
        # what was read after a rest had come before: the system knows when
        self.last_byte = max(now - self._age(), self.last_byte) if rested else now
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def stale(self) -> bool:
        """Whether the server closed the connection, or sent something nobody asked for, while it was idle."""
        return self._readable()

    def _readable(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        if not hasattr(select, "poll"):  # Windows
            return bool(select.select([self._socket], [], [], 0)[0])
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def close(self) -> None:
        self._socket.close()

    def _age(self) -> float:
        """Seconds since data last came, in steps of some milliseconds; Linux tells."""
        told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA + 4)
        return int.from_bytes(told[_LAST_DATA:], sys.byteorder) / 1000

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this request is over")
        return left


class _Incoming(io.RawIOBase):
    """The reading side of a wire. Closing it leaves the socket open for the next request."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._wire.receive(buffer)


def is_event_stream(status: int, content_type: str) -> bool:
    """Whether a response is a success that comes in events."""
    return status == http.HTTPStatus.OK and content_type.lower().startswith(EVENT_STREAM)


def _pieces(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes: by chunks, by its length, or to the end of the connection."""
    if reply.chunked:
        while piece := reply.read1(_PIECE):
            yield piece
        return
    left = reply.length
    while left is None or left > 0:
        piece = reply.fp.read1(_PIECE if left is None else min(left, _PIECE))
        if not piece:
            break
        yield piece
        left = None if left is None else left - len(piece)
    if left:
        raise http.client.IncompleteRead(b"", left)


def _connect(origin: tuple[str, str, int], context: ssl.SSLContext | None, deadline: float) -> socket.socket:
    scheme, host, port = origin
    connected = None
    try:
        connected = socket.create_connection((host, port), timeout=max(deadline - time.monotonic(), 0.001))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            connected = (context or ssl.create_default_context()).wrap_socket(connected, server_hostname=host)
    except BaseException as error:
        if connected is not None:
            connected.close()
        if isinstance(error, TimeoutError):
            raise httpx.ConnectTimeout(f"no connection to {host}:{port} in time") from error
        if isinstance(error, (OSError, UnicodeError)):
            raise httpx.ConnectError(f"cannot connect to {host}:{port}: {error}") from error
        raise
    return connected


def _head(request: httpx.Request) -> bytes:
    """The request line and headers. Raises httpx.LocalProtocolError where a value would break out of its line."""
    fields = [(b"%b: %b" % (name, value)) for name, value in request.headers.raw]
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path), *fields]
    if any(mark in line for line in lines for mark in _FORBIDDEN):
        raise httpx.LocalProtocolError("a header holds a line break")
    return b"\r\n".join([*lines, b"", b""])


def _translated(error: BaseException) -> BaseException:
    """What went wrong, in httpx's words; anything that is not about the wire stays what it is."""
    match error:
        case httpx.HTTPError():
            return error
        case TimeoutError():
            return httpx.ReadTimeout(str(error) or "the server did not answer in time")
        case http.client.IncompleteRead():
            return httpx.RemoteProtocolError("the reply was cut off")
        case http.client.RemoteDisconnected():
            return httpx.ReadError("the server closed the connection without an answer")
        case http.client.HTTPException() | ValueError():
            return httpx.RemoteProtocolError(f"the server does not speak HTTP: {type(error).__name__}")
        case OSError():
            return httpx.ReadError(str(error) or type(error).__name__)
        case _:
            return error
