"""What `dashboard` shows, read anew each time it is asked for: the store's traffic, and when releases were deployed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from llmops_git.commands.stored import stored_traces
from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.monitoring.board.values import Board, Marker
    from llmops_git.monitoring.store import Store
    from llmops_git.traces.span import Span

SOON = timedelta(minutes=1)  # the clocks of applications are not ours


class Boarding:
    """The dashboard of a project. Raises, when asked, LlmopsError without DuckDB and NotMeasured without traces."""

    def __init__(
        self,
        project: Project,
        where: str | None,
        *,
        environment: str,
        back: timedelta,
        until: datetime | None,
        from_first: bool = False,
    ) -> None:
        """`back` is how long a time is shown; with `from_first` it begins with the first request in it."""
        self._project, self._where = project, where
        self._environment = environment
        self._back, self._until, self._from_first = back, until, from_first

    def page(self, *, live: bool) -> str:
        """The page as it is now."""
        from llmops_git.monitoring.board.read import first_in, read_board
        from llmops_git.reports.dashboard_page import render_dashboard

        store = self._store()
        until = self._until or datetime.now(UTC) + SOON
        with store.connection() as connection:
            since = until - self._back
            if self._from_first:
                since = first_in(connection, since, until, environment=self._environment)
            board = read_board(connection, since, until, environment=self._environment)
        shown = self._where or self._shown_place(store)
        return render_dashboard(self._marked(board), store=shown, environment=self._environment, live=live)

    def trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of one trace; () where there is none."""
        return self._store().read_trace(trace_id)

    def _store(self) -> Store:
        return stored_traces(self._project, self._where)

    def _shown_place(self, store: Store) -> str:
        return str(store.files.where).removeprefix(f"{self._project.git.folder}/")

    def _marked(self, board: Board) -> Board:
        """With deployments in the place of first requests, where git knows them."""
        deployed = tuple(one for one in self._deployments() if board.since <= one.moment < board.until)
        known = {(one.config, one.release) for one in deployed}
        kept = tuple(one for one in board.markers if (one.config, one.release) not in known)
        return replace(board, markers=(*kept, *deployed))

    def _deployments(self) -> Iterator[Marker]:
        from llmops_git.commands.state import read_state
        from llmops_git.monitoring.board.values import Marker
        from llmops_git.releases.history import read_history

        try:
            state = read_state(fetch=False, project=self._project)
        except LlmopsError:  # traffic can be shown where there are no releases, or no commit yet
            return
        for environment in state.registry.environments.values():
            if self._environment in {"", environment.name}:
                for step in read_history(self._project.git, environment.tip):
                    running = step.running
                    yield Marker(
                        config=running.config,
                        release=running.release,
                        moment=datetime.fromtimestamp(step.time, UTC),
                        what="rolled back" if running.held else "deployed",
                    )
