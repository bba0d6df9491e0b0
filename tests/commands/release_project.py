"""A project with a bare remote and a model whose skill stands in its prompt, for the tests of release commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from tests.chat_server import Asked, ChatServer, Script, chat_server, text_answer

LABELS = ("billing", "technical", "sales")
CASES = 30
CONFIG = """\
name: {name}
description: Route a message ({name}).
model: {{provider: test, id: test-model-2026-01-01, parameters: {{temperature: 0, max_tokens: 8}}}}
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages:
  - {{role: system, content: "{name}: skill {skill}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
"""
EVALUATION = """\
evaluation:
  dataset: ../evals/cases.jsonl
  scorers:
    queue: {use: exact}
"""
POLICY = """\
version: 1
providers:
  test: {{api: openai, base_url: "{url}"}}
environments:
  staging: {{promote: automatic}}
  production: {{after: staging}}
"""


def skill(asked: Asked, _number: int) -> Any:
    """`skill 60` answers 60 % of the cases rightly."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    number = int(message.split()[-1])
    return text_answer(LABELS[number % 3] if number * 100 // CASES < int(system.split()[-1]) else "no idea")


class Folder:
    """One clone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def write(self, name: str, level: int, *, evaluated: bool = True) -> None:
        """A config whose prompt has this skill."""
        (self.path / "prompts").mkdir(exist_ok=True)
        text = CONFIG.format(name=name, skill=level) + (EVALUATION if evaluated else "")
        (self.path / "prompts" / f"{name}.yaml").write_text(text)

    def commit(self, message: str = "change", *, push: bool = True) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        if push:
            self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def change(self, **skills: int) -> str:
        """Commit and push prompts: `change(router=60)`."""
        for name, level in skills.items():
            self.write(name, level)
        return self.commit(" ".join(skills))

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start llmops-git in this clone, as a process of its own."""
        command = [sys.executable, "-c", "from llmops_git.cli import main; main()", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Run llmops-git in this clone; exit code, standard output, standard error. In this process, where it can be."""
        if environment is not None:
            process = self.start(*arguments, environment=environment)
            out, err = process.communicate()
            return process.returncode, out, err
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
        with contextlib.chdir(self.path), contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            code = run(list(arguments))
        texts = []
        for stream in streams:
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return code, texts[0], texts[1]

    def ok(self, *arguments: str) -> str:
        """Run llmops-git and expect success; its standard output."""
        code, out, err = self.run(*arguments)
        assert code == 0, f"{arguments}: {code}\n{out}\n{err}"
        return out

    def json(self, *arguments: str, schema: str = "", code: int = 0) -> Any:
        """Run with --format json; the document, valid against its schema."""
        found, out, err = self.run(*arguments, "--format", "json")
        assert found == code, f"{arguments}: {found}\n{out}\n{err}"
        document = json.loads(out)
        assert [error.message for error in validator(schema or arguments[0]).iter_errors(document)] == []
        return document

    def tags(self) -> list[str]:
        return self.git("tag", "--list", "llmops/*", "--sort=v:refname").split()


class Place:
    """A bare remote with its clones."""

    def __init__(self, folder: Path, server: ChatServer) -> None:
        self.folder = folder
        self.bare = Folder(folder / "remote.git")
        self.server = server

    def clone(self, name: str, *options: str) -> Folder:
        url = self.bare.path.as_uri()
        subprocess.run(["git", "clone", "-q", *options, url, str(self.folder / name)], check=True, stderr=subprocess.PIPE)
        return Folder(self.folder / name)


@contextmanager
def release_project(folder: Path, *configs: str, level: int = 60, script: Script = skill) -> Iterator[tuple[Place, Folder]]:
    """A remote whose main has these configs at this skill, and one clone of it."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder / "remote.git")], check=True)
    with chat_server(script) as server:
        place = Place(folder, server)
        clone = place.clone("alice")
        clone.git("switch", "-q", "-c", "main")
        (clone.path / "llmops.yaml").write_text(POLICY.format(url=server.url))
        (clone.path / "evals").mkdir()
        rows = [{"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": LABELS[n % 3]} for n in range(CASES)]
        (clone.path / "evals" / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for name in configs or ("router",):
            clone.write(name, level)
        clone.commit("first")
        place.bare.git("symbolic-ref", "HEAD", "refs/heads/main")
        yield place, clone


def shadow(folder: Path, script: str) -> dict[str, str]:
    """An environment in which a shell script stands in front of git: `$GIT` is the real one, `$REAL_PATH` finds it."""
    real = shutil.which("git")
    path = os.environ["PATH"]
    (folder / "shadow").mkdir()
    program = folder / "shadow" / "git"
    program.write_text(f'#!/bin/sh\nGIT={real}\n{script}\nexec "$GIT" "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{folder / 'shadow'}{os.pathsep}{path}", "REAL_PATH": path}
