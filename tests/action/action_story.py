"""A repository set up with `llmops-git init`, on the fake GitHub: opens pull requests, pushes, dispatches, and runs the job of each event."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from action_act import Act, Outcome
from fakehub.hub import BOT, EVERYTHING, FORK, Hub
from fakehub.records import Run

from llmops_git.configs.yaml import parse
from tests.chat_server import Answer, Asked, text_answer

NAME = "octo-org/prompts"
CONFIG = "review-sentiment"
PROMPT = f"prompts/{CONFIG}/system.j2"
KEY = "sk-a-key-that-nobody-may-see"
GATE = "llmops-git/gate"
# what the model makes of a prompt, by a word in it
GOOD, BAD = "You judge product reviews. Be exact.\n", "You judge product reviews. Answer with a poem.\n"


@dataclass(slots=True)
class Story:
    """One repository and everything that happens to it."""

    hub: Hub
    act: Act
    packages: Path | None  # installed once per session; None: each job installs for itself
    project: str = ""  # folder of the project in the repository
    runs: dict[int, Outcome] = field(default_factory=dict)

    # what people do

    def push(self, files: Mapping[str, str | bytes | None], *, branch: str = "main", repository: str = "") -> str:
        return self.hub.commit(files, branch=branch, repository=repository)

    def change(self, prompt: str, *, branch: str = "change", repository: str = "") -> str:
        """A commit that changes the prompt."""
        return self.push({f"{self.project}{PROMPT}": prompt}, branch=branch, repository=repository)

    def propose(self, prompt: str, *, branch: str = "change", fork: str = "") -> int:
        """A pull request that changes the prompt; its number."""
        self.change(prompt, branch=branch, repository=fork)
        return self.hub.open_pull_request(head=branch, head_repository=fork).number

    # what GitHub does then

    def evaluate(
        self, number: int, *, again: Run | None = None, action: str = "opened", before: str = ""
    ) -> tuple[Run, Outcome]:
        """The job of a pull request's event. With `again` it is another attempt of that run."""
        pull = self.hub.repository().issues[number].pull
        assert pull is not None
        run = again or self.hub.add_run(
            event="pull_request",
            head_oid=pull.head_oid,
            head_branch=pull.head_branch,
            head_repository=pull.head_repository or "",
            conclusion=None,
        )
        if again:
            run.attempt += 1
        payload = self.hub.event_payload("pull_request", number=number, action=action, before=before)
        fork = pull.head_repository != NAME
        return run, self.job("evaluate", run, "pull_request", payload, f"refs/pull/{number}/merge", fork=fork)

    def evaluate_queued(self, number: int) -> Outcome:
        payload = self.hub.event_payload("merge_group", number=number)
        oid = payload["merge_group"]["head_sha"]
        run = self.hub.add_run(event="merge_group", head_oid=oid, head_branch="queue", conclusion=None)
        return self.job("evaluate", run, "merge_group", payload, oid)

    def comment(self, evaluated: Run) -> Outcome:
        """The job that follows an evaluation."""
        payload = self.hub.event_payload("workflow_run", run_id=evaluated.id)
        return self.job("comment", self._run("workflow_run"), "workflow_run", payload, self.tip())

    def release(self, before: str = "") -> Outcome:
        """The job of a push to the default branch."""
        return self.job("release", self._run("push"), "push", self.hub.event_payload("push", before=before), self.tip())

    def dispatch(self, name: str, **inputs: str) -> Outcome:
        """A dispatched workflow; underscores in names stand for dashes."""
        given = {key.replace("_", "-"): value for key, value in inputs.items()}
        path = f".github/workflows/llmops-{name}.yml"
        payload = self.hub.event_payload("workflow_dispatch", inputs=given, workflow=path)
        return self.job(name, self._run("workflow_dispatch"), "workflow_dispatch", payload, self.tip())

    def schedule(self, name: str) -> Outcome:
        payload = self.hub.event_payload("schedule", workflow=f".github/workflows/llmops-{name}.yml")
        return self.job(name, self._run("schedule"), "schedule", payload, self.tip())

    def job(self, name: str, run: Run, event: str, payload: Any, checkout: str, *, fork: bool = False) -> Outcome:
        """Run a workflow as it is at the commit that is checked out, with the permissions that it asks for."""
        text = self.show(checkout, f".github/workflows/llmops-{name}.yml")
        secrets = {"GITHUB_TOKEN": self._token(text, fork=fork), **({} if fork else {"OPENAI_API_KEY": KEY})}
        environment = {
            "GITHUB_API_URL": self.hub.api_url,
            "GITHUB_SERVER_URL": self.hub.server_url,
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_RUN_ATTEMPT": str(run.attempt),
            "CHECKOUT": checkout,
            **({"PACKAGES_OF_THE_SESSION": str(self.packages)} if self.packages else {}),
        }
        outcome = self.act.run(
            text, event=event, payload=payload, environment=environment, secrets=secrets, name=f"{name}-{run.id}-{run.attempt}"
        )
        run.conclusion = "success" if outcome.code == 0 else "failure"
        for artifact, folder in outcome.artifacts.items():
            self.hub.add_artifact(run.id, artifact, _files(folder))
        return outcome

    # looking at what came out

    def show(self, commit: str, path: str) -> str:
        return self.hub.store(NAME).run("show", f"{commit}:{path}") + "\n"

    def tip(self, branch: str = "main") -> str:
        return self.hub.store(NAME).branch(branch)

    def tags(self) -> list[str]:
        return [ref.removeprefix("refs/tags/") for ref, _, _ in self.hub.store(NAME).refs("refs/tags/")]

    def running(self, environment: str) -> str:
        """The release that runs in an environment, "" when none does."""
        if not (tip := self.tip(f"llmops/env/{environment}")):
            return ""
        return str(json.loads(self.show(tip, f"{CONFIG}.json"))["release"])

    def gate(self, commit: str) -> str:
        """The state of the status that a ruleset requires."""
        return self.hub.status(commit, GATE)

    def _run(self, event: str) -> Run:
        return self.hub.add_run(event=event, head_oid=self.tip(), head_branch="main", conclusion=None)

    def _token(self, workflow: str, *, fork: bool) -> str:
        asked = parse(workflow.encode(), "workflow.yml").value["jobs"]["llmops-git"]["permissions"]
        permissions = {name.replace("-", "_"): level for name, level in asked.items()}
        assert set(permissions) <= set(EVERYTHING)
        return self.hub.token(BOT, dict(FORK) if fork else permissions, repositories=[NAME])


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def starter_files(folder: Path, llmops: str, *options: str, below: str = "") -> dict[str, str]:
    """What `llmops-git init` writes in a new repository, or in a folder of it, on a machine without any settings."""
    place = folder / below
    place.mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], env=environment, check=True)
    subprocess.run([llmops, "init", *options], cwd=place, env=environment, check=True, capture_output=True)
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }


def with_provider(files: Mapping[str, str], chat_url: str) -> dict[str, str]:
    """A project with the provider's address set to the model of the test: the one edit of a user with a gateway."""
    address = f"providers:\n  openai: {{api: openai, base_url: {chat_url}, key_env: OPENAI_API_KEY}}\n"
    return {**files, "llmops.yaml": files["llmops.yaml"] + address}


def model(rows: str) -> Any:
    """The script of a model that reads the system prompt: exact ones get right answers, poets wrong ones, others a quarter of them."""
    expected = {
        row["inputs"]["review"]: (row["expected"], number) for number, row in enumerate(map(json.loads, rows.splitlines()))
    }

    def answer(asked: Asked, _number: int) -> Answer:
        system, user = (message["content"] for message in asked.body["messages"])
        right, number = expected[user]
        knows = "exact" in system or ("poem" not in system and number % 4 == 0)
        return text_answer(right if knows else "Roses are red", model=asked.body["model"])

    return answer
