"""What streaming costs: `python bench/eval/streaming.py [--rounds N]` writes `bench/results/streaming.md`.

The same requests and the same reply of 130 tokens, whole and in 130 events, all at once and some milliseconds apart. Each run
is a process of its own, rounds are interleaved, and what is compared is CPU time per reply, from the first request on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import queue
import resource
import statistics
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from material import MODEL, PARAMETERS, SHAPE, SYSTEM, message

RESULTS = Path(__file__).parent.parent / "results" / "streaming.md"
REQUESTS, WORKERS, TOKENS = 400, 16, 130
GAPS = (0.0, 0.005)
SIDES = ("whole", "streamed", "httpx")
TEXT = ["money " for _ in range(TOKENS)]
USAGE = {"prompt_tokens": 420, "completion_tokens": TOKENS, "total_tokens": 420 + TOKENS}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"


def event(document: dict) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def part(**fields: object) -> dict:
    base = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1790000000, "model": MODEL}
    return {**base, "service_tier": "default", "system_fingerprint": "fp_bench", "choices": [], **fields}


def delta(text: str) -> dict:
    return {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}


EVENTS = [chunk(event(part(choices=[delta(text)]))) for text in TEXT]
EVENTS.append(chunk(event(part(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))))
EVENTS.append(chunk(event(part(usage=USAGE))) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "".join(TEXT)}, "finish_reason": "stop"}
WHOLE = json.dumps(part(object="chat.completion", choices=[CHOICE], usage=USAGE)).encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gap: float) -> None:
    """One connection: requests that ask for a stream get one, at the pace of `gap`."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            streamed = b'"stream":true' in await reader.readexactly(length)
            if not streamed:
                await asyncio.sleep(gap * TOKENS)
                writer.write(HEAD % b"application/json" + chunk(WHOLE) + b"0\r\n\r\n")
                continue
            writer.write(HEAD % b"text/event-stream")
            if not gap:
                writer.write(b"".join(EVENTS))
                continue
            for one in EVENTS:
                writer.write(one)
                await asyncio.sleep(gap)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(gap: float) -> None:
    server = await asyncio.start_server(lambda reader, writer: answer(reader, writer, gap), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def ask(side: str, url: str) -> None:
    """Send all requests from 16 threads and print CPU and wall seconds."""
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(REQUESTS):
        numbers.put(number)
    one = bare(url) if side == "httpx" else ours(url, streamed=side == "streamed")
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()

    def work(worker: int) -> None:
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            assert one(number, worker) == "".join(TEXT)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu / REQUESTS * 1000, "wall": time.perf_counter() - started}))


def messages(number: int) -> tuple[dict, ...]:
    return ({"role": "system", "content": SYSTEM + SHAPE}, {"role": "user", "content": message(number)})


def ours(url: str, *, streamed: bool):
    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.base import Request
    from llmops_git.providers.openai import OpenAIProvider

    provider = OpenAIProvider(ProviderSettings(name="p", api="openai", base_url=url, stream=streamed), environ={})

    def one(number: int, worker: int) -> str:
        request = Request(provider="p", model=MODEL, messages=messages(number), parameters=PARAMETERS)
        reply = provider.generate(request, worker=worker)
        assert reply.usage.output_tokens == TOKENS
        assert (reply.ttft_seconds is not None) == streamed
        return reply.text

    return one


def bare(url: str):
    """A plain httpx client for each worker that reads the stream line by line."""
    import httpx

    context = httpx.create_ssl_context()
    clients = [httpx.Client(verify=context, timeout=60) for _ in range(WORKERS)]

    def one(number: int, worker: int) -> str:
        body = {"model": MODEL, "messages": messages(number), **PARAMETERS, "stream": True}
        texts = []
        with clients[worker].stream("POST", f"{url}/chat/completions", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    texts += [choice["delta"].get("content") or "" for choice in json.loads(line[6:])["choices"]]
        return "".join(texts)

    return one


def measure(rounds: int) -> dict[float, dict[str, list[dict]]]:
    found: dict[float, dict[str, list[dict]]] = {gap: {side: [] for side in SIDES} for gap in GAPS}
    for gap in GAPS:
        command = [sys.executable, __file__, "serve", str(gap)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
            for _ in range(rounds):
                for side in SIDES:
                    done = subprocess.run([sys.executable, __file__, "ask", side, url], capture_output=True, check=True)
                    found[gap][side].append(json.loads(done.stdout))
                    print(gap, side, found[gap][side][-1], file=sys.stderr, flush=True)
            server.kill()
    return found


def page(found: dict[float, dict[str, list[dict]]], rounds: int) -> str:
    lines = [
        "# What streaming costs\n\n",
        (
            f"Measured {datetime.now(UTC):%Y-%m-%d} by `bench/eval/streaming.py`: Python {platform.python_version()}, "
            f"{os.cpu_count()} cores ({platform.machine()}), the server in a process of its own on the same machine. {REQUESTS} requests\n"
            f"from {WORKERS} threads, 2 KB of prompt, a reply of {TOKENS} tokens; CPU milliseconds per reply, without start and imports;\n"
            f"medians of {rounds} interleaved rounds, ratios of the rounds' ratios. `httpx` is a bare client that reads lines.\n\n"
        ),
        "| events | whole | streamed | streamed / whole | httpx, streamed | ours / httpx |\n|---|---:|---:|---:|---:|---:|\n",
    ]
    for gap, sides in found.items():
        cpu = {side: [one["cpu"] for one in runs] for side, runs in sides.items()}
        middle = {side: statistics.median(values) for side, values in cpu.items()}
        dearer = statistics.median(a / b for a, b in zip(cpu["streamed"], cpu["whole"], strict=True))
        share = statistics.median(a / b for a, b in zip(cpu["streamed"], cpu["httpx"], strict=True))
        name = f"{gap * 1000:g} ms apart" if gap else "all at once"
        lines.append(
            f"| {name} | {middle['whole']:.2f} | {middle['streamed']:.2f} | {dearer:.1f} | {middle['httpx']:.2f} | {share:.2f} |\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(float(sys.argv[2])))
    elif sys.argv[1:2] == ["ask"]:
        ask(sys.argv[2], sys.argv[3])
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--rounds", type=int, default=5)
        options = parser.parse_args()
        text = page(measure(options.rounds), options.rounds)
        RESULTS.write_text(text)
        print(text)
