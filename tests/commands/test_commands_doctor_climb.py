"""From two files to the last level, by doing what `doctor` says: each step is taken as it stands, with the real commands, a real
model's interface, the runtime and the store."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmops_git import runtime
from llmops_git.monitoring.maturity import POINTS
from tests.chat_server import Asked, ChatServer, chat_server, text_answer
from tests.commands.release_project import Folder

NAME = "review-sentiment"
MODEL = "gpt-5.4-mini-2026-03-17"


def judge_of_reviews(asked: Asked, _number: int) -> Any:
    """Right of all reviews: those with `good` in them are positive."""
    return text_answer("positive" if "good" in asked.body["messages"][-1]["content"] else "negative")


@dataclass(slots=True)
class Climb:
    """A repository, and what was done to it. `taken` are the names of points whose steps were taken, in order."""

    folder: Folder
    server: ChatServer
    taken: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    requests: int = 0

    def look(self) -> tuple[dict[str, Any] | None, str]:
        """The next point and the level."""
        document = self.folder.json("doctor")
        self.levels.append(document["level"])
        point = next((item for item in document["points"] if item["name"] == document["next"]), None)
        return point, document["level"]

    def path(self, name: str) -> Path:
        return self.folder.path / name

    def run(self, command: str) -> None:
        """A step's command, as it stands."""
        if command.startswith("llmops-git "):
            code, out, err = self.folder.run(*command.split()[1:])
            assert code == 0, f"{command}: {code}\n{out}\n{err}"
        else:
            subprocess.run(command, shell=True, cwd=self.folder.path, check=True, capture_output=True)

    def write(self, step: dict[str, Any]) -> None:
        """A step's file, as it stands."""
        target = self.path(step["path"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(step["lines"]) + "\n")

    def commit(self) -> None:
        self.folder.git("add", "-A")
        if self.folder.git("status", "--porcelain"):
            self.folder.git("commit", "-q", "-m", "a step")

    def serve(self, step: dict[str, Any], count: int = 25) -> None:
        """What an application does that says the step's line."""
        [line] = [line for line in step["lines"] if "runtime.load" in line]
        with contextlib.chdir(self.folder.path):
            router = eval(line.partition(" = ")[2], {"runtime": runtime})
            for number in range(self.requests, self.requests + count):
                with router.request(user=f"u-{number % 5}", feature="reviews") as request:
                    request.generate(review=f"It is {'good' if number % 2 else 'bad'}, number {number}.")
            assert router.flush(10)
            router.close()
        self.requests += count


@pytest.fixture
def climb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Climb]:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path / "project")], check=True)
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    with chat_server(judge_of_reviews) as server:
        yield Climb(Folder(tmp_path / "project"), server)


