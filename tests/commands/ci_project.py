"""A repository on the fake hub whose jobs are run in this process: `ci` in a fresh checkout, as a runner would make it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakehub.hub import FORK, Hub

from llmops_git.cli import run
from tests.commands.test_commands_eval import CASES, CONFIG, LABELS

POLICY = "version: 1\nproviders:\n  test: {{api: openai, base_url: {url}, key_env: {key}}}\n"
KEY = "MODEL_KEY"
WAIT = "gate: {on_inconclusive: warn}\n"


def rows(count: int = CASES) -> str:
    cases = [{"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": LABELS[n % 3]} for n in range(count)]
    return "".join(json.dumps(row) + "\n" for row in cases)


def config(skill: int | str) -> str:
    return CONFIG.format(system=f"skill {skill}")


def parse_outputs(text: str) -> dict[str, str]:
    """What the runner reads from GITHUB_OUTPUT."""
    found, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, mark, delimiter = line.partition("<<")
        if mark:
            value = []
            while (part := next(lines)) != delimiter:
                value.append(part)
            found[name] = "\n".join(value)
        elif line:
            found[line.partition("=")[0]] = line.partition("=")[2]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one step left."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    out: str
    folder: Path  # the checkout

    @property
    def report(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(Path(self.outputs["report"]).read_text())
        return document


@dataclass(slots=True)
class CiProject:
    """Starts jobs. `key` is what the provider's key is set to; "" where secrets are withheld."""

    hub: Hub
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    key: str = "the-key-of-the-model"
    inputs: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def checkout(self, ref: str, depth: int = 1) -> Path:
        """As actions/checkout leaves it: shallow, detached, without credentials."""
        self.count += 1
        folder = self.folder / f"checkout{self.count}"
        git = ["git", "-c", "protocol.version=2", "-C", str(folder)]
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        subprocess.run([*git, "remote", "add", "origin", self.hub.clone_url()], check=True)
        url = self.hub.clone_url(token=self.hub.token())
        subprocess.run([*git, "fetch", "-q", "--no-tags", f"--depth={depth}", url, ref], check=True)
        subprocess.run([*git, "checkout", "-q", "--detach", "FETCH_HEAD"], check=True)
        return folder

    def run(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        job: str = "auto",
        ref: str = "refs/heads/main",
        token: str | None = None,
        run_id: int = 100,
        attempt: int = 1,
        inside: str = "",
        **inputs: str,
    ) -> Done:
        """One step: `ci` for an event, in a new checkout of `ref`."""
        folder = self.checkout(ref)
        files = {name: self.folder / f"{name}{self.count}" for name in ("event", "output", "summary")}
        files["event"].write_text(json.dumps(payload))
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_REPOSITORY": self.hub.repository().full_name,
            "GITHUB_SERVER_URL": self.hub.server_url,
            "GITHUB_API_URL": self.hub.api_url,
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_ACTOR": "octocat",
            "LLMOPS_TOKEN": self.hub.token() if token is None else token,
            "LLMOPS_REPORT_DIR": str(self.folder / f"report{self.count}"),
            KEY: self.key,
            **{f"LLMOPS_{key.upper()}": value for key, value in inputs.items()},
        }
        with self.monkeypatch.context() as patch:
            patch.chdir(folder / inside)
            for variable, value in variables.items():
                patch.setenv(variable, value)
            self.capfd.readouterr()
            code = run(["ci", job])
        said = self.capfd.readouterr()
        read = {key: path.read_text() if path.exists() else "" for key, path in files.items()}
        outputs = parse_outputs(read["output"])
        return Done(code=code, outputs=outputs, summary=read["summary"], out=said.out + said.err, folder=folder)

    def pull_request(self, number: int, action: str = "opened", **facts: Any) -> Done:
        """The evaluation of a pull request as it is now."""
        pull = self.hub.repository().issues[number].pull
        assert pull is not None
        fork = pull.head_repository != self.hub.repository().full_name
        if fork:
            facts = {"token": self.hub.token(permissions=FORK), **facts}
        payload = self.hub.event_payload("pull_request", number=number, action=action)
        return self.run("pull_request", payload, ref=f"refs/pull/{number}/merge", **facts)
