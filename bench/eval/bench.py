"""The evaluation engine against its floor: `python bench/eval/bench.py [--rounds N]` writes `bench/results/eval.md`.

Both sides do the same 1,000 requests against a server in another process. Rounds are interleaved; CPU time is that of the
whole process (start, imports, planning, scoring, files), without the server's; ratios are medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from material import CASES

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "eval.md"
LATENCIES = (0.0, 0.2)
CONCURRENCY = (4, 32, 128)
GOALS = {"cpu": 2.0, "wall": 1.3, "p99": 1.2, "rss": 100.0}


@contextlib.contextmanager
def server(latency: float) -> Iterator[str]:
    """A running server; its address."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(latency)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def stats(url: str) -> dict:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def child(script: str, *arguments: str) -> dict:
    """Run one side; its own figures, and the CPU and wall seconds of its whole process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    process.stdout.close()
    if status:
        raise SystemExit(f"{script} failed")
    return {**json.loads(output), "cpu": usage.ru_utime + usage.ru_stime, "process": time.perf_counter() - started}


def one_round(url: str, latency: float, concurrency: int, folder: Path) -> dict:
    """The floor, our first run and our second run, one after the other."""
    api = f"{url}/v1"
    stats(url)
    floor = child("floor.py", api, str(concurrency))
    stats(url)
    ours = child("ours.py", api, str(concurrency), str(folder))
    truth = stats(url)
    files = file_cost(folder / "files")
    again = child("ours.py", api, str(concurrency), str(folder))
    ideal = CASES / concurrency * latency
    return {
        "cpu": ours["cpu"] / floor["cpu"],
        "cpu_without_files": (ours["cpu"] - files) / floor["cpu"],
        "cpu_ours": ours["cpu"],
        "cpu_floor": floor["cpu"],
        "files": files,
        "wall": ours["wall"] / ideal if ideal else None,
        "wall_floor": floor["wall"] / ideal if ideal else None,
        "process": ours["process"],
        "p99": ours["p99"] / truth["p99"] if latency else None,
        "p99_floor": floor["p99"] / truth["p99"] if latency else None,
        "rss": ours["rss"],
        "first": truth["requests"],
        "second": stats(url)["requests"],
        "again": again["process"],
    }


def file_cost(folder: Path) -> float:
    """CPU seconds that this file system takes for 1,000 small files: the part of our CPU that no code of ours can change."""
    folder.mkdir(parents=True)
    before = time.process_time()
    for number in range(CASES):
        (folder / f"{number}.tmp").write_bytes(b"x" * 1500)
        (folder / f"{number}.tmp").rename(folder / f"{number}.json")
    return time.process_time() - before


def measure(rounds: int, slow_rounds: int, folder: Path) -> list[tuple[float, int, dict, int]]:
    """(latency, concurrency, medians, rounds) for every combination."""
    rows = []
    for latency in LATENCIES:
        with server(latency) as url:
            found: dict[int, list[dict]] = {concurrency: [] for concurrency in CONCURRENCY}
            for number in range(rounds):
                for concurrency in CONCURRENCY:
                    if latency and concurrency == CONCURRENCY[0] and number >= slow_rounds:
                        continue  # fifty seconds a run
                    place = folder / f"{latency}-{concurrency}-{number}"
                    found[concurrency].append(one_round(url, latency, concurrency, place))
                    print(latency, concurrency, json.dumps(found[concurrency][-1]), file=sys.stderr, flush=True)
            rows += [(latency, concurrency, medians(items), len(items)) for concurrency, items in found.items() if items]
    return rows


def medians(items: list[dict]) -> dict:
    return {
        name: statistics.median([item[name] for item in items]) if items[0][name] is not None else None for name in items[0]
    } | {
        "most_second": max(item["second"] for item in items),
        "most_first": max(item["first"] for item in items),
    }


def write_section(title: str, text: str) -> None:
    """Replace one section of the results, or the part before the first one (title "")."""
    parts = ["", *re.split(r"(?m)^(?=## )", RESULTS.read_text())] if RESULTS.exists() else ["", ""]
    head, sections = parts[1], {part.partition("\n")[0]: part for part in parts[2:]}
    if title:
        sections[title] = text
    else:
        head = text
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(part.strip() + "\n" for part in (head, *sections.values())))
    print(text)


def table(rows: list[tuple[float, int, dict, int]]) -> str:
    """The Markdown page."""
    import httpx

    met = all(_met(latency, found) for latency, _, found, _ in rows)
    lines = [PAGE.format(
        date=datetime.now(UTC), python=platform.python_version(), httpx=httpx.__version__, cores=os.cpu_count(),
        machine=platform.machine(), cases=CASES, files=statistics.median(found["files"] for _, _, found, _ in rows),
        verdict="all" if met else "not all, see the table",
    )]  # fmt: skip
    for latency, concurrency, found, count in rows:
        wall = f"{found['wall']:.2f} ({found['wall_floor']:.2f})" if latency else "-"
        p99 = f"{found['p99']:.2f} ({found['p99_floor']:.2f})" if latency else "-"
        cpu = f"{found['cpu']:.2f} | {found['cpu_without_files']:.2f} | {found['cpu_ours']:.2f} / {found['cpu_floor']:.2f} s"
        lines.append(
            f"| {latency * 1000:.0f} ms | {concurrency} | {cpu} | {wall} | {found['process']:.2f} s | {p99} | {found['rss']:.0f} MB "
            f"| {found['most_second']} | {count} |\n"
        )
    return "".join(lines)


PAGE = """# Evaluation engine against its floor

Measured {date:%Y-%m-%d} by `bench/eval/bench.py`: Python {python}, httpx {httpx}, {cores} cores ({machine}), the server in a
process of its own on the same machine. {cases:,} cases x 2 scorers, 2 KB of prompt; ours makes a plan first, keeps every reply
and writes the run folder. Floor: bare httpx, one client for each worker, the same requests and nothing else.

* CPU is that of the whole process, start and imports included. Keeping {cases:,} replies makes {cases:,} files; what that alone
  costs on this file system was measured in the same rounds (median {files:.2f} s of CPU; it depends on the file system, and on
  what was deleted on it lately). The second CPU column is without it.
* Ideal wall time is cases / in flight x latency. Ours is planning and running; the whole process is beside it.
* p99 is the latency that we report over the server's own, in brackets the floor's.
* Medians of interleaved rounds. At 0 ms there is no ideal wall time, and a true latency of microseconds is no measure.

Goals: CPU <= 2, wall <= 1.3, p99 <= 1.2, memory < 100 MB, second run sends 0. Met: {verdict}.

| server latency | in flight | CPU ours / floor | without files | seconds | wall / ideal (floor) | whole process | p99 reported / true (floor) | memory | second run sent | rounds |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def _met(latency: float, found: dict) -> bool:
    bounded = ["cpu", "rss", *(["wall", "p99"] if latency else [])]
    return all(found[name] <= GOALS[name] for name in bounded) and (found["most_first"], found["most_second"]) == (CASES, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slow-rounds", type=int, default=1, help="rounds of four in flight at 200 ms, fifty seconds each")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="llmops-git-bench-"))
    try:
        page = table(measure(options.rounds, options.slow_rounds, work))
    finally:
        shutil.rmtree(work)
    write_section("", page)
