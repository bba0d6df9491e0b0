"""A server that limits requests, in its own process: a bucket that fills all the time.

`python limited.py RATE BURST LATENCY [headers] [counts]` prints its port. With `headers` each response says what is left; with
`counts` refused requests take from the bucket too. `GET /stats` gives {"requests", "refused", "span"} since it was last asked,
`span` being the seconds from the first arrival to the last answer, then forgets and fills the bucket.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time

from server import REPLY, Connection

REFUSAL = json.dumps({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}).encode()


class Bucket:
    """What is left, and what happened."""

    rate = burst = level = at = 0.0
    headers = counts = False
    requests = refused = 0
    first = last = 0.0


class Limited(Connection):
    """Answers, or refuses at once."""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        if self.buffer.startswith(b"GET"):
            self.buffer = b""
            self._tell()
            return
        head = self.buffer[:end].lower()
        start = head.find(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else end])
        if len(self.buffer) < end + 4 + length:
            return
        self.buffer = self.buffer[end + 4 + length :]
        self._admit(time.perf_counter())

    def _admit(self, now: float) -> None:
        Bucket.first = Bucket.first or now
        Bucket.requests += 1
        Bucket.level, Bucket.at = min(Bucket.level + (now - Bucket.at) * Bucket.rate, Bucket.burst), now
        allowed = Bucket.level >= 1
        if allowed or Bucket.counts:
            Bucket.level = max(Bucket.level - 1, -Bucket.burst)
        fields = b""
        if Bucket.headers:
            left = max(Bucket.level, 0.0)
            full = (Bucket.burst - left) / Bucket.rate
            fields = b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\nx-ratelimit-reset-requests: %dms\r\n" % (
                Bucket.burst, left, math.ceil(full * 1000),
            )  # fmt: skip
        if allowed:
            asyncio.get_running_loop().call_later(Connection.latency, self._write, b"200 OK", fields, REPLY)
            return
        Bucket.refused += 1
        fields += b"retry-after: %d\r\n" % math.ceil((1 - Bucket.level) / Bucket.rate)
        self._write(b"429 Too Many Requests", fields, REFUSAL)

    def _write(self, status: bytes, fields: bytes, body: bytes) -> None:
        Bucket.last = time.perf_counter()
        if not self.transport.is_closing():
            head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n" % (
                status,
                fields,
                len(body),
            )
            self.transport.write(head + body)

    def _tell(self) -> None:
        body = {"requests": Bucket.requests, "refused": Bucket.refused, "span": Bucket.last - Bucket.first}
        Bucket.requests = Bucket.refused = 0
        Bucket.first = Bucket.last = 0.0
        Bucket.level = Bucket.burst
        self._write(b"200 OK", b"", json.dumps(body).encode())


async def main(rate: float, burst: float, latency: float, *words: str) -> None:
    Bucket.rate, Bucket.burst, Bucket.level = rate, burst, burst
    Bucket.headers, Bucket.counts = "headers" in words, "counts" in words
    Connection.latency = latency
    server = await asyncio.get_running_loop().create_server(Limited, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*(float(word) for word in sys.argv[1:4]), *sys.argv[4:]))
