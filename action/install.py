"""Installs the locked packages of this commit of the Action into a folder of the job, once per job.

Run isolated (`python -I`) and with the standard library only. Wheels by hash, nothing is built, no dependency is looked for,
and no cache is restored: what a job runs is what the lock file of the action's commit says. The runner's own pip finds the
packages, so that mirrors work as they are configured for pip. Sets the step's outputs `python` and `packages` (folders,
separated as in PATH).
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
PIP = ("install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile", "--no-cache-dir", "--quiet")
QUIET = ("--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--root-user-action", "ignore")
# a runner's pip may insist on a virtual environment or prefer the user's site: neither fits a folder of its own
SETTINGS = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0"}
EXIT_NOT_MEASURED = 3


def main() -> int:
    """Exit code."""
    home = Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / "llmops-git"
    names = ["action"]
    if os.environ.get("LLMOPS_EMBEDDED", "").strip().lower() in {"true", "1", "yes", "on"}:
        names.append("action-embedded")
    folders = []
    for name in names:
        requirements = REQUIREMENTS / f"{name}.txt"
        folder = home / place(requirements.read_bytes())
        if not folder.is_dir() and not installed(requirements, folder):
            return EXIT_NOT_MEASURED
        folders.append(str(folder))
    outputs = {"python": sys.executable, "packages": os.pathsep.join(folders)}
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())
    return 0


def place(requirements: bytes) -> str:
    """A name for what these requirements install on this interpreter."""
    interpreter = f"{sys.implementation.cache_tag} {platform.system()} {platform.machine()} {sys.executable}"
    return hashlib.sha256(requirements + interpreter.encode()).hexdigest()[:24]


def installed(requirements: Path, folder: Path) -> bool:
    """Install beside the folder and move it into place at once: a killed or racing install leaves nothing half done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        target = Path(temporary) / "packages"
        command = [sys.executable, "-I", "-m", "pip", *PIP, *QUIET, "--target", str(target), "--requirement", str(requirements)]
        done = subprocess.run(
            command,
            env={**os.environ, **SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            complain(done.stdout.decode(errors="replace"))
            return False
        try:
            target.rename(folder)
        except OSError:
            return folder.is_dir()  # another step of this job was faster
    return True


def complain(said: str) -> None:
    """What pip said; prefixed and broken up, so that no line of it acts as a workflow command."""
    for line in said.splitlines():
        print("pip:", line.replace("##[", "# #["))
    print("::error title=llmops-git::the locked packages of the action could not be installed")
    print(f"hint: pip of {sys.executable} must reach a package index that has the versions in {REQUIREMENTS.name}/")


if __name__ == "__main__":
    sys.exit(main())
