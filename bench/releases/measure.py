"""CPU time of processes and of calls, in interleaved rounds; the ratio of a round is taken within that round."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

Measure = Callable[[], float]


def cpu_of(command: Sequence[str], folder: Path) -> float:
    """User and system seconds of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def cpu_in_process(call: Callable[[], object]) -> float:
    """User and system seconds of a call in this process, the processes that it starts included."""
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    call()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(b.ru_utime - a.ru_utime + b.ru_stime - a.ru_stime for a, b in zip(before, after, strict=True))


def rounds(measures: Mapping[str, Measure], count: int) -> dict[str, list[float]]:
    """Every measure once per round, after one round to warm up; seconds by name."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(count + 1):
        for name, measure in measures.items():
            seconds = measure()
            if number:
                found[name].append(seconds)
    return found


def ratio(found: Mapping[str, Sequence[float]], name: str, floor: str) -> float:
    """The median over the rounds of the ratio within a round."""
    return statistics.median(ours / theirs for ours, theirs in zip(found[name], found[floor], strict=True))


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms"


def header() -> str:
    """When and where."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {git}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}. "
        "CPU seconds (user and system, children included), rounds interleaved, median of the ratios within a round."
    )
