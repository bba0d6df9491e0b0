"""Runs `llmops-git ci` in a clone as a job of GitHub Actions would: event payload, output file, summary, token."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from unittest.mock import patch

from tests.commands.release_project import Folder, Place

REPOSITORY = "octo/app"
_NUMBERS = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a job left behind."""

    code: int
    log: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""

    def json(self, output: str) -> Any:
        return json.loads(self.outputs[output])

    @property
    def annotations(self) -> list[str]:
        return [line for line in self.log.splitlines() if line.startswith(("::error", "::warning", "::notice"))]


class Job:
    """One job: where it runs, and what it is told."""

    def __init__(self, folder: Folder, event: str, payload: Mapping[str, Any], **inputs: str) -> None:
        self._folder = folder
        self._place = folder.path.parent / "jobs" / str(next(_NUMBERS))
        self._place.mkdir(parents=True)
        for name in ("output", "summary"):
            (self._place / name).touch()
        (self._place / "event.json").write_text(json.dumps(payload))
        self.environment = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(self._place / "event.json"),
            "GITHUB_OUTPUT": str(self._place / "output"),
            "GITHUB_STEP_SUMMARY": str(self._place / "summary"),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_ACTOR": "mona",
            "GITHUB_RUN_ID": "17",
            "GITHUB_RUN_ATTEMPT": "1",
            "LLMOPS_REPORT_DIR": str(self._place / "report"),
            **{f"LLMOPS_{name.upper()}": value for name, value in inputs.items()},
        }

    def run(self, job: str) -> Ended:
        """Run it in this process, with the environment of a job."""
        with patch.dict(os.environ, self.environment):
            code, out, err = self._folder.run("ci", job)
        return self._ended(code, out + err)

    def start(self, job: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start it as a process of its own."""
        return self._folder.start("ci", job, environment={**self.environment, **(environment or {})})

    def end(self, process: subprocess.Popen[str]) -> Ended:
        out, err = process.communicate()
        return self._ended(process.returncode, out + err)

    def _ended(self, code: int, log: str) -> Ended:
        outputs = read_outputs((self._place / "output").read_text())
        return Ended(code=code, log=log, outputs=outputs, summary=(self._place / "summary").read_text())


def read_outputs(text: str) -> dict[str, str]:
    """The file of outputs, as the runner reads it; a later value replaces an earlier one."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        value = []
        for part in lines:
            if part == delimiter:
                break
            value.append(part)
        found[name] = "\n".join(value)
    return found


def _home(**facts: Any) -> dict[str, Any]:
    return {"repository": {"full_name": REPOSITORY, "default_branch": "main"}, "sender": {"login": "mona"}, **facts}


def push(folder: Folder, commit: str, *, ref: str = "refs/heads/main", **inputs: str) -> Job:
    """The job of a push of this commit."""
    return Job(folder, "push", _home(ref=ref, before="0" * 40, after=commit), **inputs)


def dispatch(folder: Folder, *, given: Mapping[str, str] | None = None, ref: str = "refs/heads/main", **inputs: str) -> Job:
    """The job of a dispatched workflow."""
    return Job(folder, "workflow_dispatch", _home(ref=ref, inputs=dict(given or {})), **inputs)


def schedule(folder: Folder, **inputs: str) -> Job:
    """The job of a schedule, whose payload says almost nothing."""
    return Job(folder, "schedule", {"schedule": "17 4 * * *"}, **inputs)


def checkout(place: Place, name: str, commit: str, *options: str) -> Folder:
    """What actions/checkout leaves: one commit, HEAD detached on it, no tags."""
    folder = Folder(place.folder / name)
    folder.path.mkdir()
    folder.git("init", "-q")
    folder.git("remote", "add", "origin", place.bare.path.as_uri())
    folder.git("fetch", "-q", "--no-tags", *(options or ("--depth=1",)), "origin", f"+{commit}:refs/remotes/origin/main")
    folder.git("checkout", "-q", "--force", "--detach", commit)
    return folder


def subjects(place: Place, environment: str) -> Sequence[str]:
    """What was deployed to an environment, newest first, as its history says."""
    return place.bare.git("log", "--first-parent", "--format=%s", f"llmops/env/{environment}").splitlines()
