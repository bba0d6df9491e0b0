"""Start-up: `--help` against importing click, and `resolve` on a small repository.

python -m bench.releases.startup      writes bench/results/startup.md
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.releases.generate import generate
from bench.releases.measure import cpu_of, header, milliseconds, ratio, rounds

RESULT = Path(__file__).parents[1] / "results" / "startup.md"
ROUNDS = 25
PROGRAM = Path(sys.executable).with_name("llmops-git")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "small.git"
        generate(folder, configs=3, versions=5)
        subprocess.run([PROGRAM, "resolve", "config-001", "--environment", "production"], cwd=folder, check=True)
        found = rounds(
            {
                "click": lambda: cpu_of([sys.executable, "-c", "import click"], folder),
                "help": lambda: cpu_of([str(PROGRAM), "--help"], folder),
                "resolve": lambda: cpu_of([str(PROGRAM), "resolve", "config-001"], folder),
                "environment": lambda: cpu_of([str(PROGRAM), "resolve", "config-001", "--environment", "production"], folder),
            },
            ROUNDS,
        )
    RESULT.write_text(page(found))
    print(RESULT.read_text())


def page(found: dict[str, list[float]]) -> str:
    names = {
        "click": ('`python -c "import click"` (floor)', ""),
        "help": ("`llmops-git --help`", "at most 1.5x"),
        "resolve": ("`llmops-git resolve CONFIG`", "at most 250 ms"),
        "environment": ("`llmops-git resolve CONFIG --environment production`", "at most 250 ms"),
    }
    rows = [
        f"| {text} | {milliseconds(found[name])} | {ratio(found, name, 'click'):.2f}x | {goal} |"
        for name, (text, goal) in names.items()
    ]
    return "\n".join(
        [
            "# Start-up",
            "",
            header(),
            f"{ROUNDS} rounds; a repository with 15 releases and 5 environments; the git processes are in the figures.",
            "",
            "| what | CPU | ratio | goal |",
            "|---|---|---|---|",
            *rows,
            "",
            (
                "Neither `--help` nor `resolve` imports git, httpx, jinja2, jsonschema or ruamel: that is tested by the list of modules, "
                "not by time."
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
