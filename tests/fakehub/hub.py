"""A stateful GitHub on the loopback for tests: `with running(folder) as hub:`. State is plain Python, repositories are real.

The API is at `hub.api_url` (…/api/v3, as on GitHub Enterprise Server), git at `hub.server_url/OWNER/NAME.git`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fakehub import control, server
from fakehub.contract import contract
from fakehub.conversations import Conversations
from fakehub.faults import Faults, Misfortunes
from fakehub.githttp import Answer
from fakehub.places import BOT, EVERYTHING, FORK, RULESETS
from fakehub.records import Request
from fakehub.runs import Runs
from fakehub.storage import Storage

__all__ = ["BOT", "EVERYTHING", "FORK", "RULESETS", "Hub", "running"]


class Hub(Conversations, Runs, Misfortunes):
    """What a test sees. `violations` is every breach of GitHub's API description, by a client or by the hub itself."""

    def __init__(self, folder: Path, *, enterprise: bool = False) -> None:
        super().__init__(folder)
        self.enterprise = enterprise
        self.contract = contract("github-enterprise" if enterprise else "github")
        self.server_url = self.api_url = ""
        self.log: list[Request] = []
        self.violations: list[str] = []
        self.faults = Faults()
        self.storage = Storage(self)
        self.rate, self.used = 1000, 0
        self.controlled = False  # whether /_hub/ may be used by other processes

    def calls(self, operation: str) -> list[Request]:
        """The requests to one operation (`issues/create-comment`), or all that git made (`git`)."""
        return [entry for entry in self.log if entry.operation == operation]

    def writes(self) -> list[Request]:
        """The API requests that change something."""
        return [entry for entry in self.log if entry.method != "GET" and entry.path.startswith(server.API)]

    def control(self, method: str, path: str, body: bytes) -> Answer | None:
        return control.serve(self, method, path, body) if self.controlled else None


@contextmanager
def running(folder: Path, *, enterprise: bool = False, controlled: bool = False) -> Iterator[Hub]:
    """A hub that listens until the end of the block."""
    hub = Hub(folder, enterprise=enterprise)
    hub.controlled = controlled
    main, hub.server_url, thread = server.listen(lambda *request: server.route(hub, *request))
    hub.api_url = f"{hub.server_url}{server.API}"
    second, hub.storage.url, other = server.listen(
        lambda _method, target, headers, _body: hub.storage.serve(target.partition("?")[0], target.partition("?")[2], headers)
    )
    try:
        yield hub
    finally:
        for listening, running_thread in ((main, thread), (second, other)):
            listening.shutdown()
            listening.server_close()
            running_thread.join()
