"""A project on the fake hub with one release that runs in staging, made once for all tests that start from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.chat_server import ChatServer
from tests.commands.ci_project import KEY, CiProject, Done, config, rows
from tests.commands.ci_project import POLICY as PROVIDERS

POLICY = f"{PROVIDERS}environments:\n  staging: {{{{promote: automatic}}}}\n  production: {{{{after: staging}}}}\n"
REPOSITORY = "octo-org/prompts"
CONFIG_PATH = "prompts/router.yaml"


def staged(
    hub: Hub, model: ChatServer, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], made: Path
) -> CiProject:
    """A project of skill 60 on main, released and running in staging. `made` keeps it for the next test of this `model`."""
    hub.add_user("mona")
    ci = CiProject(hub, folder, monkeypatch, capfd)
    bare = hub.store(REPOSITORY)
    if made.exists():
        bare.run("fetch", "-q", str(made), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        return ci
    policy = POLICY.format(url=model.url, key=KEY)
    hub.commit({"llmops.yaml": policy, CONFIG_PATH: config(60), "evals/router.jsonl": rows()}, "first")
    release(ci)
    subprocess.run(["git", "clone", "-q", "--mirror", str(bare.folder), str(made)], check=True)
    return ci


def release(ci: CiProject, level: int | None = None) -> None:
    """Release main and bring staging up to date, after a change where a level is given."""
    if level is not None:
        ci.hub.commit({CONFIG_PATH: config(level)})
    commit = ci.hub.store(REPOSITORY).branch("main")
    ended = ci.run("push", ci.hub.event_payload("push", after=commit), job="release")
    assert ended.code == 0, ended.out


def dispatch(ci: CiProject, job: str = "promote", *, ref: str = "", token: str | None = None, **inputs: str) -> Done:
    """A dispatched workflow by mona, into production unless told otherwise."""
    payload = ci.hub.event_payload("workflow_dispatch", sender="mona", ref=ref)
    return ci.run("workflow_dispatch", payload, job=job, token=token, **{"environment": "production", **inputs})