def begin(climb: Climb, step: dict[str, Any]) -> None:
    """Two files; the model is asked on this machine, where a test may."""
    if step["command"].startswith("git "):
        climb.run(step["command"])
        return
    climb.run(f"{step['command']} --provider openai --model {MODEL}")
    assert {"llmops.yaml", f"prompts/{NAME}.yaml", f"prompts/{NAME}/system.j2", f"evals/{NAME}.jsonl"} == {
        path.relative_to(climb.folder.path).as_posix()
        for path in climb.folder.path.rglob("*")
        if path.is_file() and ".git/" not in str(path)
    }
    policy = climb.path("llmops.yaml")
    address = f'providers: {{openai: {{api: openai, base_url: "{climb.server.url}", key_env: OPENAI_API_KEY}}}}\n'
    policy.write_text(policy.read_text() + address)
    rows = [
        {
            "id": f"c{n}",
            "inputs": {"review": f"This is {'good' if n % 2 else 'bad'} {n}"},
            "expected": "positive" if n % 2 else "negative",
        }
        for n in range(8)
    ]
    climb.path(f"evals/{NAME}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def log(climb: Climb, step: dict[str, Any]) -> None:
    """Releases first, since the runtime runs those; then an application that records."""
    if step["lines"]:
        climb.serve(step)
    climb.run(step["command"])


def more_cases(climb: Climb, step: dict[str, Any]) -> None:
    rows = [
        {
            "id": f"more{n}",
            "inputs": {"review": f"A {'good' if n % 2 else 'bad'} one, {n}"},
            "expected": "positive" if n % 2 else "negative",
        }
        for n in range(12)
    ]
    with climb.path(f"evals/{NAME}.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    climb.commit()


def workflows(climb: Climb, step: dict[str, Any]) -> None:
    climb.run(f"{step['command']} --action llmops-git/llmops-git@{'a' * 40}")
    climb.commit()


def traced(climb: Climb, step: dict[str, Any]) -> None:
    if step["lines"]:
        climb.serve(step)
    climb.run("llmops-git traces ingest")


def drawn(climb: Climb, step: dict[str, Any]) -> None:
    if "pip install" in step["command"]:
        climb.path("prices.yaml").write_text(f"{MODEL}: {{input: 0.4, output: 1.6}}\n")
        climb.commit()
        climb.serve({"lines": [f'router = runtime.load("{NAME}", environment="production", content="redacted")']}, 600)
        climb.run("llmops-git traces ingest")
        return
    climb.run(step["command"])


def scored(climb: Climb, step: dict[str, Any]) -> None:
    if step["lines"]:
        config = climb.path(f"prompts/{NAME}.yaml")
        config.write_text(config.read_text().rstrip("\n") + "\n" + "\n".join(step["lines"]) + "\n")
    climb.run(step["command"])
    climb.commit()


def watched(climb: Climb, step: dict[str, Any]) -> None:
    if step["path"]:
        climb.write(step)
        climb.run("llmops-git check")
    else:
        assert ["traces: {store: s3://BUCKET/traces}"] == step["lines"]
        policy = climb.path("llmops.yaml")
        policy.write_text(policy.read_text() + "traces: {store: .llmops/traces}\n")
    climb.run(f"{step['command']} --no-notify")
    climb.commit()


def guarded(climb: Climb, step: dict[str, Any]) -> None:
    if step["path"]:
        climb.write(step)
        climb.run(step["command"])
    elif step["lines"]:
        config = climb.path(f"prompts/{NAME}.yaml")
        config.write_text(config.read_text() + "\n".join(step["lines"]) + "\n")
        climb.run(step["command"])
        climb.commit()
        climb.run("llmops-git release")
        climb.run(f"llmops-git promote {NAME} --to staging")
        climb.run(f"llmops-git promote {NAME} --to production")
        climb.serve({"lines": [f'router = runtime.load("{NAME}", environment="production", content="redacted")']}, 10)
        climb.run("llmops-git traces ingest")
    else:
        labelled(climb, step["command"])
    climb.commit()


def labelled(climb: Climb, command: str) -> None:
    """A person who says of every text that it is fine."""
    words = [sys.executable, "-m", "llmops_git", *command.split()[1:]]
    done = subprocess.run(words, cwd=climb.folder.path, input="2\n" * 40, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def released(climb: Climb, step: dict[str, Any]) -> None:
    climb.run(step["command"])


TAKE: dict[str, Callable[[Climb, dict[str, Any]], None]] = {
    "prompts": begin, "logging": log, "suite": more_cases, "gate": workflows, "releases": released, "tracing": traced, "dashboards": drawn,
    "live-evals": scored, "alerts": watched, "guard-review": guarded, "regressions": watched,
}  # fmt: skip


@pytest.mark.slow
def test_from_two_files_to_the_last_level_step_by_step(climb: Climb) -> None:
    steps: list[str] = []
    while True:
        point, level = climb.look()
        if point is None:
            break
        step = point["step"]
        said = json.dumps(step)
        assert said not in steps, f"the step changed nothing: {said}"
        steps.append(said)
        TAKE[point["name"]](climb, step)
        climb.taken.append(point["name"])
    assert "mature" == level
    order = ["none", "baseline", "repeatable", "mature"]
    assert climb.levels == sorted(climb.levels, key=order.index)
    assert set(order) == set(climb.levels)
    known = [judge.__name__.replace("_", "-") for judge in POINTS]
    assert list(dict.fromkeys(climb.taken)) == sorted(set(climb.taken), key=known.index)
