"""Rate limits: how near a run comes to the ideal, and how much is refused. `python bench/eval/limits.py` writes its section of
`bench/results/eval.md`.

The server, in a process of its own, allows 50 requests a second after a burst of 50 and answers after 200 ms. Ideal is what
nobody can beat: (requests - burst) / rate + latency, or requests / in flight x latency, whichever is longer.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from material import CASES

from bench import HERE, child, stats, write_section

RATE, BURST, LATENCY = 50, 50, 0.2
CONCURRENCY = (4, 32, 128)
MODES = {
    "headers": (("headers",), 0.02, 1.08),
    "no headers, `retry-after` in whole seconds": ((), 0.05, 1.25),
    "headers, refused requests count": (("headers", "counts"), 0.02, 1.3),
    "no headers, refused requests count": (("counts",), 0.05, 1.3),
}


@contextlib.contextmanager
def limited(words: tuple[str, ...]) -> Iterator[str]:
    command = [sys.executable, str(HERE / "limited.py"), str(RATE), str(BURST), str(LATENCY), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def rows(folder: Path) -> Iterator[tuple[str, bool]]:
    for name, (words, most_refused, most_time) in MODES.items():
        with limited(words) as url:
            for concurrency in CONCURRENCY:
                stats(url)
                ours = child("ours.py", f"{url}/v1", str(concurrency), str(folder / f"{len(words)}-{name[:2]}-{concurrency}"))
                said = stats(url)
                ideal = max((CASES - BURST) / RATE + LATENCY, CASES / concurrency * LATENCY)
                share, ratio = said["refused"] / CASES, said["span"] / ideal
                assert said["requests"] - said["refused"] == CASES
                met = share <= most_refused and ratio <= most_time
                goal = f"{most_refused:.0%}, {most_time}"
                yield f"| {name} | {concurrency} | {share:.1%} | {ratio:.3f} | {ours['wall'] / ideal:.3f} | {goal} |\n", met
                print(name, concurrency, said, f"{ratio:.3f}", file=sys.stderr, flush=True)


PAGE = """## Rate limits

Measured {date:%Y-%m-%d} by `bench/eval/limits.py`: Python {python}, {cores} cores. {cases:,} requests to a server of its own
process that allows {rate} a second after a burst of {burst} and answers after {latency:.0f} ms; it refuses at once. Ideal:
(requests - burst) / rate + latency, or requests / in flight x latency where that is longer. *Server* is from the first request's
arrival to the last answer; *run* is planning, running and scoring. Goals met: {verdict}.

| the server tells | in flight | refused | server / ideal | run / ideal | goal (refused, ideal) |
|---|---:|---:|---:|---:|---:|
"""


if __name__ == "__main__":
    work = Path(tempfile.mkdtemp(prefix="llmops-git-limits-"))
    try:
        found = list(rows(work))
    finally:
        shutil.rmtree(work)
    page = PAGE.format(
        date=datetime.now(UTC), python=platform.python_version(), cores=os.cpu_count(), cases=CASES, rate=RATE, burst=BURST,
        latency=LATENCY * 1000, verdict="all" if all(met for _, met in found) else "not all, see the table",
    )  # fmt: skip
    write_section("## Rate limits", page + "".join(line for line, _ in found))
