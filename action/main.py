"""Runs `llmops-git ci` of this commit of the Action on the packages that `install.py` left.

Run isolated and without site-packages (`python -I -S`): neither the folder of the checkout, nor PYTHONPATH, nor anything that
is installed on the machine is on the path, only the standard library, then the locked packages, then this commit.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Ends the process with the exit code of `ci`."""
    packages = os.environ.pop("LLMOPS_PACKAGES", "")
    os.environ.pop("LLMOPS_PYTHON", "")
    if not packages:
        sys.exit("error: LLMOPS_PACKAGES is not set\n\nhint: this file is run by the Action; elsewhere, run llmops-git ci")
    sys.path += [*packages.split(os.pathsep), str(Path(__file__).resolve().parents[1])]
    # an input that is not given is no option that is empty
    for name in [name for name, value in os.environ.items() if name.startswith("LLMOPS_") and not value]:
        del os.environ[name]
    from llmops_git.cli import main as llmops

    llmops(["ci"])


if __name__ == "__main__":
    main()
