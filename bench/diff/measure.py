"""`llmops-git diff` on 10,000 configs against its floor: `python bench/diff/measure.py [--rounds N]` writes `bench/results/diff.md`.

The floor is what git itself needs for the same answer: `git diff-tree -r`, and one `git cat-file --batch` of every blob
that has to be looked at when nothing is known: all configs, judges and templates of the head, and whatever the changed
configs read on both sides. Rounds are interleaved; CPU time is that of the whole process with its children; ratios are
medians of the rounds' ratios. Counts are exact.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results" / "diff.md"
PROGRAM = [sys.executable, "-c", "from llmops_git.cli import main; main()", "diff"]
SAME, LATER, SMALL = ("main~2", "main~1"), ("main~2", "main"), ("main~1", "main")
FLOORS = ("floor", "read floor")
GOAL_FIRST, GOAL_WARM, GOAL_PROCESSES, GOAL_MEGABYTES = 4.0, 1.0, 3, 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--configs", type=int, default=10_000)
    parser.add_argument("--repository", type=Path, help="A generated repository, to make none.")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmops-git-bench-") as name:
        folder = Path(name)
        repository = options.repository or folder / "repository"
        if not repository.exists():
            generator = Path(__file__).with_name("generate.py")  # in a process of its own, as everything that is large
            subprocess.run([sys.executable, str(generator), str(repository), "--configs", str(options.configs)], check=True)
        bench = Bench(repository, folder)
        rounds = [bench.round() for _ in range(options.rounds)]
        text = report(bench, rounds)
    print(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")


class Bench:
    """The repository, and every way to go through it."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.repository = repository
        # as in an installation: compiled modules are there, whatever this shell says about writing them
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        self.cache = repository / "llmops-git"
        self.names = folder / "oids"
        self.changed, oids = needed_blobs(repository)
        self.blobs = len(oids)
        self.names.write_text("".join(f"{oid}\n" for oid in oids))
        with self.names.open("rb") as names:
            counted = subprocess.run(
                ["sh", "-c", f"{' '.join(self._cat())} | wc -c"], cwd=repository, stdin=names, capture_output=True, check=True
            )
        self.bytes = int(counted.stdout)
        self.saved = folder / "saved"
        shutil.rmtree(self.cache, ignore_errors=True)
        self.ours(SAME)
        self.calls = {"warm": self.count(SAME, folder)}
        shutil.copytree(self.cache, self.saved)
        self.calls["later"] = self.count(LATER, folder)
        for name, revisions in (("first", SAME), ("small", SMALL)):
            shutil.rmtree(self.cache)
            self.calls[name] = self.count(revisions, folder)

    def round(self) -> dict[str, tuple[float, int]]:
        """CPU seconds and largest resident size of each way, once."""
        ways: dict[str, Callable[[], tuple[float, int]]] = {
            "floor": self.floor,
            "read floor": self.read_floor,
            "first": lambda: self.without_index(SAME),
            "small": lambda: self.without_index(SMALL),
            "warm": lambda: self.with_index(SAME),
            "json": lambda: self.with_index(SAME, "--format", "json"),
            "later": lambda: self.with_index(LATER),
            "python": lambda: measured([sys.executable, "-c", "import click"], self.repository),
        }
        return {name: way() for name, way in ways.items()}

    def floor(self) -> tuple[float, int]:
        with self.names.open("rb") as names:
            diff = measured(["git", "diff-tree", "-r", "-z", *SAME], self.repository)
            read = measured(self._cat(), self.repository, stdin=names)
        return diff[0] + read[0], max(diff[1], read[1])

    def read_floor(self) -> tuple[float, int]:
        """The same, with somebody at the other end of the pipe."""
        diff = measured(["git", "diff-tree", "-r", "-z", *SAME], self.repository)
        read = measured(["sh", "-c", f"{' '.join(self._cat())} < {self.names} | cat > /dev/null"], self.repository)
        return diff[0] + read[0], max(diff[1], read[1])

    def without_index(self, revisions: tuple[str, str]) -> tuple[float, int]:
        shutil.rmtree(self.cache, ignore_errors=True)
        return self.ours(revisions)

    def with_index(self, revisions: tuple[str, str], *options: str) -> tuple[float, int]:
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.copytree(self.saved, self.cache)
        return self.ours(revisions, *options)

    def ours(self, revisions: tuple[str, str], *options: str) -> tuple[float, int]:
        return measured([*PROGRAM, *revisions, *options], self.repository)

    def count(self, revisions: tuple[str, str], folder: Path) -> int:
        """How many git processes a diff starts."""
        shadow, log = folder / "bin", folder / "calls"
        shadow.mkdir(exist_ok=True)
        (shadow / "git").write_text(f'#!/bin/sh\necho x >> {log}\nexec {shutil.which("git")} "$@"\n')
        (shadow / "git").chmod(0o755)
        log.write_text("")
        environment = {**os.environ, "PATH": f"{shadow}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run([*PROGRAM, *revisions], cwd=self.repository, env=environment, stdout=subprocess.DEVNULL, check=True)
        return len(log.read_text().splitlines())

    @staticmethod
    def _cat() -> list[str]:
        return ["git", "cat-file", "--batch", "--buffer"]


def measured(command: list[str], folder: Path, stdin: object = None) -> tuple[float, int]:
    """CPU seconds of a process with all its children, and the largest resident size among them in bytes."""
    process = subprocess.Popen(command, cwd=folder, stdin=stdin, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{command} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def needed_blobs(repository: Path) -> tuple[int, list[str]]:
    """How many configs changed, and the blobs of the floor. In a process of its own: a child is charged with the memory of
    the process that starts it."""
    found = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("needed.py")), str(repository), *SAME],
        capture_output=True,
        text=True,
        check=True,
    )
    changed, *oids = found.stdout.split()
    return int(changed), oids


