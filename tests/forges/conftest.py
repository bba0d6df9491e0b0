"""The fake GitHub, and a client that waits in no time at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fakehub.fixtures import hub  # noqa: F401  # a fixture
from fakehub.hub import Hub
from forge_waits import Waits

from llmops_git.forges.github import GitHub
from llmops_git.forges.http import Client


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def open_github(hub: Hub, waits: Waits) -> Iterator[Callable[..., GitHub]]:  # noqa: F811
    """Opens octo-org/prompts on the hub with a token (a job's own unless told otherwise)."""
    opened: list[GitHub] = []

    def open_one(
        token: str = "", *, api_url: str = "", repository: str = "octo-org/prompts", most_wait: float = 120.0
    ) -> GitHub:
        token, address = token or hub.token(), api_url or hub.api_url
        client = Client(address, token, pace=waits.pace(most_wait), timeout=5)
        opened.append(GitHub(repository=repository, token=token, api_url=address, client=client))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def github(open_github: Callable[..., GitHub]) -> GitHub:
    return open_github()


@pytest.fixture
def pull(hub: Hub) -> int:  # noqa: F811
    """The number of an open pull request from the branch `change` of the repository itself."""
    hub.commit({"a.txt": "a"})
    hub.commit({"a.txt": "b"}, branch="change")
    return hub.open_pull_request(head="change", author="alice").number
