"""From the start of the Action's first step to the first line that says something: on an empty runner, and in the same job again.

python -m bench.action.startup      writes bench/results/action.md; needs a package index
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.releases.measure import header
from llmops_git.configs.yaml import parse

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "action.md"
ROUNDS = 5
PYTHON = f"{sys.base_prefix}/bin/python3"
STEPS = [step["run"] for step in parse((ROOT / "action.yml").read_bytes(), "action.yml").value["runs"]["steps"]]
PIP = [PYTHON, "-I", "-m", "pip"]
LOCKED = ["--quiet", "--no-cache-dir", "--disable-pip-version-check", "--only-binary", ":all:"]
Cost = tuple[float, float]  # seconds by the clock, seconds of CPU


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        checkout, event = pull_request(place)
        found: dict[str, list[Cost]] = {name: [] for name in ("floor", "nothing", "cold", "warm", "venv", "uv")}
        sizes: dict[str, int] = {}
        for number in range(ROUNDS):
            runner = place / f"runner-{number}"
            runner.mkdir()
            found["floor"].append(cost([PYTHON, "-I", "-c", "pass"]))
            (place / "nothing.txt").write_text("")
            found["nothing"].append(cost([*PIP, "download", *LOCKED, "-r", str(place / "nothing.txt"), "-d", str(place)]))
            shipped(runner)
            found["cold"].append(timed(lambda runner=runner: steps(runner, checkout, event)))
            found["warm"].append(timed(lambda runner=runner: steps(runner, checkout, event)))
            sizes["packages"] = size(runner / "llmops-git")
            found["venv"].append(timed(lambda number=number: with_venv(place / f"venv-{number}")))
            found["uv"].append(timed(lambda number=number: sizes.__setitem__("uv", with_uv(place / f"uv-{number}"))))
    RESULT.write_text(page(found, sizes))
    print(RESULT.read_text())


def pull_request(place: Path) -> tuple[Path, Path]:
    """A checkout with a project of which a pull request changes the prompt, and the event."""
    checkout = place / "checkout"
    checkout.mkdir()
    run = lambda *command: subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()  # noqa: E731
    run("git", "init", "-q", "-b", "main")
    run(str(Path(sys.executable).with_name("llmops-git")), "init", "--no-workflows", "--provider", "openai")
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")
    ids = []
    for text in ("", "Be exact.\n"):
        prompt = checkout / "prompts" / "review-sentiment" / "system.j2"
        prompt.write_text(prompt.read_text() + text)
        run("git", "add", ".")
        run("git", *who, "commit", "-q", "--allow-empty", "-m", "change")
        ids.append(run("git", "rev-parse", "HEAD"))
    repository = {"full_name": "o/r", "default_branch": "main"}
    sides = {name: {"sha": oid, "ref": name, "repo": repository} for name, oid in zip(("base", "head"), ids, strict=True)}
    event = place / "event.json"
    event.write_text(
        json.dumps({"action": "opened", "number": 1, "pull_request": {"number": 1, **sides}, "repository": repository})
    )
    return checkout, event


def shipped(runner: Path) -> Path:
    """The Action as a runner has it: its files, and nothing that an earlier job compiled."""
    for name in ("action", "requirements", "llmops_git", "schemas"):
        shutil.copytree(ROOT / name, runner / "action" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return runner / "action"


def steps(runner: Path, checkout: Path, event: Path) -> None:
    """The scripts of action.yml as a runner starts them, until the job says what it compares."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMOPS_", "GITHUB_"))}
    output = runner / "out"
    environment = {
        **kept,
        "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin",
        "RUNNER_TEMP": str(runner),
        "GITHUB_OUTPUT": str(output),
    }
    environment |= {
        "GITHUB_ACTION_PATH": str(runner / "action"),
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
    }
    environment |= {"GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1"}
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    subprocess.run([*bash, STEPS[0]], env=environment, check=True)
    found = dict(line.split("=", 1) for line in output.read_text().splitlines())
    ours = {"LLMOPS_PYTHON": found["python"], "LLMOPS_PACKAGES": found["packages"], "LLMOPS_COMMAND": "evaluate"}
    ours |= {"LLMOPS_MODE": "plan", "LLMOPS_REPORT_DIR": str(runner / "report")}
    job = subprocess.Popen([*bash, STEPS[1]], env={**environment, **ours}, cwd=checkout, stdout=subprocess.PIPE, text=True)
    assert job.stdout
    line = next((line for line in job.stdout if line.startswith("comparing ")), "")
    job.kill()
    job.wait()
    job.stdout.close()
    if not line:
        raise SystemExit("the job said nothing useful")


