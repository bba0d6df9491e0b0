"""The workflows of this repository are those that `init` writes, on the examples: writes them, or says where they differ.

python scripts/workflows.py           rewrites .github/workflows/llmops-*.yml
python scripts/workflows.py --check   exit code 1 where one differs
"""

from __future__ import annotations

import sys
from pathlib import Path

from llmops_git.commands.workflows import WorkflowSettings, workflow_files

ROOT = Path(__file__).parents[1]
ACTION = "./ # zizmor: ignore[self-repository] runners before 2026-07, and the tests' runner, know only this form"
SETTINGS = WorkflowSettings(action=ACTION, branch="main", folder="examples", embedded=True)


def main() -> int:
    """Exit code."""
    wanted = workflow_files(SETTINGS)
    differing = [path for path, text in wanted.items() if _read(ROOT / path) != text]
    if sys.argv[1:] == ["--check"]:
        for path in differing:
            print(f"{path} is not what init writes; hint: python scripts/workflows.py")
        return 1 if differing else 0
    for path in differing:
        (ROOT / path).write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path}")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
