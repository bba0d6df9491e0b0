"""What reading traces in costs: `python bench/operate/ingest.py [--spans N] [--rounds N]` writes `bench/results/traces.md`.

The floor is `json.loads` of the same lines in the same round. Rounds are interleaved, what is compared is CPU time of the whole
process, children included; a round reads the same lines into a new store, once with orjson and once without.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

RESULTS = Path(__file__).parent.parent / "results" / "traces.md"
GOAL = 20_000  # spans per CPU second
SIDES = ("floor", "ingest", "ingest without orjson", "again", "compact")


def cpu() -> float:
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def measure(side: str, lines: Path, folder: Path) -> dict[str, float]:
    """One side, in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--lines", str(lines), "--folder", str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_side(side: str, lines: Path, folder: Path) -> dict[str, float]:
    """CPU and wall seconds of a side, without start and imports, and the process's peak memory."""
    from llmops_git.monitoring import fast_json
    from llmops_git.monitoring.compact import compact
    from llmops_git.monitoring.ingest import ingest
    from llmops_git.monitoring.store import duckdb_module, open_store

    duckdb_module()
    if side == "ingest without orjson":
        fast_json.orjson = None
    store, now_ns = open_store(folder), time.time_ns() + 10**18
    began, wall = cpu(), time.perf_counter()
    spans = 0
    if side == "floor":
        with lines.open("rb") as file:
            for line in file:
                json.loads(line)
    elif side == "compact":
        compact(store, now_ns=now_ns)
    else:
        spans = ingest(store, [lines], now_ns=now_ns).spans
    taken = cpu() - began
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return {"cpu": taken, "wall": time.perf_counter() - wall, "spans": spans, "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=6, help="a day has as many spans as in the month of a million")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--side")
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run_side(options.side, options.lines, options.folder)))
        return
    with tempfile.TemporaryDirectory() as place:
        report(Path(place), options.spans, options.days, options.rounds)


def report(place: Path, spans: int, days: int, rounds: int) -> None:
    from material import make_lines

    lines = place / "lines.jsonl"
    make_lines(lines, spans, days)
    taken: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
            folder = place / (f"store-{number}-plain" if side == "ingest without orjson" else f"store-{number}")
            taken[side].append(measure(side, lines, folder))
        parquet = sum(path.stat().st_size for path in (place / f"store-{number}" / "spans").rglob("*.parquet"))
        for store in place.glob(f"store-{number}*"):
            shutil.rmtree(store)
    total = int(taken["ingest"][0]["spans"])
    text = table(taken, total, lines.stat().st_size, parquet, days, rounds)
    RESULTS.write_text(text)
    print(text)
    best = max(total / one["cpu"] for one in taken["ingest"])
    if best < GOAL:
        sys.exit(f"goal missed: {best:,.0f} spans per CPU second in the best round, {GOAL:,} wanted")


def table(taken: dict[str, list[dict[str, float]]], spans: int, size: int, parquet: int, days: int, rounds: int) -> str:
    def middle(side: str, key: str) -> float:
        return statistics.median(one[key] for one in taken[side])

    def ratio(side: str) -> float:
        return statistics.median(one["cpu"] / floor["cpu"] for one, floor in zip(taken[side], taken["floor"], strict=True))

    rows = [
        "| what | CPU s | µs a span | spans per CPU s | best round | times the floor | peak MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    names = {
        "floor": "floor: `json.loads` of the lines",
        "ingest": "`traces ingest`",
        "again": "`traces ingest` again: nothing new",
        "compact": "`traces compact`: one file a day already",
    }
    for side in SIDES:
        per_second = f"{spans / middle(side, 'cpu'):,.0f} | {max(spans / max(one['cpu'], 1e-9) for one in taken[side]):,.0f}"
        counted = per_second if side in ("floor", "ingest", "ingest without orjson") else " | "
        rows.append(
            f"| {names.get(side, side)} | {middle(side, 'cpu'):.3f} | {middle(side, 'cpu') / spans * 1e6:.1f} | {counted} | {ratio(side):.2f} | {middle(side, 'peak'):.0f} |"
        )
    return (
        "# What reading traces in costs\n\n"
        f"Measured {datetime.now(UTC):%Y-%m-%d} by `bench/operate/ingest.py`: Python {platform.python_version()}, {platform.machine()}, "
        f"{spans:,} spans of {days} days\nwith prompts and documents ({size / 1e6:,.0f} MB of OTLP JSON, {size / spans:,.0f} bytes a span), "
        f"which become {parquet / 1e6:,.1f} MB of Parquet.\nMedians of {rounds} interleaved rounds, CPU time of processes of their own without start and imports; "
        "the machine did other things as\nwell, so ratios say more than seconds.\n\n" + "\n".join(rows) + "\n\n"
        f"Goal: at least {GOAL:,} spans per CPU second.\n"
    )


if __name__ == "__main__":
    main()
