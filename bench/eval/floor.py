"""The floor: the same requests with nothing around them, a bare httpx client for each worker.

`python floor.py URL CONCURRENCY` prints its own figures as JSON.
"""

from __future__ import annotations

import json
import queue
import resource
import sys
import threading
import time

import httpx
from material import CASES, MODEL, PARAMETERS, SHAPE, SYSTEM, message


def main(url: str, concurrency: int) -> None:
    bodies: queue.SimpleQueue[dict] = queue.SimpleQueue()
    for number in range(CASES):
        messages = [{"role": "system", "content": SYSTEM + SHAPE}, {"role": "user", "content": message(number)}]
        bodies.put({"model": MODEL, "messages": messages, **PARAMETERS})
    latencies: list[float] = []
    context = httpx.create_ssl_context()

    def work() -> None:
        with httpx.Client(verify=context, timeout=60) as client:
            while True:
                try:
                    body = bodies.get_nowait()
                except queue.Empty:
                    return
                started = time.perf_counter()
                document = client.post(f"{url}/chat/completions", json=body).json()
                latencies.append(time.perf_counter() - started)
                assert document["choices"][0]["message"]["content"]

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    latencies.sort()
    figures = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "rss": usage.ru_maxrss / 1024,
        "p99": latencies[int(len(latencies) * 0.99)],
        "requests": len(latencies),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