def with_venv(place: Path) -> None:
    subprocess.run([PYTHON, "-I", "-m", "venv", str(place)], check=True)
    requirements = str(ROOT / "requirements" / "action.txt")
    python = f"{place}/bin/python"
    subprocess.run(
        [python, "-I", "-m", "pip", "install", *LOCKED, "--no-compile", "--require-hashes", "-r", requirements], check=True
    )


def with_uv(place: Path) -> int:
    """uv, fetched by pip, then the packages; megabytes of both."""
    subprocess.run([*PIP, "install", *LOCKED, "--no-compile", "--no-deps", "--target", str(place / "uv"), "uv"], check=True)
    requirements = str(ROOT / "requirements" / "action.txt")
    command = [
        f"{place}/uv/bin/uv",
        "--no-config",
        "--cache-dir",
        f"{place}/cache",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
    ]
    subprocess.run(
        [*command, "--only-binary", ":all:", "--no-deps", "--target", f"{place}/packages", "-r", requirements], check=True
    )
    return size(place / "uv") + size(place / "packages")


def timed(act: Callable[[], object]) -> Cost:
    before, start = cpu(), time.perf_counter()
    act()
    return time.perf_counter() - start, cpu() - before


def cost(command: Sequence[str]) -> Cost:
    return timed(lambda: subprocess.run(command, check=True))


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def size(folder: Path) -> int:
    """Megabytes on the disk."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


def page(found: dict[str, list[Cost]], sizes: dict[str, int]) -> str:
    names = {
        "floor": ("`python3 -I -c pass` (floor)", "", ""),
        "nothing": ("`pip download` of nothing (floor of an install)", "", ""),
        "cold": ("step start to first useful line, empty runner", "at most 6 s", f"{sizes['packages']} MB (at most 40)"),
        "warm": ("the same, second step of a job", "at most 2 s", ""),
        "venv": ("instead: virtual environment and pip, install only", "", ""),
        "uv": ("instead: uv fetched by pip, install only", "", f"{sizes['uv']} MB"),
    }
    rows = [
        f"| {text} | {_median(found[name], 0):.2f} s | {_median(found[name], 1):.2f} s | {_ratio(found, name, 'floor'):.1f}x | "
        f"{_ratio(found, name, 'nothing'):.1f}x | {goal} | {installed} |"
        for name, (text, goal, installed) in names.items()
    ]
    return "\n".join(
        [
            "# Start-up of the Action",
            "",
            f"{header()} {ROUNDS} rounds.",
            "",
            "| what | clock | CPU | CPU / floor | CPU / pip of nothing | goal | installed |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            "Step start to first useful line: both scripts of action.yml, until `ci evaluate` says which commits it compares. pip's own",
            "cache is off, and each round has a copy of the Action that nobody compiled. The clock depends on the load of the machine.",
            "",
            "pip into a folder is used: nothing else to fetch, trust or configure, mirrors work as they are configured for pip, and it",
            "is what the goals are held to. uv installs faster and is larger than everything else that the Action needs.",
            "",
        ]
    )


def _median(costs: Sequence[Cost], which: int) -> float:
    return statistics.median(cost[which] for cost in costs)


def _ratio(found: dict[str, list[Cost]], name: str, floor: str) -> float:
    return statistics.median(ours[1] / theirs[1] for ours, theirs in zip(found[name], found[floor], strict=True))


if __name__ == "__main__":
    main()
