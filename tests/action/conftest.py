"""What the stories of the Action start from: a snapshot of the Action, its packages, and a project on the fake GitHub."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest
from action_act import FORWARDED, Act
from action_story import NAME, Story, model, starter_files, with_provider
from fakehub.hub import running

from tests.chat_server import ChatServer, chat_server

ROOT = Path(__file__).parents[2]
LARGE = ("llmops_git", "schemas", "examples")
SHIPPED = ("action.yml", "action", "requirements", *LARGE)


@pytest.fixture(scope="session")
def whole_action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a runner has of the Action: its files, read from the work tree, and nothing that is installed or built beside them."""
    folder = tmp_path_factory.mktemp("action") / "whole"
    folder.mkdir()
    for name in SHIPPED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".llmops"))
        else:
            shutil.copy(source, target)
    # what the first job of a machine would leave; the runner copies the Action for each job
    compile_dir(folder / "llmops_git", quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return folder


@pytest.fixture(scope="session")
def action(whole_action: Path) -> Path:
    """That, with links in the place of the large folders: the emulator copies an Action twice for each step that uses it."""
    folder = whole_action.with_name("linked")
    folder.mkdir()
    for name in SHIPPED:
        if name in LARGE:
            (folder / name).symlink_to(whole_action / name)
        elif (whole_action / name).is_dir():
            shutil.copytree(whole_action / name, folder / name)
        else:
            shutil.copy(whole_action / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def packages(action: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Action's own install step, done once for all jobs and all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "packages-of-the-session"
    shared.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if FORWARDED.fullmatch(name)}
    environment = {**kept, "PATH": os.environ["PATH"], "HOME": str(shared), "RUNNER_TEMP": str(shared)}
    python = f"{sys.base_prefix}/bin/python3"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [python, "-I", str(action / "action" / "install.py")],
            env={**environment, "GITHUB_OUTPUT": os.devnull},
            check=True,
            stdout=subprocess.PIPE,
        )
    return shared / "llmops-git"


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `llmops-git init` writes, run once as a user runs it: nobody changes these files."""
    llmops = str(Path(sys.executable).with_name("llmops-git"))
    return starter_files(tmp_path_factory.mktemp("starter") / "project", llmops, "--provider", "openai")


@pytest.fixture
def project(starter: dict[str, str]) -> Iterator[tuple[dict[str, str], ChatServer]]:
    """The files of a new project, and the model that its policy names."""
    with chat_server(model(starter["evals/review-sentiment.jsonl"])) as chat:
        yield with_provider(starter, chat.url), chat


@pytest.fixture
def story(project: tuple[dict[str, str], ChatServer], action: Path, packages: Path, tmp_path: Path) -> Iterator[Story]:
    """A repository with the project on its default branch; at the end nobody may have broken GitHub's API description."""
    (tmp_path / "hub").mkdir()
    with running(tmp_path / "hub") as hub:
        hub.create_repository(NAME, roles={"maintainer": "admin", "stranger": "none"})
        hub.commit(project[0], "Begin")
        yield Story(hub, Act(action=action, folder=tmp_path / "act"), packages)
        assert [] == hub.violations
