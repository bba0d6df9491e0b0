"""What a typical tool does. Honest, small and wrong: each function is what an attack of this folder works on.

Run as a program, `python -P naive.py FUNCTION ARGUMENTS…` calls a function with its arguments as text, so that a test can
bound what it uses and look at what became of it.
"""

# ruff: noqa: T201

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def print_answers(answers: Sequence[str]) -> str:
    """The log of a job that prints what the model said."""
    return "".join(f"answer: {answer}\n" for answer in answers)


def write_output(file: Path, name: str, value: str) -> None:
    """An output of a step, with the delimiter of every tutorial."""
    with file.open("a") as stream:
        stream.write(f"{name}<<EOF\n{value}\nEOF\n")


def run_module(folder: str) -> None:
    """A tool that is started as `python -m` with the checkout as its working directory, and imports a dependency."""
    command = [sys.executable, "-c", "import click; print('a command line')"]
    subprocess.run(command, cwd=folder, check=True)


def git_diff(folder: str, revision: str) -> str:
    """The porcelain, with whatever attributes and configuration are there, and a revision as it came."""
    return subprocess.run(["git", "diff", revision], cwd=folder, capture_output=True, text=True, check=False).stdout


def git_status(folder: str) -> None:
    """In whatever repository git finds."""
    subprocess.run(["git", "status"], cwd=folder, capture_output=True, check=False)


def git_fetch(folder: str, remote: str) -> None:
    """From a remote that a file names."""
    subprocess.run(["git", "fetch", remote], cwd=folder, capture_output=True, check=False)


def git_push(folder: str, ref: str, commit: str) -> None:
    """By force, as many release scripts move their tags."""
    subprocess.run(["git", "push", "-q", "--force", "origin", f"{commit}:{ref}"], cwd=folder, check=True)


def render_file(folder: str, name: str) -> str:
    """A prompt from the checkout, rendered with all that Jinja has."""
    from jinja2 import Environment, FileSystemLoader

    text = Environment(loader=FileSystemLoader(folder), autoescape=False).get_template(name).render()
    print(len(text) if len(text) > 10_000 else text)
    return text


def load_yaml(path: str) -> None:
    """Load, and write it as JSON to hash it."""
    from ruamel.yaml import YAML

    value = YAML(typ="safe").load(Path(path).read_text())
    print(len(json.dumps(value)))


def described(path: str) -> str:
    """A config, shown to somebody who wants to know what it is."""
    from ruamel.yaml import YAML

    return "".join(f"{key}: {value}\n" for key, value in YAML(typ="safe").load(Path(path).read_text()).items())


def load_any_yaml(path: str) -> None:
    """With the loader that makes objects."""
    from ruamel.yaml import YAML

    YAML(typ="unsafe", pure=True).load(Path(path).read_text())


def match(pattern: str, text: str) -> None:
    """A pattern that somebody else wrote."""
    print(bool(re.match(pattern, text)))


def validate(schema: str, value: str) -> None:
    """A schema that somebody else wrote."""
    from jsonschema import Draft202012Validator

    print(Draft202012Validator(json.loads(schema)).is_valid(json.loads(value)))


def read_report(archive: str) -> bytes:
    """The report of an artifact."""
    with zipfile.ZipFile(archive) as opened:
        data = opened.read("report.json")
    print(len(data))
    return data


def extract(archive: Path, folder: Path) -> None:
    """Member by member, by the name that it has."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(opened.read(name))


def comment_of(report: Mapping[str, Any]) -> str:
    """A comment in which texts of the report stand as they are."""
    rows = "".join(f"| {case['id']} | {case['output']} |\n" for case in report["cases"])
    return f"<!-- llmops-git -->\n**{report['verdict']}**\n\n| case | answer |\n|---|---|\n{rows}"


def own_comment(bodies: Sequence[str]) -> int:
    """The comment to update: the first that has the marker anywhere."""
    return next(index for index, body in enumerate(bodies) if "llmops-git" in body)


def gate(checkout: Path, score: float) -> bool:
    """Whether a score passes the threshold that the pull request's own file names."""
    from ruamel.yaml import YAML

    return bool(score >= YAML(typ="safe").load((checkout / "llmops.yaml").read_text())["threshold"])


def ask(settings: Mapping[str, str], environ: Mapping[str, str]) -> bytes:
    """Ask the provider that a file names, with the key that it names, wherever that leads."""
    headers = {"authorization": f"Bearer {environ[settings['key_env']]}", "content-type": "application/json"}
    request = urllib.request.Request(settings["base_url"] + "/chat/completions", b"{}", headers)
    with urllib.request.urlopen(request) as reply:
        content: bytes = reply.read()
    return content


def call_tool(name: str, arguments: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """A tool that a model asked for, run where the tool itself runs: with its files, its environment and its shell."""
    if name == "read_file":
        program = [sys.executable, "-I", "-c", "import sys; print(open(sys.argv[1]).read())", arguments["path"]]
    else:
        program = ["sh", "-c", arguments["command"]]
    return subprocess.run(program, env=dict(environ), capture_output=True, text=True, check=True).stdout


def set_variable(file: Path, name: str, value: str) -> None:
    """A variable for the steps that follow, as a line of GITHUB_ENV."""
    with file.open("a") as stream:
        stream.write(f"{name}={value}\n")


def cached_reply(folder: Path, key: str) -> str | None:
    """A reply by its key, as it lies there."""
    path = folder / f"{key}.json"
    return str(json.loads(path.read_text())["text"]) if path.exists() else None


def start_helper(command: Sequence[str]) -> str:
    """A helper program, with the environment of the tool."""
    return subprocess.run(list(command), env=dict(os.environ), capture_output=True, text=True, check=True).stdout


def read_cases(path: str) -> None:
    """Every row of an eval set."""
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    print(len(rows))


def tag_at(folder: str, name: str) -> str:
    """What a deploy script takes for a release: whatever the ref points at now."""
    command = ["git", "rev-parse", f"refs/tags/{name}^{{commit}}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def is_signed(folder: str, ref: str) -> bool:
    """Whether the object of a ref is a well-formed tag; nobody asks what name it was made for."""
    done = subprocess.run(["git", "cat-file", "tag", ref], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "tagger " in done.stdout


def comment_for(artifact: Mapping[str, Any]) -> tuple[int, str, str]:
    """Where to comment and what, as the artifact of a fork's job says: number, commit, verdict."""
    return int(artifact["pull_request"]), str(artifact["head"]), str(artifact["verdict"])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
