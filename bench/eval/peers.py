"""Our engine beside promptfoo and inspect-ai: `python bench/eval/peers.py [--rounds N] [--promptfoo FOLDER] [--inspect PYTHON]`
writes its section of `bench/results/eval.md`.

Peers are installed in scratch folders, never as dependencies: `npm install promptfoo` (Node 22.22 or newer, named by --node) and
`pip install inspect-ai openai` into an environment of its own. A peer that is not named is left out, and the page says so.

All do the same: 1,000 cases, 2 KB of prompt, two scorers, one server in a process of its own that answers after 200 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from material import CASES, MODEL, PARAMETERS, SHAPE, SYSTEM, message

from bench import HERE, server, stats, write_section

LATENCY, CONCURRENCY = 0.2, 32
GOAL_CPU, GOAL_MEMORY = 3.0, 100.0
INSPECT_TASK = """
import json
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import includes, pattern
from inspect_ai.solver import generate, system_message

@task
def bench():
    return Task(dataset=json_dataset("cases.jsonl"), solver=[system_message({system!r}), generate()],
                scorer=[includes(), pattern("(billing)")])
"""


def measured(command: list[str], folder: Path, **environment: str) -> dict[str, float]:
    """CPU and wall seconds and the peak of resident megabytes of a command with all its children's CPU."""
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    text = (folder / "log").read_text(errors="replace")
    if process.returncode not in {0, 100}:
        raise SystemExit(f"{command[:3]} failed: {text[-2000:]}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "memory": usage.ru_maxrss / 1024}


def ours(url: str, folder: Path) -> dict[str, float]:
    return measured([sys.executable, str(HERE / "ours.py"), f"{url}/v1", str(CONCURRENCY), str(folder)], folder)


def promptfoo(url: str, folder: Path, node: str, install: Path) -> dict[str, float]:
    config = {
        "prompts": ["file://prompt.json"],
        "providers": [
            {"id": f"openai:chat:{MODEL}", "config": {"apiBaseUrl": f"{url}/v1", "apiKey": "none", **PARAMETERS}},
        ],
        "defaultTest": {"assert": [{"type": "contains", "value": "billing"}, {"type": "contains", "value": "money"}]},
        "tests": [{"vars": {"message": message(number)}} for number in range(CASES)],
    }
    prompt = [{"role": "system", "content": SYSTEM + SHAPE}, {"role": "user", "content": "{{ message }}"}]
    (folder / "prompt.json").write_text(json.dumps(prompt))
    (folder / "promptfooconfig.json").write_text(json.dumps(config))
    program = str(install / "node_modules" / "promptfoo" / json.loads(
        (install / "node_modules" / "promptfoo" / "package.json").read_text())["bin"]["promptfoo"])  # fmt: skip
    command = [node, program, "eval", "-c", "promptfooconfig.json", "-o", "out.json", "-j", str(CONCURRENCY), "--no-progress-bar",
               "--no-table"]  # fmt: skip
    return measured(command, folder, PROMPTFOO_DISABLE_TELEMETRY="1", PROMPTFOO_DISABLE_UPDATE="1",
                    PROMPTFOO_CONFIG_DIR=str(folder / "home"), PROMPTFOO_CACHE_PATH=str(folder / "cache"))  # fmt: skip


def inspect(url: str, folder: Path, python: str) -> dict[str, float]:
    (folder / "task.py").write_text(INSPECT_TASK.format(system=SYSTEM + SHAPE))
    rows = [json.dumps({"id": number, "input": message(number), "target": "billing"}) for number in range(CASES)]
    (folder / "cases.jsonl").write_text("\n".join(rows))
    program = str(Path(python).with_name("inspect"))
    command = [program, "eval", "task.py", "--model", f"openai-api/bench/{MODEL}", "--max-connections", str(CONCURRENCY), "--temperature",
               "0", "--max-tokens", "200", "--display", "none", "--log-dir", "logs"]  # fmt: skip
    return measured(command, folder, BENCH_API_KEY="none", BENCH_BASE_URL=f"{url}/v1")


PAGE = """## Beside other tools

Measured {date:%Y-%m-%d} by `bench/eval/peers.py`: {cases:,} cases, two scorers, 2 KB of prompt, {concurrency} at once, a server
in a process of its own that answers after {latency:.0f} ms (ideal wall time {ideal:.2f} s); Python {python}, {cores} cores
({machine}). CPU is that of the whole process, start included; medians of {rounds} interleaved rounds. Goal for ours: at most
{goal_cpu:g} s of CPU and {goal_memory:g} MB.

| tool | CPU | of ours | wall | peak memory | requests sent |
|---|---:|---:|---:|---:|---:|
"""


def main(options: argparse.Namespace, work: Path) -> None:
    tools = {f"llmops-git, Python {platform.python_version()}": ours}
    missing = []
    if options.promptfoo:
        package = json.loads((options.promptfoo / "node_modules" / "promptfoo" / "package.json").read_text())
        node = subprocess.run([options.node, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        tools[f"promptfoo {package['version']}, Node {node.removeprefix('v')}"] = lambda url, folder: promptfoo(
            url, folder, options.node, options.promptfoo
        )
    else:
        missing.append("promptfoo")
    if options.inspect:
        code = "import importlib.metadata as m; print(m.version('inspect-ai'))"
        version = subprocess.run([options.inspect, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
        tools[f"inspect-ai {version}"] = lambda url, folder: inspect(url, folder, options.inspect)
    else:
        missing.append("inspect-ai")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in tools}
    with server(LATENCY) as url:
        for number in range(options.rounds):
            for name, tool in tools.items():
                folder = work / f"{number}-{len(name)}"
                folder.mkdir()
                stats(url)
                figures = tool(url, folder)
                found[name].append({**figures, "requests": stats(url)["requests"]})
                if found[name][-1]["requests"] < CASES:
                    raise SystemExit(
                        f"{name} asked only {found[name][-1]['requests']} times: {(folder / 'log').read_text()[-2000:]}"
                    )
                print(name, found[name][-1], file=sys.stderr, flush=True)
    page = PAGE.format(
        date=datetime.now(UTC), cases=CASES, concurrency=CONCURRENCY, latency=LATENCY * 1000, ideal=CASES / CONCURRENCY * LATENCY,
        python=platform.python_version(), cores=os.cpu_count(), machine=platform.machine(), rounds=options.rounds,
        goal_cpu=GOAL_CPU, goal_memory=GOAL_MEMORY,
    )  # fmt: skip
    own = statistics.median(item["cpu"] for item in next(iter(found.values())))
    for name, items in found.items():
        cpu, wall, memory, requests = (
            statistics.median(item[what] for item in items) for what in ("cpu", "wall", "memory", "requests")
        )
        page += f"| {name} | {cpu:.2f} s | {cpu / own:.1f}x | {wall:.1f} s | {memory:.0f} MB | {requests:.0f} |\n"
    if missing:
        page += f"\nNot measured here, since not installed: {', '.join(missing)}.\n"
    write_section("## Beside other tools", page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--promptfoo", type=Path, help="the folder in which it was installed")
    parser.add_argument("--node", default="node")
    parser.add_argument("--inspect", help="the Python of the environment in which inspect-ai was installed")
    scratch = Path(tempfile.mkdtemp(prefix="llmops-git-peers-"))
    try:
        main(parser.parse_args(), scratch)
    finally:
        shutil.rmtree(scratch)
