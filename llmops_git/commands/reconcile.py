"""Releases and then promotes: what `release` and the release job of `ci` do, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.commands.deploying import Promoted, promote_automatically
from llmops_git.commands.releasing import Reconciled, release_configs

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.errors import LlmopsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was released and what was promoted after it."""

    reconciled: Reconciled
    promoted: Promoted

    @property
    def failure(self) -> LlmopsError | None:
        """What stopped it half-way, if anything did."""
        return self.reconciled.failure or self.promoted.failure


def reconcile(
    state: State,
    names: Sequence[str],
    folders: Sequence[Path] = (),
    *,
    commit: str,
    promote: bool,
    dry_run: bool,
    on_released: Callable[[Reconciled], None],
    quiet: bool = False,
) -> Done:
    """Release what `commit` (the newest of the default branch) holds, then bring automatic environments up to date.

    Running it twice does nothing the second time; a run that was stopped anywhere is finished by the next one.
    `on_released` is called between the two. `quiet` keeps standard output for other data.
    """
    reconciled = release_configs(state, names, folders, commit=commit, dry_run=dry_run)
    on_released(reconciled)
    promoted = Promoted()
    if promote and reconciled.failure is None:
        promoted = promote_automatically(state, names, dry_run=dry_run, quiet=quiet)
    return Done(reconciled=reconciled, promoted=promoted)
