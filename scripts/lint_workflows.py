"""Lints action.yml, the workflows of this repository and the workflows that `init` writes. No network.

zizmor looks for ways in, jactionlint for mistakes, check-jsonschema holds all to GitHub's schemas and every job to a time-out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from llmops_git.commands.workflows import WorkflowSettings, workflow_files

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PINNED = "llmops-git/llmops-git@0123456789abcdef0123456789abcdef01234567 # v1.0.0"
VARIANTS = {
    "key": WorkflowSettings(action=PINNED, branch="main", key_env="MODEL_KEY"),
    "embedded": WorkflowSettings(action=PINNED, branch="trunk", folder="team/one", embedded=True, environments=("live",)),
}
# strict: a file that it cannot read is otherwise a warning, and passes among files that it can
ZIZMOR = ("--offline", "--quiet", "--no-config", "--strict-collection", "--persona=pedantic")
# outputs of jobs are for the jobs that a repository adds; no shellcheck, which is on some machines only
JACTIONLINT = ("jactionlint", "--no-color", "--strict-exit", "--no-online", "--shellcheck=", "--ignore", "unused-job-output")


def main() -> int:
    """Exit code: 0, or 1 when a linter found something."""
    action = str(ROOT / "action.yml")
    with tempfile.TemporaryDirectory() as temporary:
        files = [*map(str, sorted((ROOT / ".github/workflows").glob("*.yml"))), *rendered(Path(temporary))]
        commands = [
            ("zizmor", *ZIZMOR, action, *files),
            (*JACTIONLINT, action, *files),
            ("check-jsonschema", "--quiet", "--builtin-schema", "vendor.github-actions", action),
            ("check-jsonschema", "--quiet", "--builtin-schema", "vendor.github-workflows", *files),
            ("check-jsonschema", "--quiet", "--builtin-schema", "custom.github-workflows-require-timeout", *files),
        ]
        failed = [command[0] for command in commands if not passes(command)]
    print(
        f"workflows: {', '.join(failed)} found something"
        if failed
        else f"workflows: {len(files)} files and action.yml are clean"
    )
    return 1 if failed else 0


def rendered(folder: Path) -> Iterator[str]:
    """Paths of what `init` would write, in the shape of repositories."""
    for name, settings in VARIANTS.items():
        for path, text in workflow_files(settings).items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            yield str(target)


def passes(command: Sequence[str]) -> bool:
    """Run one linter; what it found goes to the terminal. Its options are all that tells it what to do.

    Not the environment: zizmor refuses to start where `GH_TOKEN` is empty, which is what a job without that secret has.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GH_", "GITHUB_", "ZIZMOR_"))}
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, env=kept, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
