"""A project on the fake hub whose model is hostile wherever it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub

from tests.attacks.stage import hostile
from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server(hostile) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CiProject:
    """A project of skill 60 on main."""
    files = {
        "llmops.yaml": POLICY.format(url=model.url, key=KEY),
        "prompts/router.yaml": config(60),
        "evals/router.jsonl": rows(),
    }
    hub.commit(files, "first")
    return CiProject(hub, tmp_path, monkeypatch, capfd)
