"""Writes into wheels and source archives which commit they were built from: `init` pins the Action to it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "llmops_git/commit"


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds one small file, unless the source archive brought it along or there is no git checkout to ask."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or (Path(self.root) / TARGET).is_file() or not (Path(self.root) / ".git").exists():
            return
        asked = ["git", "rev-parse", "--verify", "HEAD^{commit}"]
        done = subprocess.run(asked, cwd=self.root, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            with tempfile.NamedTemporaryFile("w", delete=False, encoding="ascii") as file:
                file.write(done.stdout)
            self._written = Path(file.name)
            build_data["force_include"][file.name] = TARGET

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        if (written := getattr(self, "_written", None)) is not None:
            written.unlink()
