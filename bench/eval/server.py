"""A cheap OpenAI-compatible server in its own process: answers chat completions after a fixed time, and knows the truth.

`python server.py LATENCY_SECONDS` prints its port. `GET /stats` gives, since the last time it was asked, the number of
requests and the 99th percentile of the seconds between the last byte of a request and the first of its reply, then forgets.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

REPLY = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "model": "bench-model-2026-01-01",
        "system_fingerprint": "fp_bench",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": json.dumps({"queue": "billing", "reason": "money " * 120})},
            }
        ],
        "usage": {"prompt_tokens": 420, "completion_tokens": 130, "total_tokens": 550},
    }
).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Connection(asyncio.Protocol):
    """One keep-alive connection; pipelining is not spoken."""

    latency = 0.0
    times: list[float] = []  # noqa: RUF012

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        if self.buffer.startswith(b"GET"):
            self.buffer = b""
            self._stats()
            return
        head = self.buffer[:end].lower()
        start = head.find(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else end])
        if len(self.buffer) < end + 4 + length:
            return
        self.buffer = self.buffer[end + 4 + length :]
        arrived = time.perf_counter()
        if Connection.latency:
            asyncio.get_running_loop().call_later(Connection.latency, self._answer, arrived)
        else:
            self._answer(arrived)

    def _answer(self, arrived: float) -> None:
        Connection.times.append(time.perf_counter() - arrived)
        if not self.transport.is_closing():
            self.transport.write(HEAD % len(REPLY) + REPLY)

    def _stats(self) -> None:
        times = sorted(Connection.times)
        Connection.times.clear()
        body = json.dumps({"requests": len(times), "p99": times[int(len(times) * 0.99)] if times else None}).encode()
        self.transport.write(HEAD % len(body) + body)


async def main(latency: float) -> None:
    Connection.latency = latency
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