def report(bench: Bench, rounds: list[dict[str, tuple[float, int]]]) -> str:
    def cpu(name: str) -> str:
        return f"{statistics.median(item[name][0] for item in rounds) * 1000:.0f} ms"

    def ratio(name: str, floor: str = "floor") -> float:
        return statistics.median(item[name][0] / item[floor][0] for item in rounds)

    def memory(name: str) -> str:
        return f"{max(item[name][1] for item in rounds) / 1e6:.0f} MB"

    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    machine = f"git {version}, Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()})"
    load = os.getloadavg()[0]
    lines = [
        "# `llmops-git diff` on 10,000 configs",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d} by `bench/diff/measure.py`: {machine}, load {load:.1f}.",
        f"Five of 30,563 files changed (two templates, a config, an eval set, a shared include), and through them {bench.changed} configs;",
        "each is loaded on both sides and compared field by field. CPU time of the whole process and its children, start and imports",
        f"included; {len(rounds)} interleaved rounds, medians, ratios within a round.",
        "",
        "* Floor: `git diff-tree -r` and one `git cat-file --batch` of the blobs that have to be looked at when nothing is known",
        f"  ({bench.blobs:,} blobs, {bench.bytes / 1e6:.0f} MB: all configs, judges and templates, and all that the changed configs read), to `/dev/null`.",
        "  Read floor: the same with `cat` at the other end of the pipe, so that the bytes do arrive somewhere.",
        "* First run: no index. It finds the candidates in the bytes, loads them, and writes the index. The second of these rows is a",
        "  commit that edits one template and one config.",
        "* Index warm: the same diff again, as text and as JSON. Nothing is parsed; what was compared is remembered by content.",
        "* A commit later: HEAD has moved by a commit that edits a template and a config; the index knows the commit before. What is new",
        "  is parsed, loaded and compared.",
        "",
        "| what | CPU | of the floor | of the read floor | memory | git processes |",
        "|---|---:|---:|---:|---:|---:|",
        f"| floor | {cpu('floor')} | 1.00 | {ratio('floor', 'read floor'):.2f} | {memory('floor')} | 2 |",
        f"| read floor | {cpu('read floor')} | {ratio('read floor'):.2f} | 1.00 | {memory('read floor')} | 2 |",
        f'| `python -c "import click"` | {cpu("python")} | {ratio("python"):.2f} | {ratio("python", "read floor"):.2f} | {memory("python")} | 0 |',
    ]
    rows = [
        ("first run", "first", "first"),
        ("first run, two configs changed", "small", "small"),
        ("index warm", "warm", "warm"),
        ("index warm, `--format json`", "json", "warm"),
        ("index warm, a commit later", "later", "later"),
    ]
    for title, name, calls in rows:
        lines.append(
            f"| {title} | {cpu(name)} | {ratio(name):.2f} | {ratio(name, 'read floor'):.2f} | {memory(name)} | {bench.calls[calls]} |"
        )

    def verdict(name: str, goal: float) -> str:
        said = [
            f"{ratio(name, floor):.2f} of the {floor} ({'met' if ratio(name, floor) <= goal else 'missed'})" for floor in FLOORS
        ]
        return " and ".join(said)

    most = max(item["first"][1] for item in rounds) / 1e6
    processes = bench.calls["warm"]
    lines += [
        "",
        "Goals:",
        "",
        f"* first run at most {GOAL_FIRST:.0f}x: {verdict('first', GOAL_FIRST)}",
        f"* index warm at most {GOAL_WARM:.0f}x: {verdict('warm', GOAL_WARM)}",
        f"* at most {GOAL_PROCESSES} git processes with it: {processes} ({'met' if processes <= GOAL_PROCESSES else 'missed'})",
        f"* memory under {GOAL_MEGABYTES} MB: {most:.0f} MB ({'met' if most < GOAL_MEGABYTES else 'missed'})",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
