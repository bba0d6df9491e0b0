"""A small application, for tests that end it in ways that a test cannot end itself.

python -m tests.runtime.runtime_child FOLDER WHAT
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path

from llmops_git import runtime

FOLDER = Path(sys.argv[1])


def router(**options: object) -> runtime.Router:
    sinks = [runtime.FileSink(FOLDER / "raw")]
    return runtime.load("router", bundle=FOLDER / "router.json", content="full", sinks=sinks, **options)


def serve(each: runtime.Router, number: int, text: str = "answer") -> None:
    with each.request(user=f"u{number}") as request:
        request.messages(message="question")
        request.record(text)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def end() -> None:
    """A program that just ends."""
    each = router()
    for number in range(100):
        serve(each, number)


def kill() -> None:
    """Flushed requests, and then as many as it can until it is killed."""
    each = router()
    for number in range(100):
        serve(each, number)
    assert each.flush(10)
    say("flushed")
    number = 100
    while True:
        serve(each, number, "x" * 5_000)
        number += 1


def fork() -> None:
    """As gunicorn with --preload: loaded and used before the fork, then three children."""
    each = router()
    serve(each, 0)
    children = []
    for child in range(1, 4):
        process = os.fork()
        if not process:
            for number in range(50):
                serve(each, child * 1_000 + number)
            sys.exit(0)
        children.append(process)
    for number in range(1, 50):
        serve(each, number)
    for process in children:
        assert os.waitpid(process, 0)[1] == 0
    say(each.stats())


def pool() -> None:
    """As multiprocessing forks: its children end without the interpreter's own end."""
    import multiprocessing

    each = router()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=serve, args=(each, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def full() -> None:
    """A disk that is full after 20,000 bytes, and has room again when somebody asks."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    each = router(sample=1.0)
    slowest = 0.0
    for number in range(60):
        started = time.perf_counter()
        serve(each, number, "x" * 1_000)
        slowest = max(slowest, time.perf_counter() - started)
    assert not each.flush(2)
    stats = each.stats()
    assert stats["failures_file"] >= 1, stats
    assert stats["spans_waiting"] > 0, stats
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert each.flush(10)
    say(slowest, each.stats()["spans_file"])


def interrupt() -> None:
    """A signal handler that records, whatever it interrupts."""
    each = router()
    signal.signal(signal.SIGALRM, lambda *_: serve(each, 9_999))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    for number in range(2_000):
        serve(each, number)
    signal.setitimer(signal.ITIMER_REAL, 0)
    say(each.flush(20), each.stats())


if __name__ == "__main__":
    {"end": end, "kill": kill, "fork": fork, "pool": pool, "full": full, "interrupt": interrupt}[sys.argv[2]]()
