"""Runs one workflow in act, a real runner of GitHub Actions, on this machine: no Docker, no network, nothing of our environment.

What act does not do is in `Act.run`'s words: it enforces neither permissions nor approvals nor concurrency (tokens of the hub do the
first). It may lose the last line that a step prints, so tests look at exit codes, outputs, files and at what the hub was told.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STAND_INS = Path(__file__).parent / "stand_ins"
PROGRAM = Path(sys.executable).with_name("act")
SECONDS = 120
# how pip finds an index, and what the machine trusts
FORWARDED = re.compile(r"PIP_\w+|\w*(?:CERT|CA_BUNDLE)\w*|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|LLMOPS_MODEL_CACHE")
# newer than act's schema; the linters see the originals
_UNKNOWN = re.compile(r"^ +queue: max\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished job. `code` is the exit code of `llmops-git ci`; `outputs`, `annotations` (level, file, line, message) and
    `summary` are those of the step that used the Action; `artifacts` are folders by name."""

    code: int
    outputs: Mapping[str, str]
    log: str
    annotations: tuple[tuple[str, str, str, str], ...] = ()
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """`action` is the checkout of the Action under test; `home` a folder of its own for each run."""

    action: Path
    folder: Path

    def run(
        self,
        workflow: str,
        *,
        event: str,
        payload: object,
        environment: Mapping[str, str],
        secrets: Mapping[str, str],
        name: str = "run",
    ) -> Outcome:
        """Run a workflow's text on an event. `environment` is that of the job."""
        place = self.folder / name
        repository = place / "repository"
        path = repository / ".github" / "workflows" / "workflow.yml"
        path.parent.mkdir(parents=True)
        path.write_text(_UNKNOWN.sub("", workflow), encoding="utf-8")
        (place / "event.json").write_text(json.dumps(payload), encoding="utf-8")
        home = place / "home"
        home.mkdir()
        artifacts = place / "artifacts"
        artifacts.mkdir()
        _as_repository(repository)
        command = [str(PROGRAM), event, "--eventpath", str(place / "event.json"), "--workflows", str(path), "--json"]
        command += [
            "--platform",
            "ubuntu-latest=-self-hosted",
            "--no-skip-checkout",
            "--no-cache-server",
            "--concurrent-jobs",
            "1",
        ]
        command += [f"--local-repository={used}" for used in self._replacements(workflow)]
        for key, value in {**environment, "ARTIFACTS": str(artifacts)}.items():
            command += ["--env", f"{key}={value}"]
        for key in secrets:
            command += ["--secret", key]  # its value is in act's own environment, not in its arguments
        done = subprocess.run(
            command,
            cwd=repository,
            env={**_surroundings(home), **secrets},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        return _outcome(done.stdout, {found.name: found for found in artifacts.iterdir()})

    def _replacements(self, workflow: str) -> list[str]:
        """Every `uses:` of the workflow, with the folder that stands in for it."""
        found = set(re.findall(r"uses: ([^\s@]+@\S+)", workflow))
        folders = {used: STAND_INS / used.split("@")[0].split("/")[-1] for used in found}
        return [f"{used}={folder if folder.is_dir() else self.action}" for used, folder in folders.items()]


def _as_repository(folder: Path) -> None:
    """act wants to know a commit and a remote of where the workflow is; nothing of it reaches the Action's decisions."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://github.com/octo-org/prompts"],
        [*who, "commit", "-q", "--allow-empty", "-m", "workflow"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True)


def _surroundings(home: Path) -> dict[str, str]:
    """The whole environment of the runner: the machine's programs and what it needs to reach a package index."""
    programs = [
        f"{sys.base_prefix}/bin",
        str(Path(shutil.which("git") or "/usr/bin/git").parent),
        "/usr/local/bin",
        "/usr/bin",
        "/bin",
    ]
    kept = {name: value for name, value in os.environ.items() if FORWARDED.fullmatch(name)}
    return {**kept, "PATH": ":".join(dict.fromkeys(programs)), "HOME": str(home)}


def _outcome(said: str, artifacts: Mapping[str, Path]) -> Outcome:
    lines = [json.loads(line) if line.startswith("{") else {"msg": line} for line in said.splitlines()]
    log = "\n".join(str(line.get("msg", "")).rstrip("\n") for line in lines)
    passed = any(line.get("jobResult") == "success" for line in lines)
    codes = re.findall(r"^exit status (\d+)$", log, re.MULTILINE)
    ours = [line for line in lines if line.get("stepID") == ["llmops-git"]]
    told = [line for line in lines if line.get("command") in {"error", "warning", "notice"}]
    return Outcome(
        code=0 if passed else int(codes[0]) if codes else -1,
        outputs={line["name"]: line["arg"] for line in ours if line.get("command") == "set-output"},
        log=log,
        annotations=tuple(
            (line["command"], line["kvPairs"].get("file", ""), line["kvPairs"].get("line", ""), line["arg"]) for line in told
        ),
        artifacts=artifacts,
        summary="".join(line["content"] for line in ours if line.get("command") == "summary"),
    )
