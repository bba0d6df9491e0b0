"""The full state of 2,500 release tags and 5 environments, against one `git for-each-ref` of the same refs and fields.

python -m bench.releases.state        writes bench/results/releases.md
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.releases.generate import generate
from bench.releases.measure import cpu_in_process, cpu_of, header, milliseconds, ratio, rounds
from llmops_git.releases.registry import read_registry
from llmops_git.repo.git import open_git
from llmops_git.repo.refs import FORMAT

RESULT = Path(__file__).parents[1] / "results" / "releases.md"
ROUNDS = 15
FLOOR = ["git", "for-each-ref", f"--format={FORMAT}", "refs/tags/llmops/", "refs/heads/llmops/"]
STATUS = [sys.executable, "-c", "from llmops_git.cli import main; main()", "status", "--format", "json"]


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "releases.git"
        generate(folder)
        loose = measure(folder)
        subprocess.run(["git", "pack-refs", "--all"], cwd=folder, check=True)
        packed = measure(folder)
    RESULT.write_text(page(packed, loose))
    print(RESULT.read_text())


def measure(folder: Path) -> dict[str, list[float]]:
    git = open_git(folder)

    def state() -> None:
        registry = read_registry(git, remote=None)
        assert sum(len(releases) for releases in registry.releases.values()) == 2500
        assert sum(len(environment.running) for environment in registry.environments.values()) == 250

    def state_and_trailers() -> None:
        registry = read_registry(git, remote=None)
        assert all(release.digest for releases in registry.releases.values() for release in releases)

    return rounds(
        {
            "floor": lambda: cpu_of(FLOOR, folder),
            "state": lambda: cpu_in_process(state),
            "trailers": lambda: cpu_in_process(state_and_trailers),
            "status": lambda: cpu_of(STATUS, folder),
        },
        ROUNDS,
    )


def page(packed: dict[str, list[float]], loose: dict[str, list[float]]) -> str:
    names = {
        "floor": "`git for-each-ref`, the same refs and fields (floor)",
        "state": "`read_registry` in process: every release in order, what 5 environments run of 50 configs",
        "trailers": "the same, and the message of each of the 2,500 tags taken apart",
        "status": "`llmops-git status --format json`, the whole process",
    }
    rows = [
        f"| {text} | {milliseconds(packed[name])} | {ratio(packed, name, 'floor'):.2f}x | {milliseconds(loose[name])} "
        f"| {ratio(loose, name, 'floor'):.2f}x |"
        for name, text in names.items()
    ]
    return "\n".join(
        [
            "# Full state of 2,500 release tags and 5 environments",
            "",
            header(),
            (
                f"{ROUNDS} rounds. 50 configs with 50 releases each, tag messages of 1.3 kB, 1,000 deployments. Packed refs are what a "
                "clone has; loose ones are what 2,500 single pushes leave behind."
            ),
            "",
            "| what | packed | ratio | loose | ratio |",
            "|---|---|---|---|---|",
            *rows,
            "",
            (
                "Goal: reading the full state in process costs at most 3x the floor. It takes two git processes (asserted by a test): one "
                "`for-each-ref` and one `cat-file --batch`."
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
